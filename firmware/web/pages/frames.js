/** The raw frames on a wire, as bytes and in words, while somebody looks. */

import { FUNCTIONS, decode } from "./modbus.js";
import { row, table } from "./table.js";

const PERIOD_MS = 1000;
const FORGOTTEN_MS = 9000; // not asked for so long, the gateway stops keeping frames, and counts anew
const MOST_ROWS = 200;
const MOST_VALUES = 16; // of one frame, in words

/** Put the log into `place`; `ports`: the wires in use. */
export function frameLog(place, app, ports) {
  const { el, t } = app;
  const port = el(
    "select",
    { id: "port" },
    ports.map((name) => el("option", { value: name }, t("port." + name, {}, name))),
  );
  const toggle = el("button.primary", { type: "button", onclick: () => (isOn ? stop() : start()) }, t("frames.start"));
  const columns = [[t("frames.ms")], [t("frames.direction")], [t("frames.hex"), "whole"], [t("frames.meaning"), "whole"]];
  const list = table(app, columns, []);
  const rows = list.tBodies[0];
  const box = el("div.frames.wide", { tabindex: "0", role: "region", "aria-label": t("frames"), hidden: true }, list);
  let isOn = false,
    isPolling = false,
    after = 0,
    askedAt = 0,
    asked = null;

  place.append(
    el("h2", t("frames")),
    el("p", t("frames.hint")),
    el(
      "div.actions",
      el("label", { for: "port" }, t("frames.port")),
      port,
      toggle,
      el("button", { type: "button", onclick: () => rows.replaceChildren() }, t("frames.clear")),
    ),
    box,
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

  async function start() {
    if (!(await app.needs())) return;
    isOn = true;
    box.hidden = false;
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
    const isAtEnd = box.scrollTop + box.clientHeight >= box.scrollHeight - 40;
    for (const frame of answer.frames) {
      if (frame.n <= after) continue;
      after = frame.n;
      rows.append(row(app, columns, words(frame)));
    }
    while (rows.children.length > MOST_ROWS) rows.firstChild.remove();
    if (isAtEnd) box.scrollTop = box.scrollHeight;
  }

  function words(frame) {
    const meant = decode(frame.hex, asked);
    if (meant.isRequest) asked = meant;
    const direction = frame.sent ? "→ " + t("frames.sent") : "← " + t("frames.received");
    return [String(frame.ms), direction, el("code", frame.hex.replace(/../g, "$& ").trim()), meaning(app, meant)];
  }
}

/** "Unit 33 · Read Input Registers · from 107, 2 registers · CRC ok" */
function meaning({ el, t }, frame) {
  if (frame.short) return el("span.bad", t("frame.short"));
  const parts = [`${t("frame.unit")} ${frame.unit}`, FUNCTIONS[frame.code] || `${t("frame.function")} ${frame.code}`];
  if (frame.exception) parts.push(`${t("frame.exception")}: ${frame.exception}`);
  if (frame.start !== undefined) parts.push(t("frame.from", frame));
  if (frame.count !== undefined) parts.push(t("frame.count", frame));
  if (frame.values)
    parts.push("= " + frame.values.slice(0, MOST_VALUES).join(" ") + (frame.values.length > MOST_VALUES ? " …" : ""));
  return [
    parts.join(" · ") + " · ",
    el(frame.isSound ? "span.good" : "span.bad", t(frame.isSound ? "frame.crc_ok" : "frame.crc_wrong")),
  ];
}
