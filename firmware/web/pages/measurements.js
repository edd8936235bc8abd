/** The present values of a meter: phases and total side by side, the others below. */

import { captioned, chooseMeter, qualityLine } from "./meters.js";

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
    phaseTable(app, live),
    otherTable(app, live),
    el("p.muted", null, app.t("local_time"), " ", live.local_time),
  ];
}

function phaseTable(app, live) {
  const { el, t } = app;
  const { values } = live;
  const holds = (phase) => QUANTITIES.some((name) => name + phase in values);
  const phases = [1, 2, 3].filter(holds);
  const columns = phases.length === 1 ? phases : [...phases, 0].filter(holds); // with one phase the total says the same again
  const title = (phase) => (phase ? t("phase", { n: phase }) : t("total"));
  const cell = (name, phase) => el("td.number", { "data-label": title(phase) }, shown(app, name, values[name + phase]));
  return el(
    "section.card" + (live.quality === "stale" ? ".old" : ""),
    null,
    el(
      "table.stack.even",
      { role: "table" },
      captioned(app, t("measurements.phases"), live),
      el(
        "thead",
        null,
        el(
          "tr",
          null,
          el("td"),
          columns.map((phase) => el("th.number", { scope: "col" }, title(phase))),
        ),
      ),
      el(
        "tbody",
        null,
        QUANTITIES.filter((name) => columns.some((phase) => name + phase in values)).map((name) =>
          el(
            "tr",
            null,
            el("th", { scope: "row" }, t("quantity." + name)),
            columns.map((phase) => cell(name, phase)),
          ),
        ),
      ),
    ),
  );
}

function otherTable(app, live) {
  const { el, t } = app;
  const isOfPhase = new RegExp(`^(${QUANTITIES.join("|")})[0-3]$`);
  const others = Object.entries(live.values).filter(([name]) => !isOfPhase.test(name) && name !== "tariff");
  const rows = others.map(([name, value]) => [t("quantity." + name, {}, name), shown(app, name, value)]);
  if (live.tariff) rows.push([t("quantity.tariff"), String(live.tariff)]);
  return el(
    "section.card" + (live.quality === "stale" ? ".old" : ""),
    null,
    el(
      "table",
      null,
      captioned(app, t("measurements.others"), live),
      el(
        "tbody",
        null,
        rows.map(([name, value]) => el("tr", null, el("th", { scope: "row" }, name), el("td.number", null, value))),
      ),
    ),
  );
}

/** "12.346 k W" as "12.346 kW", "50.01 " as "50.01 Hz", "0.2124 Cap" in the user's words. */
function shown({ t, number }, name, value) {
  if (value === undefined) return "";
  const [figure, ...unit] = String(value).trim().split(" ");
  const word = unit.join("");
  const side = word === "Cap" || word === "Ind" ? t("side." + word) : word;
  return number(figure) + (side ? " " + side : UNITS[name] || "");
}
