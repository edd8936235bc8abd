/** The card that lets Modbus clients change the gateway for some minutes: they have no login of their own. */

const PERIOD_MS = 3000;
const MINUTES = 10;

/** Return the card; it asks for its state as long as the page is open. */
export function accessCard(app, mayChange) {
  const { el, t } = app;
  const state = el("p", { role: "status" });
  const allow = el("button", { type: "button", onclick: () => send(MINUTES) }, t("access.allow", { n: MINUTES }));
  const end = el("button", { type: "button", hidden: true, onclick: () => send(0) }, t("access.end"));

  function show({ locked, left_s, staged }) {
    const mode = !locked ? "free" : left_s ? "open" : "closed";
    const text = t("access." + mode, { time: clock(left_s) });
    app.draw(
      state,
      el(mode === "closed" ? "strong" : "strong.warn", text),
      staged ? ` · ${t("access.staged", { n: staged })}` : "",
    );
    end.hidden = !left_s;
    allow.hidden = !locked;
  }

  async function send(minutes) {
    const pressed = minutes ? allow : end;
    allow.disabled = end.disabled = true;
    try {
      show(await app.api("/api/modbus_access", { method: "POST", body: { minutes } }));
      app.complain();
    } catch (error) {
      app.complain(error);
    }
    allow.disabled = end.disabled = false;
    (pressed.hidden ? allow : pressed).focus();
  }

  app.poll(PERIOD_MS, "/api/modbus_access", show);
  return el(
    "section.card",
    { "aria-labelledby": "access" },
    el("h2", { id: "access" }, t("access")),
    el("p", t("access.hint")),
    state,
    mayChange && el("div.actions", allow, end),
  );
}

/** Seconds as "9:58". */
function clock(seconds) {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
