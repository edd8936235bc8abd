/** The events that a meter has told, in words where its code is known. */

// Source: the Turkish metering specifications (TEDAS-MLZ/2017-062, MASS) and the codes of their makers
const WORDS = [
  ["outage", /^96\.(77\.[0-3]|7\.(\d0|1\d))/],
  ["top", /^96\.(20\.[01]|70)(?!\d)/],
  ["terminal", /^96\.(20\.[56]|71)(?!\d)/],
  ["magnet", /^96\.(20\.1[568]|80)(?!\d)/],
  ["reset", /^96\.11\.[01](?!\d)/],
  ["tariff", /^96\.2\.2(?!\d)/],
  ["sag", /^[357]2\.34\.0/],
  ["swell", /^[357]2\.38\.0/],
];

/** Return a card that asks for the events when it is opened. */
export function eventCard(app, key, table) {
  const { el, t } = app;
  const listing = el("div", { role: "status" });
  const card = el("details.card", el("summary", t("profile.events")), listing);
  card.addEventListener("toggle", async () => {
    if (!card.open) return;
    let events = [];
    try {
      ({ events } = await app.api("/api/meter_events/" + encodeURIComponent(key)));
    } catch (error) {
      if (error.status !== 404) return app.complain(error);
    }
    const columns = [[t("time")], [t("log.code")], [t("events.text"), "whole"]];
    const rows = events.toReversed().map(({ local_time, code, text }) => [local_time, code, worded(code, text)]);
    app.draw(listing, rows.length ? table(app, columns, rows) : el("p.muted", t("log.none")));
  });
  return card;

  function worded(code, text) {
    const word = WORDS.find(([, form]) => form.test(code));
    return [word && t("log." + word[0]), text].filter(Boolean).join(": ");
  }
}
