/** The events that a meter has told. */

// As the gateway words them: what, which phase, whether it begins or ends, and what goes with it
const FORM = /^([a-z ]+?)( L\d)?(?: (begins|ends))?( [\d%].*)?$/;

/** Return a card that asks `path` for the events when it is opened, newest first; words(app, event) says what one is. */
export function eventCard(app, path, words) {
  const { el, t } = app;
  const listing = el("div");
  const card = el("details.card", { ontoggle: show }, el("summary", t("profile.events")), listing);
  return card;

  async function show() {
    if (!card.open) return;
    let events = [];
    try {
      ({ events } = await app.api(path));
    } catch (error) {
      if (error.status !== 404) return app.complain(error);
    }
    const columns = [[t("time")], [t("log.code")], [t("events.text"), "whole"]];
    const rows = events.toReversed().map((event) => [event.local_time, String(event.code), words(app, event)]);
    app.draw(listing, rows.length ? app.table(app, columns, rows) : el("p.muted", t("log.none")));
  }
}

/** An event in the gateway's words, in the user's language. */
export function worded({ t }, { text }) {
  const one = (part) => {
    const [, what, phase = "", edge, rest = ""] = part.match(FORM) || [];
    return what ? t("log." + what, {}, what) + phase + (edge ? " " + t("log." + edge, {}, edge) : "") + rest : part;
  };
  return text.split(", ").map(one).join(", ");
}
