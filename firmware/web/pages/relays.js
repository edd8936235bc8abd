/** The switches: what state each reads back, and three buttons. */

import { slotName } from "./meters.js";

const PERIOD_MS = 3000;
const ACTIONS = ["on", "off", "toggle"];
const LOOKS = { 0: ["○", "off", ""], 1: ["●", "on", ".good"], 250: ["⚠", "silent", ".bad"], 255: ["✕", "missing", ".muted"] };

export default async function mount(view, app) {
  const { el, t } = app;
  const busy = new Set(); // numbers of the switches that are being switched
  let relays = null;
  const show = () =>
    app.draw(
      view,
      relays.length
        ? el("div.cards", relays.map(card))
        : el("p.note.plain", t("relays.none"), el("a", { href: "#/settings/IR%20Devices" }, t("nav.settings"))),
    );

  function card(relay) {
    const [sign, word, look] = LOOKS[relay.state] || LOOKS[250];
    const place = slotName(app, relay.n ? String(relay.n) : "rir");
    const isShut = Boolean(relay.forbidden);
    return el(
      "section.card",
      { "data-key": relay.n, "aria-busy": busy.has(relay.n) && "true" },
      el("h2", relay.description || place),
      el("p.muted", `${place} · ${relay.model} · ${t("address")} ${relay.address}`),
      el("p.relay" + look, { role: "status" }, `${sign} ${t("relay." + word)}`),
      isShut && el("p.note", app.sentence(relay.forbidden)),
      el(
        "div.actions",
        { role: "group", "aria-label": relay.description || place },
        ACTIONS.map((action) =>
          el(
            "button",
            {
              type: "button",
              disabled: isShut || busy.has(relay.n),
              onclick: () => act(relay.n, action),
            },
            t("relay.do." + action),
          ),
        ),
      ),
    );
  }

  async function act(n, action) {
    if (!(await app.needs("write"))) return;
    busy.add(n);
    show();
    app.complain();
    try {
      const { state } = await app.api(`/api/relay/${n}`, { method: "POST", body: { state: action } });
      relays = relays.map((relay) => (relay.n === n ? { ...relay, state } : relay));
    } catch (error) {
      app.complain(error);
    }
    busy.delete(n);
    show();
  }

  app.poll(PERIOD_MS, "/api/relays", (answer) => {
    relays = answer.relays;
    show();
  });
}
