/** The Certificate Manager of the manual: what is stored, adding and deleting. */

import { confirmed } from "./dialog.js";
import { field, form } from "./field.js";

const LOOKS = { valid: "good", expired: "bad", early: "warn", unknown: "warn" };

export async function certificates(place, app) {
  const { el, t } = app;
  const mayChange = app.session.user === "admin";
  const table = place.appendChild(el("div"));
  let list = (await app.api("/api/certificates")).certificates;
  show();
  if (mayChange) place.append(adding());

  function show() {
    if (!list.length) return app.draw(table, el("p.muted", null, t("certificates.none")));
    const heads = ["name", "subject", "issuer", "validity", "status"].map((key) => t("certificates." + key));
    app.draw(
      table,
      el(
        "table.stack",
        { role: "table" },
        el(
          "thead",
          null,
          el(
            "tr",
            null,
            heads.map((head) => el("th", { scope: "col" }, head)),
            mayChange && el("td"),
          ),
        ),
        el(
          "tbody",
          null,
          list.map((entry) =>
            el(
              "tr",
              { "data-key": entry.name },
              el("th", { scope: "row" }, entry.name),
              cells(entry).map((cell, at) => el("td.whole", { "data-label": heads[at + 1] }, cell)),
              mayChange &&
                el(
                  "td",
                  null,
                  el(
                    "button.danger",
                    { type: "button", "aria-label": `${t("delete")}: ${entry.name}`, onclick: () => remove(entry.name) },
                    t("delete"),
                  ),
                ),
            ),
          ),
        ),
      ),
    );
  }

  function cells(entry) {
    if (entry.kind === "key") return [t("certificates.key"), "", "", ""];
    return [
      entry.subject,
      entry.issuer,
      `${entry.not_before} – ${entry.not_after}`,
      el("span.mark." + (LOOKS[entry.status] || "warn"), null, t("certificates." + entry.status, {}, entry.status)),
    ];
  }

  async function remove(name) {
    if (!(await confirmed(app, t("certificates.sure", { name }), t("delete")))) return;
    try {
      await app.api("/api/certificates/" + encodeURIComponent(name), { method: "DELETE" });
      list = list.filter((entry) => entry.name !== name);
      show();
      app.complain();
      app.say(t("certificates.deleted", { name }));
    } catch (error) {
      app.complain(error);
    }
  }

  function adding() {
    const name = el("input", { name: "name", maxlength: 32, autocomplete: "off", spellcheck: "false" });
    const pem = el("textarea", { name: "pem", rows: 6, spellcheck: "false", placeholder: "-----BEGIN CERTIFICATE-----" });
    const file = el("input", {
      type: "file",
      accept: ".pem,.crt,.cer,.key",
      onchange: async () => {
        if (!file.files.length) return;
        pem.value = await file.files[0].text();
        name.value = name.value || file.files[0].name;
      },
    });
    const node = form(
      app,
      "",
      [
        field(app, t("certificates.file"), file),
        field(app, t("certificates.pem"), pem),
        field(app, t("certificates.name"), name),
      ],
      t("certificates.add"),
      async ({ name, pem }) => {
        const entry = await app.api("/api/certificates", { method: "POST", body: { name, pem } });
        list = [...list, entry];
        node.reset();
        show();
        app.say(t("certificates.added", { name }));
      },
    );
    node.classList.remove("card");
    return el("details", null, el("summary", null, t("certificates.add")), node);
  }
}
