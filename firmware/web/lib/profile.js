/**
 * Load profiles of meters over a span of days: table, graph, CSV, XLSX, print; the demand of all meters together; events.
 * A script of its own, which boards without profiles have not: app.js has only its name. `app` has functions of other pages, too.
 */

import { eventCard, worded } from "./meter_events.js";
import { recordCards } from "./records.js";

const DAYS_AT_ONCE = 2;
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

async function showProfile(view, app, profiles, stops) {
  const { el, t } = app;
  const profile = profiles.find(({ key }) => key === app.arg) || profiles[0];
  const id = encodeURIComponent(profile.key);
  const { nodes, show } = recordCards(
    app,
    {
      ...profile,
      title: nameOf(app, profile.key),
      note: t("profile.kept", { from: profile.first_time.slice(0, -3), to: profile.last_time.slice(0, -3), n: profile.missing }),
      file: "profile-" + profile.key,
      days: DAYS_AT_ONCE,
      path: (from, to) => `/api/profile/${id}?from=${from}&to=${to}`,
    },
    stops,
  );
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
    ...nodes,
    eventCard(app, "/api/meter_events/" + id, worded),
  );
  await show();
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
