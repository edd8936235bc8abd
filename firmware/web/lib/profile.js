/**
 * Load profiles of meters over a span of days: table, graph, CSV, XLSX, print; the demand of all meters together; events.
 * A script of its own, which boards without profiles have not: app.js has only its name. `app` has functions of other pages, too.
 */

import { eventCard } from "./meter_events.js";
import { xlsx } from "./xlsx.js";

const DAY_MS = 86400000;
const HOUR_S = 3600;
const DAYS_AT_ONCE = 2; // asked for: what the gateway sends in good time
const MOST_DAYS = 400;
const MOST_ROWS = 3000; // of the table: a month of quarters of an hour; more is slow on a phone
const HEIGHT = 340;
const TOTAL = "total";

export default async function mount(view, app) {
  const { el, t } = app;
  const { profiles } = await app.api("/api/profile");
  const stops = [];
  const how = HAS.iec62056 && [" ", t("profile.how"), " ", el("a", { href: "#/iec" }, t("nav.iec"))];
  if (!profiles.length) view.append(el("p.note.plain", el("span", t("profile.none"), how)));
  else await showProfile(view, app, profiles, stops);
  await showDemand(view, app);
  return () => stops.forEach((stop) => stop());
}

const nameOf = ({ t }, key) => (key === TOTAL ? t("demand.total") : key);
const iso = (date) => new Date(date).toISOString().slice(0, 10);
const two = (number) => String(number).padStart(2, "0");

/** The day, as if it were one of UTC, of a local time as the gateway writes it. That of midnight belongs to the day that ends. */
function dayOf(text) {
  const [day, month, year, ...time] = text.split(/[. :]/);
  return Date.UTC(year, month - 1, day, ...time) - 1000;
}

/** Local seconds, as if they were UTC, in the form that the gateway writes. */
function timeText(local) {
  const date = new Date(local * 1000);
  return `${two(date.getUTCDate())}.${two(date.getUTCMonth() + 1)}.${date.getUTCFullYear()} ${date.toISOString().slice(11, 16)}`;
}

/** " (+03:00)": which of the two hours it is where summer time ends. */
function zoneText({ utc, local }) {
  const minutes = Math.round((local - utc) / 60);
  const ahead = Math.abs(minutes);
  return ` (${minutes < 0 ? "−" : "+"}${two(Math.floor(ahead / 60))}:${two(ahead % 60)})`;
}

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

async function showProfile(view, app, profiles, stops) {
  const { el, t } = app;
  const profile = profiles.find(({ key }) => key === app.arg) || profiles[0];
  const title = nameOf(app, profile.key);
  const today = dayOf(profile.last_time);
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
  const files = el(
    "div.actions",
    button(t("profile.csv"), () => app.save(file() + ".csv", csv(shown))),
    button(t("profile.xlsx"), () => app.save(file() + ".xlsx", xlsx(title, sheet(shown)))),
    button(t("profile.print"), printOut),
  );
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
      el("p.muted", t("profile.kept", { from: kept("first"), to: kept("last"), n: profile.missing })),
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
      files,
    ),
    el("details.card", { open: true }, el("summary", t("graph.table")), listing),
    eventCard(app, profile.key),
  );
  stops.push(() => chart?.destroy());

  function kept(name) {
    return profile[name + "_time"].slice(0, -3);
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
    shown = inSteps(records, columns, profile, +step.value, first / 1000, (last + DAY_MS) / 1000);
    const { rows } = shown;
    sum.textContent = rows.length
      ? t("profile.count", { n: records.length, missing: rows.filter((row) => row.isMissing).length }) +
        (rows.length > MOST_ROWS ? " " + t("profile.cut", { n: MOST_ROWS }) : "")
      : t("profile.empty", { from: kept("first"), to: kept("last") });
    for (const node of [box, listing.parentNode, ...files.children]) node.hidden = !rows.length;
    const isShifted = rows.some(({ utc, local }) => local - utc !== rows[0].local - rows[0].utc);
    const heads = shown.columns.map((column) => [headOf(column), "number"]);
    const value = (number) => (number === null ? "–" : number.toLocaleString(app.language, { maximumFractionDigits: 6 }));
    app.draw(
      listing,
      app.table(
        app,
        [[t("time")], ...heads, [t("profile.status")]],
        rows.slice(0, MOST_ROWS).map((row) => [
          timeText(row.local) + (isShifted ? zoneText(row) : ""),
          ...row.values.map(value),
          row.isMissing ? t("profile.missing") : row.status ? row.status.toString(16) : "",
        ]),
      ),
    );
    chart?.destroy();
    chart = undefined;
    if (rows.length) chart = await makeChart(app, box, shown, t("time"));
    box.setAttribute("role", "img");
    box.setAttribute("aria-label", `${title}. ${sum.textContent}`);
  }
  await show();
}

const headOf = ({ code, unit }) => (unit ? `${code} ${unit}` : code);
const isRegister = ({ code }) => /(^|[.:])\d+\.8\./.test(code);
const isEnergy = ({ code }) => /\.(9|29)(\.|$)/.test(code);

/**
 * Return {columns, rows: [{utc, local, status, values, isMissing}], step}, a row for each step of local time in which a record
 * ends, between the local times `begin` and `end`, as far as the meter has told some. Of several records in a step registers have
 * the last one's value, energies their sum, all else the mean; missing ones make it missing.
 */
function inSteps(records, columns, { first, last, period_min }, step, begin, end) {
  const rows = [];
  if (!records.length) return { columns, rows, step };
  const period = period_min * 60;
  const endOf = (utc, offset) => Math.ceil((utc + offset) / step) * step - offset;
  let due = endOf(Math.max(begin - records[0][1] + 1, first), records[0][1]);
  for (let at = 0; at < records.length;) {
    const offset = records[at][1];
    const stop = endOf(records[at][0], offset);
    const group = [];
    while (at < records.length && records[at][0] <= stop) group.push(records[at++]);
    fill(stop - 1, offset);
    const onTime = group.filter(([utc, ahead]) => (utc + ahead) % period === 0).length;
    const isWhole = onTime >= step / period;
    if (step === period && !onTime) {
      // when power failed, say: shown at its own time
      const [utc, ahead, bits, ...values] = group.at(-1);
      rows.push({ utc, local: utc + ahead, status: bits, values });
    } else if (isWhole)
      rows.push({
        utc: stop,
        local: stop + group.at(-1)[1],
        status: group.reduce((bits, record) => bits | record[2], 0) >>> 0,
        values: columns.map((column, number) => joined(column, group.map((record) => record[3 + number]))),
      });
    if (step === period && !onTime) continue;
    fill(isWhole ? stop - 1 : stop, offset);
    due = stop + step;
  }
  const { 1: offset } = records.at(-1);
  fill(Math.min(end - offset, last), offset);
  return { columns, rows, step };

  /** Up to and with `until` nothing is known. */
  function fill(until, offset) {
    for (; due <= until; due += step)
      rows.push({ utc: due, local: due + offset, status: 0, values: columns.map(() => null), isMissing: true });
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
  const local = (x) => {
    const { utc, local: told } = shown.rows.find((row) => row.utc >= x + begin) || shown.rows.at(-1);
    return x + begin + told - utc; // summer time may have begun or ended in between
  };
  const x = shown.rows.map(({ utc }) => utc - begin);
  const gaps = { x: x.map((end) => end - shown.step), width_s: shown.step, isIncomplete: (at) => shown.rows[at].isMissing };
  const isLong = x.at(-1) - x[0] > 3 * 86400;
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
        { ...axis, values: (_, ticks) => ticks.map((tick) => timeText(local(tick)).slice(...(isLong ? [0, 5] : [11]))) },
        ...units.slice(0, 2).map((unit, at) => ({ ...axis, scale: "y" + unit, side: at ? 1 : 3, size: 48, labelSize: 18, label: unit })),
      ],
      series: [
        { label: timeTitle, value: (_, at) => (at ? timeText(local(Math.max(at, x[0]))) : "–") },
        ...shown.columns.map((column, at) => ({
          label: headOf(column),
          scale: "y" + column.unit,
          stroke: `hsl(${(at * 137 + 205) % 360} 65% 48%)`,
          width: 1.5,
          paths: Plot.paths.stepped({ align: -1, alignGaps: -1 }), // a value is of the time before it
          points: { show: false },
        })),
      ],
      cursor: { drag: { x: true, y: false } },
      hooks: { drawClear: [(chart) => app.hatch(chart, gaps, colour(gap))] },
    },
    [x, ...curves(shown)].map((column, at) => [at ? column[0] : x[0] - shown.step, ...column]), // the first one's beginning, too
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
    ["utc", "local_time", "status", ...columns.map(headOf)],
    ...rows.map(({ utc, local, status, values, isMissing }) => [
      new Date(utc * 1000),
      new Date(local * 1000),
      isMissing ? null : status.toString(16),
      ...values,
    ]),
  ];
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
      app.table(app, [[t("demand.month")], ...heads, [t("demand.missing"), "number"]], rows),
    ),
  );
}
