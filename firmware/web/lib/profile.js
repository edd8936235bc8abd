/**
 * Load profiles of meters over a span of days: table, graph, CSV, XLSX, print; the demand of all meters together; events.
 * A script of its own, which boards without profiles have not: app.js has only its name.
 */

import { save } from "../pages/file.js";
import { table } from "../pages/table.js";
import { xlsx } from "./xlsx.js";

const DAY_MS = 86400000;
const HOUR_S = 3600;
const DAYS_AT_ONCE = 2; // asked for: what the gateway sends in good time
const MOST_DAYS = 400;
const HEIGHT = 340;
const TOTAL = "total";

export default async function mount(view, app) {
  const { el, t } = app;
  const { profiles } = await app.api("/api/profile");
  const stops = [];
  if (!profiles.length) view.append(el("p.note.plain", t("profile.none")));
  else await showProfile(view, app, profiles, stops);
  await showDemand(view, app);
  return () => stops.forEach((stop) => stop());
}

const nameOf = ({ t }, key) => (key === TOTAL ? t("demand.total") : key);
const iso = (date) => new Date(date).toISOString().slice(0, 10);
const two = (number) => String(number).padStart(2, "0");

/** Local seconds, as if they were UTC, in the form that the gateway writes. */
function timeText(local) {
  const date = new Date(local * 1000);
  return `${two(date.getUTCDate())}.${two(date.getUTCMonth() + 1)}.${date.getUTCFullYear()} ${date.toISOString().slice(11, 16)}`;
}

async function showProfile(view, app, profiles, stops) {
  const { el, t } = app;
  const profile = profiles.find(({ key }) => key === app.arg) || profiles[0];
  const title = nameOf(app, profile.key);
  const today = Date.parse(iso(profile.last * 1000));
  const day = (value) => el("input", { type: "date", value: iso(value), required: true });
  const from = day(today - DAY_MS);
  const to = day(today);
  const step = el(
    "select",
    el("option", { value: profile.period_min * 60 }, t("span.min", { n: profile.period_min })),
    profile.period_min < 60 && el("option", { value: HOUR_S }, t("profile.hourly")),
  );
  const labelled = (text, control) => el("label", el("span", text), " ", control);
  const sum = el("p", { role: "status" });
  const box = el("div.chart");
  const listing = el("div.wide.dense", { tabindex: "0", role: "region", "aria-label": t("graph.table") });
  const button = (text, onclick, look = "") => el("button" + look, { type: "button", onclick }, text);
  const file = () => `profile-${profile.key}-${from.value}-${to.value}`;
  let shown, chart;
  view.append(
    el(
      "nav.tabs",
      { "aria-label": t("meters.choose") },
      profiles.map(({ key, period_min: n }) =>
        el(
          "a",
          { href: "#/profile/" + encodeURIComponent(key), "aria-current": key === profile.key && "page" },
          nameOf(app, key),
          el("small", t("span.min", { n })),
        ),
      ),
    ),
    el(
      "section.card",
      el("h2", title),
      el("p.muted", t("profile.kept", { from: localText(profile.first), to: localText(profile.last), n: profile.missing })),
      el(
        "form.actions",
        { onsubmit: (event) => (event.preventDefault(), show()) },
        labelled(t("profile.from"), from),
        labelled(t("profile.to"), to),
        labelled(t("profile.step"), step),
        el("button.primary", { type: "submit" }, t("profile.show")),
      ),
      sum,
      box,
      el(
        "div.actions",
        button(t("profile.csv"), () => save(file() + ".csv", csv(shown))),
        button(t("profile.xlsx"), () => save(file() + ".xlsx", xlsx(title, sheet(shown)))),
        button(t("profile.print"), () => print()),
      ),
    ),
    el("details.card", { open: true }, el("summary", t("graph.table")), listing),
    eventList(app, profile.key),
  );
  stops.push(() => chart?.destroy());

  /** Of the browser's own clock: which day that is matters little here. */
  function localText(utc) {
    return timeText(utc - new Date(utc * 1000).getTimezoneOffset() * 60);
  }

  async function show() {
    const first = Date.parse(from.value);
    const last = Math.min(Date.parse(to.value), first + MOST_DAYS * DAY_MS);
    const records = [];
    let columns = profile.columns;
    for (let at = first; at <= last; at += DAYS_AT_ONCE * DAY_MS) {
      const end = Math.min(last, at + (DAYS_AT_ONCE - 1) * DAY_MS);
      sum.textContent = t("profile.reading", { day: iso(at) });
      const answer = await app.api(`/api/profile/${encodeURIComponent(profile.key)}?from=${iso(at)}&to=${iso(end)}`);
      ({ columns } = answer);
      for (const record of answer.records) records.push(record);
    }
    shown = inSteps(records, columns, profile.period_min * 60, +step.value);
    sum.textContent = t("profile.count", { n: records.length, missing: shown.rows.filter((row) => row.isMissing).length });
    const heads = shown.columns.map((column) => [headOf(column), "number"]);
    const value = (number) => (number === null ? "–" : number.toLocaleString(app.language, { maximumFractionDigits: 6 }));
    app.draw(
      listing,
      table(
        app,
        [[t("time")], ...heads, [t("profile.status")]],
        shown.rows.map((row) => [
          timeText(row.local),
          ...row.values.map(value),
          row.isMissing ? t("profile.missing") : row.status ? row.status.toString(16) : "",
        ]),
      ),
    );
    chart?.destroy();
    chart = undefined;
    if (shown.rows.length) chart = await makeChart(app, box, shown, t("time"));
    box.setAttribute("role", "img");
    box.setAttribute("aria-label", `${title}. ${sum.textContent}`);
  }
  await show();
}

const headOf = ({ code, unit }) => (unit ? `${code} ${unit}` : code);
const isRegister = ({ code }) => /(^|[.:])\d+\.8\./.test(code);
const isEnergy = ({ code }) => /\.(9|29)(\.|$)/.test(code);

/**
 * Return {columns, rows: [{utc, local, status, values, isMissing}]}, a row for each step in which a record ends. Of several
 * records in a step registers have the last one's value, energies their sum, all else the mean; missing ones make it missing.
 */
function inSteps(records, columns, period, step) {
  const rows = [];
  let at = 0;
  while (at < records.length) {
    const end = Math.ceil(records[at][0] / step) * step;
    const group = [];
    while (at < records.length && records[at][0] <= end) group.push(records[at++]);
    const last = group.at(-1);
    const before = rows.at(-1);
    for (let utc = before ? before.utc + step : end; utc < end; utc += step) rows.push(missing(utc, last[1]));
    const isWhole = group.filter(([utc]) => utc % period === 0).length >= step / period;
    if (step === period || isWhole)
      rows.push({
        utc: end,
        local: end + last[1],
        status: group.reduce((bits, record) => bits | record[2], 0) >>> 0,
        values: columns.map((column, number) => joined(column, group.map((record) => record[3 + number]))),
      });
    else rows.push(missing(end, last[1]));
  }
  return { columns, rows, step };

  function missing(utc, offset) {
    return { utc, local: utc + offset, status: 0, values: columns.map(() => null), isMissing: true };
  }
}

function joined(column, values) {
  if (values.includes(null)) return null;
  if (values.length === 1 || isRegister(column)) return values.at(-1);
  const sum = values.reduce((all, value) => all + value, 0);
  return +(isEnergy(column) ? sum : sum / values.length).toFixed(6);
}

/** What the graph shows of each column: of registers what they counted in a step. */
function curves({ columns, rows }) {
  return columns.map((column, number) =>
    rows.map(({ values }, at) => {
      const value = values[number];
      if (value === null || !isRegister(column)) return value;
      const before = rows[at - 1]?.values[number] ?? null;
      return before === null || before > value ? null : +(value - before).toFixed(6);
    }),
  );
}

async function makeChart(app, box, shown, timeTitle) {
  const { default: Plot } = await import("/lib/uplot.js");
  const probe = (name) => box.appendChild(app.el("i." + name, { hidden: true }));
  const [plain, gap] = [probe("plain"), probe("gap")];
  const colour = (node) => getComputedStyle(node).color;
  const begin = shown.rows[0].utc - shown.rows[0].local;
  const units = [...new Set(shown.columns.map(({ unit }) => unit))];
  const local = (utc) => shown.rows.find((row) => row.utc >= utc + begin)?.local ?? utc;
  const axis = {
    stroke: () => colour(plain),
    grid: { stroke: () => colour(gap), width: 0.25 },
    ticks: { stroke: () => colour(gap), width: 0.5 },
  };
  const plot = new Plot(
    {
      width: box.clientWidth,
      height: HEIGHT,
      tzDate: (seconds) => Plot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
      scales: Object.fromEntries(units.map((unit) => ["y" + unit, {}])),
      axes: [
        { ...axis, values: (_, ticks) => ticks.map((tick) => timeText(tick).slice(shown.rows.length * shown.step > 3 * 86400 ? 0 : 11).slice(0, 5)) },
        ...units.slice(0, 2).map((unit, at) => ({ ...axis, scale: "y" + unit, side: at ? 1 : 3, size: 64, label: unit })),
      ],
      series: [
        { label: timeTitle, value: (_, x) => (x ? timeText(local(x)) : "–") },
        ...shown.columns.map((column, at) => ({
          label: headOf(column),
          scale: "y" + column.unit,
          stroke: `hsl(${(at * 137 + 205) % 360} 65% 48%)`,
          width: 1.5,
          paths: Plot.paths.stepped({ align: -1 }),
          points: { show: false },
        })),
      ],
      cursor: { drag: { x: true, y: false } },
    },
    [shown.rows.map(({ utc }) => utc - begin), ...curves(shown)],
    box,
  );
  const repaint = () => plot.redraw();
  const observer = new ResizeObserver(() => box.clientWidth && plot.setSize({ width: box.clientWidth, height: HEIGHT }));
  observer.observe(box);
  document.addEventListener("theme", repaint);
  return {
    destroy() {
      document.removeEventListener("theme", repaint);
      observer.disconnect();
      plot.destroy();
    },
  };
}

function csv({ columns, rows }) {
  const lines = rows.map(({ utc, local, status, values, isMissing }) =>
    [utc, timeText(local), isMissing ? "" : status.toString(16), ...values.map((value) => value ?? "")].join(","),
  );
  return [["utc", "local_time", "status", ...columns.map(headOf)].join(","), ...lines, ""].join("\r\n");
}

function sheet({ columns, rows }) {
  return [
    ["local_time", "status", ...columns.map(headOf)],
    ...rows.map(({ local, status, values, isMissing }) => [
      new Date(local * 1000),
      isMissing ? null : status.toString(16),
      ...values,
    ]),
  ];
}

function eventList(app, key) {
  const { el, t } = app;
  const listing = el("div");
  const details = el("details.card", el("summary", t("profile.events")), listing);
  details.addEventListener("toggle", async () => {
    if (!details.open || listing.firstChild) return;
    const { events } = await app.api("/api/meter_events/" + encodeURIComponent(key));
    const columns = [[t("time")], [t("events.kind")], [t("events.text"), "whole"]];
    const rows = events.map((event) => [event.local_time, event.code, event.text]);
    app.draw(listing, rows.length ? table(app, columns, rows) : el("p.muted", t("events.none")));
  });
  return details;
}

async function showDemand(view, app) {
  const { el, t } = app;
  const { period_min: n, last, months } = await app.api("/api/demand");
  if (!n && !months.length) return;
  const kw = (watts) => (watts === null ? "–" : `${(watts / 1000).toLocaleString(app.language, { maximumFractionDigits: 3 })} kW`);
  const sides = ["import", "export"];
  const heads = sides.flatMap((side) => [[t("direction." + side), "number"], [t("demand.at")]]);
  const rows = months
    .toReversed()
    .map((month) => [
      `${month.month}, ${t("span.min", { n: month.period_min })}`,
      ...sides.flatMap((side) => [kw(month[side + "_w"]), month[side + "_time"] || ""]),
      String(month.incomplete),
    ]);
  view.append(
    el(
      "section.card",
      el("h2", t("demand.title")),
      last &&
        el(
          "p",
          t("demand.last", { time: last.local_time.slice(0, -3), import: kw(last.import_w), export: kw(last.export_w) }),
          !last.complete && [" ", el("span.mark.warn", t("demand.incomplete"))],
        ),
      table(app, [[t("demand.month")], ...heads, [t("demand.missing"), "number"]], rows),
    ),
  );
}
