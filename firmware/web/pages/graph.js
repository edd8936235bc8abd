/** Energy per 15 minutes of the last day or per day of the last month, as a chart, a table, a picture and a file. */

import { energyText, makeChart } from "./chart.js";
import { chooseMeter, meterName } from "./meters.js";
import { save } from "./file.js";
import { table } from "./table.js";

const PERIOD_MS = 60000;
const DAY_S = 86400;
const CSV_DAYS = 35;
const VIEWS = ["day", "month"];

export default async function mount(view, app) {
  const { el, t } = app;
  const [slot, wish] = app.arg.split("/");
  const meter = await chooseMeter(view, app, "graph", slot);
  if (!meter) return undefined;
  const span = VIEWS.includes(wish) ? wish : "day";
  const box = el("div.chart");
  const sums = el("p.key", { role: "status" });
  const listing = el("div.wide", { tabindex: "0", role: "region", "aria-label": t("graph.table") });
  view.append(
    el(
      "nav.tabs",
      { "aria-label": t("graph.span") },
      VIEWS.map((name) =>
        el("a", { href: `#/graph/${meter.slot}/${name}`, "aria-current": name === span && "page" }, t("graph." + name)),
      ),
    ),
    el(
      "section.card",
      sums,
      box,
      el(
        "div.actions",
        el("button", { type: "button", onclick: savePicture }, t("graph.png")),
        el(
          "a.button",
          {
            href: `/api/history.csv?slot=${meter.slot}&days=${CSV_DAYS}`,
            download: `energy-${meter.serial || meter.slot}.csv`,
          },
          t("graph.csv"),
        ),
      ),
    ),
    el("details.card", el("summary", t("graph.table")), listing),
  );

  let chart,
    data,
    key,
    isLeft = false;
  async function savePicture() {
    const title = `${meterName(app, meter)}: ${t("graph." + span)}, ${data.label(0)} – ${data.label(data.x.length - 1)}`;
    if (chart) save(`energy-${meter.serial || meter.slot}.png`, await chart.picture(title, key));
  }
  app.poll(PERIOD_MS, `/api/history?slot=${meter.slot}&view=${span}`, async (history) => {
    const isFirst = !data;
    data = span === "day" ? ofDay(app, history) : ofMonth(app, history);
    key = [
      ...["import", "export"].map((name) => [name, `${t("direction." + name)}: ${sumText(app, data.energy[name])}`]),
      ["gap", t("graph.gap")],
    ];
    app.draw(
      sums,
      key.map(([look, text]) => el("span." + look, el("span.plain", text))),
    );
    app.draw(listing, dataTable(app, data));
    box.setAttribute("role", "img");
    box.setAttribute("aria-label", [t("graph." + span), ...key.map(([, text]) => text)].join(". "));
    if (!isFirst) return chart?.update(data);
    chart = await makeChart(app, box, data, { time: t("time"), import: t("direction.import"), export: t("direction.export") });
    if (isLeft) chart.destroy();
  });
  return () => {
    isLeft = true;
    chart?.destroy();
  };
}

const kwh = (wh) => (wh === null || wh === undefined ? null : wh / 1000);
const clock = (seconds) => new Date(seconds * 1000).toISOString().slice(11, 16);
/** As the gateway writes dates: 25.02.2020. */
const date = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 10).split("-").reverse().join(".");

/** 96 intervals, on the gateway's clock: the axis runs on as it began, what is written follows summer time. */
function ofDay(_, { start, interval_s: width, offsets_s: offsets, import: taken, export: given }) {
  const begin = start + offsets[0][1];
  const x = taken.map((_, at) => begin + at * width);
  const shift = (seconds) => offsets.findLast(([at]) => at * width <= seconds - begin)?.[1] - offsets[0][1] || 0;
  const local = (seconds) => seconds + shift(seconds);
  return {
    x,
    width_s: width,
    energy: { import: taken.map(kwh), export: given.map(kwh) },
    isIncomplete: (at) => taken[at] === null && given[at] === null,
    tickText: (tick) => clock(local(tick)),
    label: (at) => `${date(local(x[at]))} ${clock(local(x[at]))}–${clock(local(x[at] + width))}`,
  };
}

function ofMonth({ language }, { days }) {
  const x = days.map((day) => Date.parse(day.date) / 1000);
  return {
    x,
    width_s: DAY_S,
    energy: { import: days.map((day) => kwh(day.import)), export: days.map((day) => kwh(day.export)) },
    isIncomplete: (at) => !days[at].complete,
    tickText: (tick) => new Date(tick * 1000).toLocaleDateString(language, { timeZone: "UTC", day: "numeric", month: "short" }),
    label: (at) => date(x[at]),
  };
}

function sumText(app, energy) {
  const known = energy.filter((value) => value !== null);
  return known.length
    ? energyText(
        app,
        known.reduce((sum, value) => sum + value, 0),
      )
    : app.t("graph.unknown");
}

function dataTable(app, { x, energy, label, isIncomplete }) {
  const { t } = app;
  const text = (value) => (value === null ? t("graph.unknown") : energyText(app, value));
  const name = (at) => label(at) + (isIncomplete(at) && energy.import[at] !== null ? " " + t("graph.incomplete") : "");
  const columns = [[t("time")], [t("direction.import"), "number"], [t("direction.export"), "number"]];
  return table(
    app,
    columns,
    x.map((_, at) => [name(at), text(energy.import[at]), text(energy.export[at])]),
  );
}
