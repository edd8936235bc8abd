/** What the pages of meters share: a tab for each meter, and the line that says how old its values are. */

import { table } from "./table.js";

const FRESH_MS = 5000;

/** Put the tabs into `view`; return the meter to show, undefined if there is none. */
export async function chooseMeter(view, app, page, slot = app.arg) {
  const { el, t } = app;
  await app.refresh(FRESH_MS);
  const meters = app.status.devices.filter((device) => device.kind === "meter");
  if (!meters.length) {
    view.append(el("p.note.plain", t("meters.none"), el("a", { href: "#/settings/IR%20Devices" }, t("nav.settings"))));
    return undefined;
  }
  const chosen = meters.find((meter) => meter.slot === slot) || meters[0];
  view.append(
    el(
      "nav.tabs",
      { "aria-label": t("meters.choose") },
      meters.map((meter) =>
        el(
          "a",
          { href: `#/${page}/${meter.slot}`, "aria-current": meter === chosen && "page" },
          meter.description || meterName(app, meter),
          el("small", slotName(app, meter.slot)),
        ),
      ),
    ),
  );
  return chosen;
}

export function slotName({ t }, slot) {
  return t(isNaN(slot) ? "slot." + slot : "slot.rs485", { n: slot });
}

export function meterName({ t }, { model, serial }) {
  return model ? `${model} #${serial}` : t("device.not_detected");
}

/** "IE38MD #X0000124  ● Present values, 1 s old". Read out only when the quality changes, not with each second. */
export function qualityLine(app, live) {
  const { el, t } = app;
  const { quality, age_s: age } = live;
  const [sign, look] = { good: ["●", "good"], stale: ["⚠", "warn"] }[quality] || ["✕", "bad"];
  const word = t("quality." + quality);
  return el(
    "p",
    el("strong", meterName(app, live)),
    " ",
    el(
      "span.mark." + look,
      { "aria-hidden": "true" },
      `${sign} ${word}`,
      age === null ? "" : ", " + t("quality.age", { age: app.span(age) }),
    ),
    el("span.unseen", { role: "status" }, word),
    " ",
    quality !== "good" &&
      el("span.muted", t(live.status === "not_detected" ? "device.not_detected_long" : "device.silent_long")),
  );
}

/** A table of values. Its caption repeats how old they are when they are not the present ones. */
export function valueCard(app, { quality, age_s: age }, title, columns, rows) {
  const isOld = quality === "stale";
  const caption = app.el("caption", title, isOld && app.el("span.warn", ` (${app.t("quality.age", { age: app.span(age) })})`));
  return app.el("section.card" + (isOld ? ".old" : ""), table(app, columns, rows, caption));
}
