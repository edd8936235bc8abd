/** What pages of DLMS meters say of one: how it fares, why it does not, where it is, what its registers are called. */

export const PATH = "/api/dlms_meters";
const LOOKS = { contact: "good", out: "bad", black: "bad", never: "warn", off: "" };
// Groups C of logical names that have a word; of the phases they are 20, 40 and 60 higher, or begin at 31, 51 and 71
const PHASES = { 20: " L1", 40: " L2", 60: " L3" };

/** The one list that a meter counts in; on the black list it may be besides. */
export function stateOf(meter) {
  if (!meter.active) return "off";
  if (meter.in_contact) return "contact";
  return meter.in_a_row > 0 || meter.good_utc ? "out" : "never";
}

/** The marks of a meter. */
export function marks({ el, t }, meter) {
  const states = [stateOf(meter), meter.black && "black"].filter(Boolean);
  return states.map((state) => [el("span.mark" + (LOOKS[state] && "." + LOOKS[state]), t("dlms.state." + state)), " "]);
}

/** Why it could not be read the last time; "" when it could. */
export const reasonText = ({ t }, { reason }) => (reason ? t("dlms.reason." + reason, {}, t("dlms.reason.255")) : "");

/** Since when it is out of contact, and why; "" if it is not. */
export function sinceText(app, meter) {
  const { t } = app;
  if (stateOf(meter) !== "out") return "";
  const since = meter.since_time || meter.failed_time;
  return [since && t("dlms.since", { time: minutes(since) }), reasonText(app, meter)].filter(Boolean).join(": ");
}

/** Why it is on the black list. */
export function blackText(app, meter) {
  const { t } = app;
  if (!meter.unsynchronised) return sinceText(app, meter);
  return t("dlms.unsynchronised", { drift: driftText(app, meter) || "?" });
}

/** By how much its clock is ahead; "" if that is not known. */
export function driftText({ span }, { drift_s: drift }) {
  return typeof drift === "number" ? (drift < 0 ? "−" : "+") + span(Math.abs(drift)) : "";
}

/** Where it is: its port, and its address there. */
export function placeText({ t }, { port, host, logical, physical }) {
  return [t("dlms.port." + port), host, physical ? `${logical}/${physical}` : logical].filter(Boolean).join(", ");
}

/** A time of the gateway without its seconds. */
export const minutes = (time) => time.slice(0, -3);

export const nameOf = (meter) => [meter.serial, meter.name].filter(Boolean).join(" ");

/** A column in words as far as there are some: energy, import, tariff 1 (1.8.1 kWh). The code is that of 1.0.1.8.1.255/5. */
export function columnText(app, { code, unit }) {
  const { t } = app;
  const [, a, c, d, e, rest] = code.match(/^(\d+)\.\d+\.(\d+)\.(\d+)\.(\d+)\.255(.*)$/) || [];
  const short = c === undefined ? code : a === "1" ? `${c}.${d}.${e}${rest}` : code;
  const behind = unit && unit !== "time" ? ` ${unit}` : "";
  if (a !== "1") return short + behind;
  const base = [0, 20, 40, 60].find((phase) => t(`dlms.quantity.${c - phase}`, {}, "") && (phase === 0 || c - phase < 20));
  const kind = t("dlms.kind." + d, {}, "");
  if (base === undefined || !kind) return short + behind;
  const tariff = e > 0 && d !== "7" ? `, ${t("dlms.tariff", { n: e })}` : "";
  const time = unit === "time" ? `, ${t("time")}` : "";
  return `${t(`dlms.quantity.${c - base}`)}${PHASES[base] || ""}, ${kind}${tariff}${time} (${short}${behind})`;
}

/** An event: its name, as the gateway has it, in the user's words, what goes with it, and which log of the meter has it. */
export function eventText({ t }, { name, text, log, code }) {
  const [, what, phase = "", edge] = name.match(/^(.*?)( L\d)?(?: (begins|ends))?$/);
  const told = what ? t("dlms.event." + what, {}, what) + phase + (edge ? " " + t("log." + edge, {}, edge) : "") : t("dlms.event", { code });
  return [told, text, t("dlms.log", { n: log })].filter(Boolean).join(", ");
}
