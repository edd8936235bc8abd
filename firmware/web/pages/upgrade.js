/** Which version runs, and the certificates that the gateway trusts or shows. */

import { certificates } from "./certificates.js";

export default async function mount(view, app) {
  const { el, t, status } = app;
  const fact = (key) => [
    el("dt", null, t("status." + key)),
    el("dd", null, status[key] === undefined ? "–" : String(status[key])),
  ];
  const store = el("section.card", null, el("h2", null, t("certificates")));
  view.append(
    el(
      "section.card",
      null,
      el("h2", null, t("status.version")),
      el("dl.facts", null, ["model_type", "sw_version", "fs_ver", "upgrade_status"].map(fact)),
    ),
    el("p.note", null, t("upgrade.not_yet")),
    store,
  );
  if (app.session.user) await certificates(store, app);
  else
    store.append(
      el("p", null, t("certificates.login")),
      el("div.actions", null, el("a.button", { href: "#/login" }, t("login"))),
    );
}
