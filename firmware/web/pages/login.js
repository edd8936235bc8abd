/** Log in, and go on to where the login was needed. */

import { field, form } from "./field.js";

export default async function mount(view, app) {
  const { el, t } = app;
  const user = el("input", { name: "user", autocomplete: "username", autocapitalize: "none", value: "admin", required: true });
  const password = el("input", { name: "password", type: "password", autocomplete: "current-password", required: true });
  const wait = el("p.note", { role: "status", hidden: true });
  let timer = 0;

  /** Too many wrong passwords: count down before the next try. */
  function lock(seconds, button) {
    const until = performance.now() + 1000 * seconds;
    const tick = () => {
      const left = Math.ceil((until - performance.now()) / 1000);
      wait.hidden = left <= 0;
      wait.textContent = left > 0 ? t("login.wait", { n: left }) : "";
      if (left > 0) return;
      clearInterval(timer);
      delete button.dataset.locked;
      button.disabled = false;
    };
    button.dataset.locked = "yes";
    clearInterval(timer);
    timer = setInterval(tick, 500);
    tick();
  }

  async function login(values, _, button) {
    try {
      await app.request("/api/login", { method: "POST", body: values });
    } catch (error) {
      password.select();
      if (error.status === 429) {
        lock(error.data.retry_s || 1, button);
        error.handled = true; // the countdown says it
      }
      if (error.status === 403) throw new Error(t("login.wrong"));
      throw error;
    }
    await app.refresh();
    location.replace(app.status.session.must_change ? "#/password" : app.back);
  }

  view.append(
    app.loginReason && el("p.note.plain", app.loginReason),
    wait,
    form(
      app,
      "",
      [field(app, t("login.user"), user), field(app, t("login.password"), password, t("login.hint"))],
      t("login"),
      login,
    ),
  );
  password.focus();
  return () => clearInterval(timer);
}
