/** The energy counters of a meter, those that can be reset and those that cannot. */

import { chooseMeter, qualityLine, valueCard } from "./meters.js";

const PERIOD_MS = 2000;

export default async function mount(view, app) {
  const meter = await chooseMeter(view, app, "counters");
  if (!meter) return;
  const body = view.appendChild(app.el("div"));
  app.poll(PERIOD_MS, `/api/live?slot=${meter.slot}&group=counters`, (live) => app.draw(body, page(app, live)));
}

function page(app, live) {
  if (live.quality === "absent") return qualityLine(app, live);
  const isFixed = ({ name }) => name.endsWith("nr");
  return [
    qualityLine(app, live),
    counterCard(
      app,
      live,
      "counters.resettable",
      live.values.filter((counter) => !isFixed(counter)),
    ),
    counterCard(app, live, "counters.fixed", live.values.filter(isFixed)),
    app.el("p.muted", app.t("local_time"), " ", live.local_time),
  ];
}

function counterCard(app, live, title, counters) {
  const { t } = app;
  const columns = [...["counter", "tariff", "direction", "phase"].map((key) => [t("counters." + key)]), [t("value"), "number"]];
  const rows = counters.map((counter) => [
    `${t("counters.counter")} ${parseInt(counter.name.slice("counter".length), 10)}`,
    counter.tariffs.join(" "),
    t("direction." + counter.direction, {}, counter.direction || ""),
    counter.phase ? t("phase", { n: counter.phase }) : t("total"),
    isUsed(counter) ? app.number(counter.value) : t("counters.unused"),
  ]);
  return rows.length > 0 && valueCard(app, live, t(title), columns, rows);
}

/** A counter that measures nothing has no unit: "0.00 k". */
const isUsed = (counter) => /h$/.test(counter.value) || counter.value === "N/A";
