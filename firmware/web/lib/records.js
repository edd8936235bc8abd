/** Records of a meter over a span of days: table, graph, CSV, XLSX, print. Of use to the pages that show some. */

import { makeChart } from "./record_chart.js";
import { csv, dayOf, headOf, inSteps, isTime, momentText, sheet, timeText, zoneText } from "./record_rows.js";
import { xlsx } from "./xlsx.js";

const DAY_MS = 86400000;
const HOUR_S = 3600;
const MOST_DAYS = 400;
const MOST_ROWS = 3000; // of the table: a month of quarters of an hour; more is slow on a phone

const iso = (date) => new Date(date).toISOString().slice(0, 10);
/** On white paper, whatever the theme. */
async function printOut() {
  const { style } = document.documentElement;
  const before = style.colorScheme;
  const use = (scheme) => {
    style.colorScheme = scheme;
    document.dispatchEvent(new Event("theme"));
  };
  use("light");
  addEventListener("afterprint", () => use(before), { once: true });
  await new Promise(requestAnimationFrame);
  print();
}

/**
 * Return {nodes, show()}: the cards of what a meter has recorded, to be filled by show(). `kept`: {title, note, file, path,
 * period_min, first, last, first_time, last_time}, as /api/profile lists it; path(from, to) is asked for the days from one to
 * the other, `days` of them at once: what the gateway sends in good time. Where period_min is 0 each record is a row, and
 * nothing is missing in between. `nameOf`: what a column is called, if that is not its code; `isTableShut`: whether the table
 * has to be opened. `stops` takes what is to be called when the page is left.
 */
export function recordCards(app, kept, stops) {
  const { el, t } = app;
  const { title, period_min: period, nameOf = headOf } = kept;
  const today = dayOf(kept.last_time);
  const day = (value) => el("input", { type: "date", value: iso(value), required: true });
  const from = day(today - (kept.days - 1) * DAY_MS);
  const to = day(today);
  const step = el(
    "select",
    el("option", { value: period * 60 }, t("span.min", { n: period })),
    period < 60 && el("option", { value: HOUR_S }, t("profile.hourly")),
  );
  const labelled = (text, control) => el("label", el("span", text), " ", control);
  const sum = el("p", { role: "status" });
  const box = el("div.chart");
  const listing = el("div.wide.dense", { tabindex: "0", role: "region", "aria-label": t("graph.table") });
  const button = (text, onclick, look = "") => el("button" + look, { type: "button", onclick }, text);
  const file = () => `${kept.file}-${from.value}-${to.value}`;
  const files = el(
    "div.actions",
    button(t("profile.csv"), () => app.save(file() + ".csv", csv(shown))),
    button(t("profile.xlsx"), () => app.save(file() + ".xlsx", xlsx(title, sheet(shown)))),
    button(t("profile.print"), printOut),
  );
  let shown, chart;
  const nodes = [
    el(
      "section.card",
      el("h2", title),
      kept.note && el("p.muted", kept.note),
      el(
        "form.actions",
        { onsubmit: (event) => (event.preventDefault(), show()) },
        labelled(t("profile.from"), from),
        labelled(t("profile.to"), to),
        period > 0 && labelled(t("profile.step"), step),
        el("button.primary", { type: "submit" }, t("profile.show")),
      ),
      sum,
      box,
      files,
    ),
    el("details.card", { open: !kept.isTableShut }, el("summary", t("graph.table")), listing),
  ];
  stops.push(() => chart?.destroy());

  async function show() {
    const first = Date.parse(from.value);
    const last = Math.min(Date.parse(to.value), first + MOST_DAYS * DAY_MS);
    const records = [];
    const columns = []; // all that some answer has: meters change what they record
    const placeOf = ({ code, unit }) => {
      const place = columns.findIndex((column) => column.code === code && column.unit === unit);
      return place < 0 ? columns.push({ code, unit }) - 1 : place;
    };
    for (let at = first; at <= last; at += kept.days * DAY_MS) {
      const end = Math.min(last, at + (kept.days - 1) * DAY_MS);
      sum.textContent = t("profile.reading", { day: iso(at) });
      const answer = await app.api(kept.path(iso(at), iso(end)));
      const places = answer.columns.map(placeOf);
      for (const [utc, ahead, status, ...values] of answer.records) {
        const record = [utc, ahead, status, ...columns.map(() => null)];
        places.forEach((place, number) => (record[3 + place] = values[number]));
        records.push(record);
      }
    }
    shown = inSteps(records, columns, kept, period ? +step.value : 0, first / 1000, (last + DAY_MS) / 1000);
    const { rows } = shown;
    sum.textContent = rows.length
      ? t("profile.count", { n: records.length, missing: rows.filter((row) => row.isMissing).length }) +
        (rows.length > MOST_ROWS ? " " + t("profile.cut", { n: MOST_ROWS }) : "")
      : t("profile.empty", { from: kept.first_time.slice(0, -3), to: kept.last_time.slice(0, -3) });
    for (const node of [box, listing.parentNode, ...files.children]) node.hidden = !rows.length;
    const isShifted = rows.some(({ utc, local }) => local - utc !== rows[0].local - rows[0].utc);
    const heads = shown.columns.map((column) => [nameOf(column), "number"]);
    const value = (row) => (column, at) => {
      const number = row.values[at] ?? null;
      if (number === null) return "–";
      return isTime(column) ? momentText(row, number) : number.toLocaleString(app.language, { maximumFractionDigits: 6 });
    };
    app.draw(
      listing,
      app.table(
        app,
        [[t("time")], ...heads, [t("profile.status")]],
        rows.slice(0, MOST_ROWS).map((row) => [
          timeText(row.local) + (isShifted ? zoneText(row) : ""),
          ...shown.columns.map(value(row)),
          row.isMissing ? t("profile.missing") : row.status ? row.status.toString(16) : "",
        ]),
      ),
    );
    chart?.destroy();
    chart = undefined;
    if (rows.length) chart = await makeChart(app, box, shown, t("time"), nameOf);
    box.setAttribute("role", "img");
    box.setAttribute("aria-label", `${title}. ${sum.textContent}`);
  }
  return { nodes, show };
}
