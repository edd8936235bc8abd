/** How the gateway and its wires are doing, and the raw frames on a wire. */

import { frameLog } from "./frames.js";

const PERIOD_MS = 3000;
const COUNTS = ["asked", "answered", "refused", "silent", "damaged", "latency_ms"];

export default async function mount(view, app) {
  const { el } = app;
  const health = view.appendChild(el("div"));
  const log = view.appendChild(el("section.card"));
  frameLog(log, app);
  app.poll(PERIOD_MS, "/api/health", (answer) =>
    app.draw(
      health,
      summary(app, answer),
      answer.buses.map((bus) => busTable(app, bus)),
    ),
  );
}

function summary(app, health) {
  const { el, t } = app;
  const whole = (value) => value.toLocaleString(app.language);
  const rows = [
    ["uptime", app.span(health.uptime_s)],
    ["reset_cause", health.reset_cause],
    ["heap", `${whole(health.heap_free)} B (${t("health.least")} ${whole(health.heap_min)} B)`],
    ["loop_lag", `${app.number((health.loop_lag_us / 1000).toFixed(1))} ms`],
    ["crashes", whole(health.crashes)],
    ["http", t("health.http_counts", health.http)],
  ];
  return el(
    "section.card",
    null,
    el("h2", null, t("health")),
    el(
      "dl.facts",
      null,
      rows.map(([key, value]) => [el("dt", null, t("health." + key)), el("dd", null, value)]),
    ),
  );
}

function busTable(app, bus) {
  const { el, t } = app;
  const label = (key) => t("unit." + key);
  return el(
    "section.card",
    null,
    el("h2", null, t("port." + bus.port, {}, bus.port)),
    el("p.muted", null, t("bus.counts", { frames: bus.frames, noise: bus.noise_bytes })),
    bus.units.length > 0 &&
      el(
        "table.stack",
        { role: "table" },
        el(
          "thead",
          null,
          el(
            "tr",
            null,
            el("th", { scope: "col" }, label("address")),
            COUNTS.map((key) => el("th.number", { scope: "col" }, label(key))),
            el("th", { scope: "col" }, label("last_error")),
          ),
        ),
        el(
          "tbody",
          null,
          bus.units.map((unit) =>
            el(
              "tr",
              null,
              el("th", { scope: "row", "data-label": label("address") }, unit.address),
              COUNTS.map((key) => el("td.number", { "data-label": label(key) }, String(unit[key] ?? "–"))),
              el("td.whole", { "data-label": unit.last_error && label("last_error") }, unit.last_error),
            ),
          ),
        ),
      ),
  );
}
