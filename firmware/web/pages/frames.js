/** The raw frames on a wire, as bytes and in words, while somebody looks. */

import { FUNCTIONS, decode } from "./modbus.js";

const PERIOD_MS = 1000;
const PORTS = ["ir_left", "ir_right", "rs485"];
const FORGOTTEN_MS = 9000; // not asked for so long, the gateway stops keeping frames, and counts anew
const MOST_ROWS = 200;
const MOST_VALUES = 16; // of one frame, in words

export function frameLog(place, app) {
  const { el, t } = app;
  const port = el(
    "select",
    { id: "port" },
    PORTS.map((name) => el("option", { value: name }, t("port." + name))),
  );
  const toggle = el("button.primary", { type: "button", onclick: () => (isOn ? stop() : start()) }, t("frames.start"));
  const rows = el("tbody");
  const heads = ["ms", "direction", "hex", "meaning"].map((key) => t("frames." + key));
  const table = el(
    "div.frames.wide",
    { tabindex: "0", role: "region", "aria-label": t("frames"), hidden: true },
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
        ),
      ),
      rows,
    ),
  );
  let isOn = false,
    isPolling = false,
    after = 0,
    askedAt = 0,
    asked = null;

  place.append(
    el("h2", null, t("frames")),
    el("p", null, t("frames.hint")),
    el(
      "div.actions",
      null,
      el("label", { for: "port" }, t("frames.port")),
      port,
      toggle,
      el("button", { type: "button", onclick: () => rows.replaceChildren() }, t("frames.clear")),
    ),
    table,
  );
  port.addEventListener("change", forget);

  function forget() {
    after = 0;
    asked = null;
    rows.replaceChildren();
  }

  function path() {
    if (performance.now() - askedAt > FORGOTTEN_MS) forget();
    askedAt = performance.now();
    return `/api/frames?port=${port.value}&after=${after}`;
  }

  function start() {
    if (!app.needs()) return;
    isOn = true;
    table.hidden = false;
    toggle.textContent = t("frames.stop");
    if (!isPolling) app.poll(PERIOD_MS, () => isOn && path(), show);
    isPolling = true;
  }

  function stop() {
    isOn = false;
    toggle.textContent = t("frames.start");
  }

  function show(answer) {
    if (answer.port !== port.value) return;
    const isAtEnd = table.scrollTop + table.clientHeight >= table.scrollHeight - 40;
    for (const frame of answer.frames) {
      if (frame.n <= after) continue;
      after = frame.n;
      rows.append(row(frame));
    }
    while (rows.children.length > MOST_ROWS) rows.firstChild.remove();
    if (isAtEnd) table.scrollTop = table.scrollHeight;
  }

  function row(frame) {
    const meant = decode(frame.hex, asked);
    if (meant.isRequest) asked = meant;
    return el(
      "tr",
      null,
      el("td.number", { "data-label": heads[0] }, frame.ms),
      el("td", { "data-label": heads[1] }, frame.sent ? "→ " + t("frames.sent") : "← " + t("frames.received")),
      el("td.whole", null, el("code", null, frame.hex.replace(/../g, "$& ").trim())),
      el("td.whole", null, words(app, meant)),
    );
  }
}

/** "Unit 33 · Read Input Registers · from 107, 2 registers · CRC ok" */
function words({ el, t }, frame) {
  if (frame.short) return el("span.bad", null, t("frame.short"));
  const parts = [`${t("frame.unit")} ${frame.unit}`, FUNCTIONS[frame.code] || `${t("frame.function")} ${frame.code}`];
  if (frame.exception) parts.push(`${t("frame.exception")}: ${frame.exception}`);
  if (frame.start !== undefined) parts.push(t("frame.from", frame));
  if (frame.count !== undefined) parts.push(t("frame.count", frame));
  if (frame.values)
    parts.push("= " + frame.values.slice(0, MOST_VALUES).join(" ") + (frame.values.length > MOST_VALUES ? " …" : ""));
  return [
    parts.join(" · ") + " · ",
    el(frame.isSound ? "span.good" : "span.bad", null, t(frame.isSound ? "frame.crc_ok" : "frame.crc_wrong")),
  ];
}
