/** The energy counters of a meter, those that can be reset and those that cannot. */

import { captioned, chooseMeter, qualityLine } from "./meters.js";

const PERIOD_MS = 2000;

export default async function mount(view, app) {
  const meter = await chooseMeter(view, app, "counters");
  if (!meter) return;
  const body = view.appendChild(app.el("div"));
  app.poll(PERIOD_MS, `/api/live?slot=${meter.slot}&group=counters`, (live) => app.draw(body, page(app, live)));
}

function page(app, live) {
  if (live.quality === "absent") return qualityLine(app, live);
  const isFixed = (counter) => counter.name.endsWith("nr");
  return [
    qualityLine(app, live),
    table(
      app,
      live,
      "counters.resettable",
      live.values.filter((counter) => !isFixed(counter)),
    ),
    table(app, live, "counters.fixed", live.values.filter(isFixed)),
    app.el("p.muted", null, app.t("local_time"), " ", live.local_time),
  ];
}

function table(app, live, title, counters) {
  const { el, t } = app;
  if (!counters.length) return null;
  const heads = ["counter", "tariff", "direction", "phase"].map((key) => t("counters." + key));
  return el(
    "section.card" + (live.quality === "stale" ? ".old" : ""),
    null,
    el(
      "table.stack",
      { role: "table" },
      captioned(app, t(title), live),
      el(
        "thead",
        null,
        el(
          "tr",
          null,
          heads.map((head) => el("th", { scope: "col" }, head)),
          el("th.number", { scope: "col" }, t("value")),
        ),
      ),
      el(
        "tbody",
        null,
        counters.map((counter) => {
          const cells = [
            counter.tariffs.join(" "),
            t("direction." + counter.direction, {}, counter.direction || ""),
            counter.phase ? t("phase", { n: counter.phase }) : t("total"),
          ];
          return el(
            "tr",
            null,
            el("th", { scope: "row" }, `${heads[0]} ${parseInt(counter.name.slice(7), 10)}`),
            cells.map((text, at) => el("td", { "data-label": heads[at + 1] }, text)),
            el("td.number", { "data-label": t("value") }, isUsed(counter) ? app.number(counter.value) : t("counters.unused")),
          );
        }),
      ),
    ),
  );
}

/** A counter that measures nothing has no unit: "0.00 k". */
const isUsed = (counter) => /h$/.test(counter.value) || counter.value === "N/A";
