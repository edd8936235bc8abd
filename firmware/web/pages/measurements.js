/** The present values of a meter: phases and total side by side, the others below. */

import { chooseMeter, qualityLine, valueCard } from "./meters.js";

const PERIOD_MS = 2000;
const QUANTITIES = ["U", "I", "P", "Q", "S", "PF", "PA", "THDUp", "THDI"];
const UNITS = { frequency: " Hz", PA: "°", THDUp: " %", THDI: " %", Tint: " °C" }; // of values that come without one

export default async function mount(view, app) {
  const meter = await chooseMeter(view, app, "measurements");
  if (!meter) return;
  const body = view.appendChild(app.el("div"));
  app.poll(PERIOD_MS, `/api/live?slot=${meter.slot}&group=measurements`, (live) => app.draw(body, page(app, live)));
}

function page(app, live) {
  const { el } = app;
  if (live.quality === "absent") return qualityLine(app, live);
  return [
    qualityLine(app, live),
    phaseCard(app, live),
    otherCard(app, live),
    el("p.muted", app.t("local_time"), " ", live.local_time),
  ];
}

function phaseCard(app, live) {
  const { t } = app;
  const { values } = live;
  const holds = (phase) => QUANTITIES.some((name) => name + phase in values);
  const phases = [1, 2, 3].filter(holds);
  const shownPhases = phases.length === 1 ? phases : [...phases, 0].filter(holds); // with one phase the total says the same again
  const columns = [[""], ...shownPhases.map((phase) => [phase ? t("phase", { n: phase }) : t("total"), "number"])];
  const rows = QUANTITIES.filter((name) => shownPhases.some((phase) => name + phase in values)).map((name) => [
    t("quantity." + name),
    ...shownPhases.map((phase) => shown(app, name, values[name + phase])),
  ]);
  return valueCard(app, live, t("measurements.phases"), columns, rows);
}

function otherCard(app, live) {
  const { t } = app;
  const isOfPhase = new RegExp(`^(${QUANTITIES.join("|")})[0-3]$`);
  const others = Object.entries(live.values).filter(([name]) => !isOfPhase.test(name) && name !== "tariff");
  const rows = others.map(([name, value]) => [t("quantity." + name, {}, name), shown(app, name, value)]);
  if (live.tariff) rows.push([t("quantity.tariff"), String(live.tariff)]);
  return valueCard(app, live, t("measurements.others"), [[""], ["", "number"]], rows);
}

/** "12.346 k W" as "12.346 kW", "50.01 " as "50.01 Hz", "0.2124 Cap" in the user's words. */
function shown({ t, number }, name, value) {
  if (value === undefined) return "";
  const [figure, ...unit] = String(value).trim().split(" ");
  const word = unit.join("");
  const side = word === "Cap" || word === "Ind" ? t("side." + word) : word;
  return number(figure) + (side ? " " + side : UNITS[name] || "");
}
