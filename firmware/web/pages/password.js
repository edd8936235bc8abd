/** The passwords of admin, and of reader, the login that may only read; with roles, the own one. */

import { field, form } from "./field.js";

const RIGHT = HAS.roles ? "" : "users";

export default async function mount(view, app) {
  if (!(await app.needs(RIGHT))) return;
  const { el, t } = app;
  const mustChange = app.status.session.must_change;
  if (mustChange) view.append(el("p.note", { role: "status" }, t("password.must_change")));
  if (HAS.roles) view.append(el("div.cards", card(app.status.session.user)));
  else view.append(el("div.cards", card("admin"), !mustChange && [card("reader"), removal()]));

  function secret(name, label, isNew) {
    return field(
      app,
      t(label),
      el("input", { name, type: "password", required: true, autocomplete: isNew ? "new-password" : "current-password" }),
    );
  }

  /** Set the password of `user`. */
  function card(user) {
    const controls = [
      secret("password", "password.present"),
      secret("new", "password.new", true),
      secret("again", "password.again", true),
    ];
    return form(app, t("password.of", { user }), controls, t("password.change"), async (values, node) => {
      if (!values.new) throw { data: { errors: { new: t("password.empty") } } };
      if (values.new !== values.again) throw { data: { errors: { again: t("password.differ") } } };
      await change(user, values.password, values.new);
      node.reset();
      if (mustChange) location.replace(app.back);
    });
  }

  function removal() {
    return form(
      app,
      t("password.remove_title"),
      [el("p", t("password.remove_hint")), secret("password", "password.present")],
      t("password.remove"),
      async (values, node) => {
        await change("reader", values.password, "");
        node.reset();
      },
    );
  }

  async function change(user, password, fresh) {
    try {
      await app.request("/api/password", { method: "POST", body: { user, password, new: fresh } });
    } catch (error) {
      if (error.status !== 403) throw error;
      await app.refresh(); // a session that has ended gets the same answer as a wrong password
      throw (await app.needs(RIGHT)) ? { data: { errors: { password: t("password.wrong") } } } : { handled: true };
    }
    await app.refresh();
    app.say(t("password.done"));
  }
}
