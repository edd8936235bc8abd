/** All settings as a file, from the gateway and back to it. */

import { confirmed } from "./dialog.js";
import { field, form } from "./field.js";
import { save } from "./file.js";

export default async function mount(view, app) {
  if (!(await app.needs("backup"))) return;
  const { el, t } = app;
  const secret = () => el("input", { name: "passphrase", type: "password", autocomplete: "off" });

  async function download({ passphrase }) {
    const text = await app.api("/api/settings/export", { method: "POST", body: passphrase ? { passphrase } : {}, raw: true });
    save(`settings-${app.status.serial_number}.json`, text);
    app.say(t("export.done"));
  }

  async function upload({ file, passphrase }, node) {
    let content;
    try {
      content = JSON.parse(await file.text());
    } catch {
      throw { data: { errors: { file: t("import.no_json") } } };
    }
    if (!(await confirmed(app, t("import.sure"), t("import")))) return;
    const answer = await app.api("/api/settings/import", {
      method: "POST",
      body: { file: content, ...(passphrase && { passphrase }) },
    });
    node.reset();
    app.showStatus({ ...app.status, restart_needed: answer.restart_needed });
    app.say(t("import.done", { n: answer.changed.length }));
  }

  view.append(
    el("nav.tabs", { "aria-label": t("settings.pages") }, el("a", { href: "#/settings" }, "← " + t("nav.settings"))),
    el(
      "div.cards",
      form(
        app,
        t("export"),
        [el("p", t("export.hint")), field(app, t("export.passphrase"), secret(), t("export.passphrase_hint"))],
        t("export.get"),
        download,
      ),
      form(
        app,
        t("import"),
        [
          el("p", t("import.hint")),
          field(app, t("import.file"), el("input", { name: "file", type: "file", accept: ".json,application/json" })),
          field(app, t("import.passphrase"), secret()),
        ],
        t("import"),
        upload,
      ),
    ),
  );
}
