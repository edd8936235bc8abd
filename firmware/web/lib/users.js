/**
 * Who may log in, with which role, and what each role may do. A script of its own, which boards without roles have not; `app`
 * has functions of other pages, too. A change is made at once, and all is asked for again.
 */

const PATHS = { user: "/api/users", role: "/api/roles" };

export default async function mount(view, app) {
  const { el, t, table } = app;
  const users = el("section.card");
  const roles = el("section.card", { hidden: !app.may("roles") });
  const role = el("select", { name: "role" });
  view.append(
    el("nav.tabs", { "aria-label": t("settings.pages") }, el("a", { href: "#/settings" }, "← " + t("nav.settings"))),
    users,
    roles,
    el("div.cards", userForm(), app.may("roles") && roleForm()),
  );
  await show();

  async function show() {
    const found = await app.api(PATHS.user);
    const columns = [[t("login.user")], [t("users.role"), "whole"], [t("login.password"), "whole"], [""]];
    if (role.length !== found.roles.length) role.replaceChildren(...options(found.roles, "reader"));
    users.replaceChildren(
      el("h2", t("users")),
table(app, columns, found.users.map(userCells(found.roles))),
    );
    if (!app.may("roles")) return;
    const { rights, roles: all } = await app.api(PATHS.role);
    const heads = [[t("users.right")], ...all.map(({ role }) => [role])];
    const last = [t("delete"), ...all.map(({ role, stays }) => (stays ? "–" : remove("role", role)))];
    const rows = rights.map((right) => [t("right." + right), ...all.map(box(right))]);
    roles.replaceChildren(el("h2", t("users.roles")), el("p", t("users.roles_hint")), table(app, heads, [...rows, last]));
  }

  function options(names, chosen) {
    return names.map((name) => el("option", { value: name, selected: name === chosen }, name));
  }

  function userCells(names) {
    return ({ user, role, has_password: has }) => [
      user,
      el(
        "select",
        {
          "aria-label": t("users.role_of", { user }),
          onchange: ({ target }) => change("user", { user, role: target.value }),
        },
        options(names, role),
      ),
      t(has ? "users.set" : "users.not_set"),
      remove("user", user),
    ];
  }

  /** What ticks whether a role has a right. */
  function box(right) {
    return ({ role, rights }) => {
      const after = (has) => (has ? [...rights, right] : rights.filter((other) => other !== right));
      return el("input", {
        type: "checkbox",
        checked: rights.includes(right),
        "aria-label": `${role}: ${t("right." + right)}`,
        onchange: ({ target }) => change("role", { role, rights: after(target.checked) }),
      });
    };
  }

  function remove(kind, name) {
    return el(
      "button.danger",
      {
        type: "button",
        "aria-label": t("users.remove", { name }),
        onclick: async () => {
          if (!(await app.confirmed(app, t("users.sure", { name }), t("delete")))) return;
          await change(kind, null, "/" + encodeURIComponent(name), "DELETE");
        },
      },
      t("delete"),
    );
  }

  /** Have something changed at once; what was refused is told, and everything shown as it is. */
  async function change(kind, body, rest = "", method = "POST") {
    let refused;
    try {
      await app.api(PATHS[kind] + rest, { method, body });
    } catch (error) {
      if (error.handled) return;
      const errors = error.data?.errors;
      refused = errors ? new Error(Object.values(errors).map(app.sentence).join("; ")) : error;
    }
    await app.refresh();
    if (!(await app.needs("users"))) return; // it was the own one
    await show();
    app.complain(refused);
    if (!refused) app.say(t("users.done"));
  }

  function userForm() {
    const secret = (name, label, kind) =>
      app.field(app, t(label), el("input", { name, type: "password", required: true, autocomplete: kind }));
    const controls = [
      app.field(app, t("login.user"), el("input", { name: "user", required: true, maxlength: 16, autocomplete: "off" })),
      app.field(app, t("users.role"), role),
      secret("new", "password.new", "new-password"),
      secret("again", "password.again", "new-password"),
      secret("password", "password.present", "current-password"),
    ];
    return app.form(app, t("users.add"), controls, t("users.save"), async ({ again, ...body }, node) => {
      if (body.new !== again) throw { data: { errors: { again: t("password.differ") } } };
      try {
        await app.request(PATHS.user, { method: "POST", body });
      } catch (error) {
        if (error.status !== 403) throw error;
        throw { data: { errors: { password: error.message } } };
      }
      node.reset();
      await show();
      app.say(t("users.done"));
    });
  }

  function roleForm() {
    const name = el("input", { name: "role", required: true, maxlength: 16, autocomplete: "off" });
    return app.form(app, t("users.new_role"), [app.field(app, t("users.role"), name)], t("users.save"), async ({ role }, node) => {
      await app.api(PATHS.role, { method: "POST", body: { role, rights: ["read"] } });
      node.reset();
      await show();
      app.say(t("users.done"));
    });
  }
}
