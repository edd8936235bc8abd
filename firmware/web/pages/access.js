/** Cards that open something for some minutes to those who have no login: Modbus clients, reading programs. */

const PERIOD_MS = 3000;
const MINUTES = 10;

/** Return the card that lets Modbus clients change the gateway. */
export function accessCard(app, mayChange) {
  return timedCard(app, mayChange, "access", "/api/modbus_access", ({ locked, left_s, staged }) => ({
    mode: !locked ? "free" : left_s ? "open" : "closed",
    more: staged ? ` · ${app.t("access.staged", { n: staged })}` : "",
  }));
}

/** Return the card that lets anybody use the transparent port. */
export function tunnelCard(app, mayChange) {
  return timedCard(app, mayChange, "tunnel", "/api/tunnel", ({ port, left_s, client, seconds, sent, received, raw, rfc2217 }) => ({
    canEnd: client,
    mode: !port ? "none" : left_s ? "open" : "closed",
    more: client
      ? ` · ${app.t("tunnel.client", { client, seconds: seconds ?? 0, sent: sent ?? 0, received: received ?? 0 })}`
      : port && ` · ${app.t("tunnel.ports", { raw: raw || "–", rfc2217: rfc2217 || "–" })}`,
  }));
}

/**
 * A card with the texts `name`.*, which asks for its state at `path` as long as the page is open. `look(state)` returns the mode
 * (a text's name; nothing can be opened in the modes free and none) and what is to be told beside it,
 * and whether there is something to end though nothing is open.
 */
function timedCard(app, mayChange, name, path, look) {
  const { el, t } = app;
  const state = el("p", { role: "status" });
  const allow = el("button", { type: "button", onclick: () => send(MINUTES) }, t(name + ".allow", { n: MINUTES }));
  const end = el("button", { type: "button", hidden: true, onclick: () => send(0) }, t("access.end"));

  function show(now) {
    const { mode, more, canEnd } = look(now);
    const isCalm = mode === "closed" || mode === "none";
    app.draw(state, el(isCalm ? "strong" : "strong.warn", t(`${name}.${mode}`, { time: clock(now.left_s) })), more);
    end.hidden = !now.left_s && !canEnd;
    allow.hidden = mode === "free" || mode === "none";
  }

  async function send(minutes) {
    const pressed = minutes ? allow : end;
    allow.disabled = end.disabled = true;
    try {
      show(await app.api(path, { method: "POST", body: { minutes } }));
      app.complain();
    } catch (error) {
      app.complain(error);
    }
    allow.disabled = end.disabled = false;
    (pressed.hidden ? allow : pressed).focus();
  }

  app.poll(PERIOD_MS, path, show);
  return el(
    "section.card",
    { "aria-labelledby": name },
    el("h2", { id: name }, t(name)),
    el("p", t(name + ".hint")),
    state,
    mayChange && el("div.actions", allow, end),
  );
}

/** Seconds as "9:58". */
function clock(seconds) {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
