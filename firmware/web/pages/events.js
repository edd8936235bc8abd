/** What has happened, newest first. */

import { table } from "./table.js";

const PERIOD_MS = 5000;

export default async function mount(view, app) {
  const { el, t } = app;
  const columns = [[t("time")], [t("events.kind"), "whole"], [t("events.text"), "whole"]];
  app.poll(PERIOD_MS, "/api/events", ({ events }) => {
    const rows = events.map(({ time, kind, text }) => [time, t("event." + kind, {}, kind), text]).reverse();
    app.draw(view, el("section.card", rows.length ? table(app, columns, rows) : el("p.muted", t("events.none"))));
  });
}
