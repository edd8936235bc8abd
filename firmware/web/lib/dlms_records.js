/** What a DLMS meter has recorded, a kind at a time: load profile, daily, monthly, maxima, present values. */

import { columnText, minutes } from "./dlms_words.js";
import { recordCards } from "./records.js";

// Days that are asked for at once, and that are shown first
const DAYS = { profile: 2, daily: 31, monthly: 400, maxima: 400, present: 7 };
const HOUR_S = 3600;

/** Append the cards to `view`; return what is to be called when the page is left. */
export async function recordPart(view, app, meter) {
  const { el, t } = app;
  const stops = [];
  const kinds = el("select", { onchange: () => choose(kinds.value) }, Object.keys(DAYS).map((kind) => el("option", { value: kind }, t("dlms.kept." + kind))));
  const box = el("div");
  view.append(el("section.card", app.field(app, t("dlms.records"), kinds)), box);
  await choose(kinds.value);
  return leave;

  function leave() {
    stops.splice(0).forEach((stop) => stop());
  }

  async function choose(kind) {
    leave();
    box.replaceChildren();
    const path = `/api/archive/${meter.id}?kind=${kind}`;
    try {
      const { records } = await app.api(path);
      if (kind !== kinds.value) return; // another one was chosen meanwhile
      const last = records.at(-1);
      if (!last) return box.append(el("p.note.plain", t("dlms.nothing_kept")));
      const kept = {
        title: t("dlms.kept." + kind),
        file: `${meter.serial}-${kind}`,
        days: DAYS[kind],
        period_min: kind === "profile" ? period(records) : 0,
        ...span(records),
        isTableShut: true,
        nameOf: (column) => columnText(app, column),
        path: (from, to) => `${path}&from=${from}&to=${to}`,
      };
      const { nodes, show } = recordCards(app, kept, stops);
      box.append(...nodes);
      await show();
    } catch (error) {
      app.complain(error);
    }
  }

  function span(records) {
    const [first, last] = [records[0], records.at(-1)];
    const text = ([utc, ahead]) => {
      const [day, time] = new Date((utc + ahead) * 1000).toISOString().split("T");
      return `${day.split("-").reverse().join(".")} ${time.slice(0, 8)}`;
    };
    return { last: last[0], first_time: text(first), last_time: text(last) };
  }
}

/** Minutes from one record to the next, the shortest that divides an hour. */
function period(records) {
  const steps = records.slice(1).map(([utc], at) => utc - records[at][0]);
  return Math.min(HOUR_S, ...steps.filter((step) => HOUR_S % step === 0)) / 60;
}
