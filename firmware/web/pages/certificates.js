/** The Certificate Manager of the manual: what is stored, adding and deleting. `told(list)` is called with what there is. */

import { confirmed } from "./dialog.js";
import { field, form } from "./field.js";
import { table } from "./table.js";

const LOOKS = { valid: "good", expired: "bad", early: "warn", unknown: "warn" };

export async function certificates(place, app, told) {
  const { el, t } = app;
  const mayChange = app.may("write");
  const box = place.appendChild(el("div"));
  let list = (await app.api("/api/certificates")).certificates;
  show();
  if (mayChange) place.append(adding());

  function show() {
    told(list);
    const columns = ["name", "subject", "issuer", "validity", "status"].map((key) => [t("certificates." + key), "whole"]);
    app.draw(box, list.length ? table(app, [...columns, [""]], list.map(cells)) : el("p.muted", t("certificates.none")));
  }

  function cells(entry) {
    const { name, kind, subject, issuer, not_before: from, not_after: until, status } = entry;
    const told = [subject, issuer, from && `${from} – ${until}`, el("span.mark." + LOOKS[status], t("certificates." + status))];
    const act = { type: "button", "aria-label": `${t("delete")}: ${name}`, onclick: () => remove(name) };
    return [
      name,
      ...(kind === "key" ? [t("certificates.key"), "", "", ""] : told),
      mayChange && el("button.danger", act, t("delete")),
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
    return el("details", el("summary", t("certificates.add")), node);
  }
}
