/** Back to the factory's settings, confirmed by the serial number and by a question. */

import { confirmed } from "./dialog.js";
import { field, form } from "./field.js";
import "./restart.js"; // shown next, when there is nobody to ask for it

export default async function mount(view, app) {
  if (!(await app.needs("clear"))) return;
  const { el, t } = app;
  const serial = el("input", { name: "confirm", autocomplete: "off", spellcheck: "false", required: true });
  const card = form(
    app,
    t("nav.reset"),
    [el("p", t("reset.hint")), el("p", t("reset.after")), field(app, t("reset.confirm"), serial, t("reset.confirm_hint"))],
    t("reset.action"),
    async ({ confirm }) => {
      if (!(await confirmed(app, t("reset.sure"), t("reset.action")))) return;
      await app.api("/api/factory_reset", { method: "POST", body: { confirm: confirm.trim() } });
      location.hash = "#/restart";
    },
  );
  card.querySelector("[type=submit]").className = "danger";
  view.append(
    el("nav.tabs", { "aria-label": t("settings.pages") }, el("a", { href: "#/settings" }, "← " + t("nav.settings"))),
    card,
  );
}
