/** Which version runs, and the certificates that the gateway trusts or shows. */

import { certificates } from "./certificates.js";

export default async function mount(view, app) {
  const { el, t, status } = app;
  const fact = (key) => [el("dt", t("status." + key)), el("dd", status[key] === undefined ? "–" : String(status[key]))];
  const store = el("section.card", el("h2", t("certificates")));
  view.append(
    el(
      "section.card",
      el("h2", t("status.version")),
      el("dl.facts", ["model_type", "sw_version", "fs_ver", "upgrade_status"].map(fact)),
    ),
    el("p.note", t("upgrade.not_yet")),
    store,
  );
  if (app.status.session.user) await certificates(store, app);
  else store.append(el("p", t("certificates.login")), el("div.actions", el("a.button", { href: "#/login" }, t("login"))));
}
