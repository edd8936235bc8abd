/** How the gateway and its wires are doing, and the raw frames on a wire. */

import { frameLog } from "./frames.js";
import { table } from "./table.js";

const PERIOD_MS = 3000;
const COUNTS = ["asked", "answered", "refused", "silent", "damaged", "latency_ms"];

export default async function mount(view, app) {
  const { el } = app;
  const health = view.appendChild(el("div"));
  let log = null;
  app.poll(PERIOD_MS, "/api/health", (answer) => {
    app.draw(
      health,
      summary(app, answer),
      answer.buses.map((bus) => busCard(app, bus)),
    );
    if (log) return;
    log = view.appendChild(el("section.card"));
    frameLog(
      log,
      app,
      answer.buses.map(({ port }) => port),
    );
  });
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
    ...["modbus_tcp", "modbus_tls"]
      .filter((name) => health[name])
      .map((name) => [name, t("health.http_counts", health[name])]),
    ...(health.slave ? [["slave", t("health.slave_counts", health.slave)]] : []),
  ];
  return el(
    "section.card",
    el("h2", t("health")),
    el(
      "dl.facts",
      rows.map(([key, value]) => [el("dt", t("health." + key)), el("dd", value)]),
    ),
  );
}

function busCard(app, { port, frames, noise_bytes: noise, units }) {
  const { el, t } = app;
  const columns = [[t("unit.address")], ...COUNTS.map((key) => [t("unit." + key), "number"]), [t("unit.last_error"), "whole"]];
  const rows = units.map((unit) => [
    `${t("unit.address")} ${unit.address}`,
    ...COUNTS.map((key) => String(unit[key] ?? "–")),
    unit.last_error,
  ]);
  return el(
    "section.card",
    el("h2", t("port." + port, {}, port)),
    el("p.muted", t("bus.counts", { frames, noise })),
    rows.length > 0 && table(app, columns, rows),
  );
}
