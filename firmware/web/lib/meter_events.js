/** The events that a meter has told. */

// As the gateway words them: what, which phase, whether it begins or ends, and what goes with it
const FORM = /^([a-z ]+?)( L\d)?(?: (begins|ends))?( [\d%].*)?$/;

/** Return a card that asks for the events when it is opened, newest first. */
export function eventCard(app, key) {
  const { el, t } = app;
  const listing = el("div");
  const card = el("details.card", { ontoggle: show }, el("summary", t("profile.events")), listing);
  return card;

  async function show() {
    if (!card.open) return;
    let events = [];
    try {
      ({ events } = await app.api("/api/meter_events/" + encodeURIComponent(key)));
    } catch (error) {
      if (error.status !== 404) return app.complain(error);
    }
    const columns = [[t("time")], [t("log.code")], [t("events.text"), "whole"]];
    const rows = events.toReversed().map(({ local_time, code, text }) => [local_time, code, text.split(", ").map(worded).join(", ")]);
    app.draw(listing, rows.length ? app.table(app, columns, rows) : el("p.muted", t("log.none")));
  }

  function worded(text) {
    const [, what, phase = "", edge, rest = ""] = text.match(FORM) || [];
    return what ? t("log." + what, {}, what) + phase + (edge ? " " + t("log." + edge, {}, edge) : "") + rest : text;
  }
}
