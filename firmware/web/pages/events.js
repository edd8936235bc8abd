/** What has happened, newest first. */

const PERIOD_MS = 5000;

export default async function mount(view, app) {
  const { el, t } = app;
  const heads = ["time", "events.kind", "events.text"].map((key) => t(key));
  app.poll(PERIOD_MS, "/api/events", ({ events }) =>
    app.draw(
      view,
      el(
        "section.card",
        null,
        events.length
          ? el(
              "table.stack",
              { role: "table" },
              el(
                "thead",
                null,
                el(
                  "tr",
                  null,
                  heads.map((head) => el("th", { scope: "col" }, head)),
                ),
              ),
              el(
                "tbody",
                null,
                [...events]
                  .reverse()
                  .map((event) =>
                    el(
                      "tr",
                      null,
                      el("th", { scope: "row" }, event.time),
                      el("td.whole", { "data-label": heads[1] }, t("event." + event.kind, {}, event.kind)),
                      el("td.whole", { "data-label": heads[2] }, event.text),
                    ),
                  ),
              ),
            )
          : el("p.muted", null, t("events.none")),
      ),
    ),
  );
}
