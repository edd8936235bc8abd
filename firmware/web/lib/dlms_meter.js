/** One DLMS meter: how it fares, its values, relay, clock, what it has recorded, its events, what is known of it. */

import { orderButton, order, exactly } from "./dlms_orders.js";
import { recordPart } from "./dlms_records.js";
import { columnText, driftText, eventText, marks, minutes, nameOf, PATH, placeText, reasonText, sinceText } from "./dlms_words.js";
import { eventCard } from "./meter_events.js";
import { meterForm } from "./meter_form.js";

const PERIOD_MS = 5000;

export async function meterPage(view, app) {
  const { el, t } = app;
  const path = `${PATH}/${app.arg}`;
  const { fields } = await app.api(PATH + "?count=0");
  const mayChange = app.may("write");
  let meter = await app.api(path);
  const name = nameOf(meter);
  const facts = el("dl.facts");
  const mark = el("p", { role: "status" });
  const values = valueCard(app, meter, mayChange);
  const relay = el("p.relay");
  view.append(
    el("section.card", el("h2", name), mark, facts),
    el("div.cards", relayCard(app, () => meter, relay, mayChange, refresh), clockCard(app, meter, mayChange, refresh)),
    values,
  );
  show(meter);
  app.poll(PERIOD_MS, path, show, PERIOD_MS);
  const leave = await recordPart(view, app, meter);
  view.append(eventCard(app, "/api/dlms_events/" + meter.id, eventText));
  if (mayChange) view.append(form());
  return leave;

  async function refresh() {
    show(await app.api(path));
  }

  function show(fresh) {
    meter = fresh;
    const drift = driftText(app, meter);
    const failed = meter.failed_time && [minutes(meter.failed_time), reasonText(app, meter)].filter(Boolean).join(": ");
    const rows = [
      ["dlms.place", placeText(app, meter)],
      ["dlms.last_read", meter.good_time && minutes(meter.good_time)],
      ["dlms.failed", failed],
      ["dlms.failures", t("dlms.failures_text", { n: meter.failures, row: meter.in_a_row })],
      ["dlms.clock", drift && t("dlms.drift", { drift }) + (meter.clock_set ? `, ${t("dlms.clock_was_set")}` : "")],
    ];
    app.draw(mark, marks(app, meter), sinceText(app, meter));
    app.draw(facts, rows.map(([key, value]) => [el("dt", t(key)), el("dd", value || "–")]));
    app.draw(relay, relayText(app, meter.relay_output, meter.relay_control));
  }

  function form() {
    const node = meterForm(app, "dlms", fields, meter, async (values) => {
      await app.api(path, { method: "POST", body: values });
      await refresh();
      app.say(t("dlms.saved", { name }));
    });
    node.querySelector(".actions").append(el("button.danger", { type: "button", onclick: remove }, t("dlms.remove")));
    return el("details.card", el("summary", t("dlms.settings")), node);
  }

  async function remove() {
    if (!(await app.confirmed(app, t("dlms.sure", { name }), t("dlms.remove")))) return;
    try {
      await app.api(path, { method: "DELETE" });
      location.hash = "#/dlms";
      app.say(t("dlms.removed", { name }));
    } catch (error) {
      app.complain(error);
    }
  }
}

/** Adds one. */
export async function addPage(view, app) {
  if (!(await app.needs("write"))) return;
  const { fields } = await app.api(PATH + "?count=0");
  view.append(
    meterForm(app, "dlms", fields, undefined, async (values) => {
      const { id } = await app.api(PATH, { method: "POST", body: values });
      location.hash = "#/dlms/" + id;
      app.say(app.t("dlms.added", { name: values.serial }));
    }),
  );
}

// ---- present values

/** The registers as they were read last; they can be read now. */
function valueCard(app, meter, mayAsk) {
  const { el, t } = app;
  const told = el("span", { role: "status" });
  const when = el("p.muted");
  const listing = el("div");
  const read = async () => show(await order(app, meter.id, "read", {}));
  kept();
  return el(
    "section.card",
    el("h2", t("dlms.values")),
    mayAsk && el("div.actions", orderButton(app, told, t("dlms.read_now"), read, ".primary"), told),
    when,
    listing,
  );

  async function kept() {
    try {
      show(exactly(await app.api(`/api/archive/${meter.id}?kind=present`, { raw: true })));
    } catch (error) {
      app.complain(error);
    }
  }

  function show({ columns, records }) {
    const [utc, ahead, , ...values] = records.at(-1) || [];
    when.textContent = utc ? t("dlms.values_at", { time: timeOf(+utc + +ahead) }) : t("dlms.no_values");
    const rows = columns.map((column, at) => {
      const value = values[at];
      const text = column.unit === "time" ? value && timeOf(+value + +ahead) : value && app.number(value);
      return [columnText(app, { ...column, unit: column.unit === "time" ? "time" : "" }), text && [text, column.unit !== "time" && ` ${column.unit}`]];
    });
    const known = rows.filter(([, text]) => text);
    app.draw(listing, utc && app.table(app, [[t("dlms.register")], [t("value"), "number"]], known.map(([name, text]) => [name, el("span", text)])));
  }
}

/** Local seconds, as if they were UTC, as the gateway writes times. */
function timeOf(local) {
  const [day, time] = new Date(local * 1000).toISOString().split("T");
  return `${day.split("-").reverse().join(".")} ${time.slice(0, 5)}`;
}

// ---- relay and clock

function relayText({ t }, output, control) {
  if (output === null && control === null) return `? ${t("dlms.relay.unknown")}`;
  if (control === 2) return `◐ ${t("dlms.relay.ready")}`;
  const isOn = control === null ? output : control === 1;
  return isOn ? `● ${t("relay.on")}` : `○ ${t("relay.off")}`;
}

/** `meter()`: as it is known now. What a meter says after it was switched is what is shown. */
function relayCard(app, meter, state, mayChange, refresh) {
  const { el, t } = app;
  const told = el("p", { role: "status" });
  const name = nameOf(meter());
  const isShut = !meter().relay;
  const act = (body) => async () => {
    const word = body && (body.on ? "on" : "off");
    if (body && !(await app.confirmed(app, t("dlms.relay.sure_" + word, { name }), t("relay.do." + word)))) return "";
    const answer = await order(app, meter().id, "relay", body);
    const number = (value) => (value === null ? null : Number(value));
    const says = relayText(app, number(answer.output), number(answer.control));
    await refresh();
    return t("dlms.relay.says", { state: says, mode: answer.mode ?? "–" });
  };
  const button = (text, body, look) => orderButton(app, told, text, act(body), look);
  return el(
    "section.card",
    el("h2", t("dlms.relay")),
    state,
    isShut && el("p.muted", t("dlms.relay.shut")),
    el(
      "div.actions",
      mayChange && !isShut && [button(t("relay.do.off"), { on: 0 }, ".danger"), button(t("relay.do.on"), { on: 1 })],
      button(t("dlms.relay.look")),
    ),
    told,
  );
}

function clockCard(app, meter, mayChange, refresh) {
  const { el, t } = app;
  const told = el("p", { role: "status" });
  const act = (body) => async () => {
    const answer = await order(app, meter.id, "clock", body);
    await refresh();
    const drift = answer.drift_s === null ? "?" : driftText(app, { drift_s: Number(answer.drift_s) });
    return t("dlms.clock_says", { time: answer.local_time || "–", drift });
  };
  return el(
    "section.card",
    el("h2", t("dlms.clock")),
    el("p.muted", t("dlms.clock_hint")),
    el(
      "div.actions",
      mayChange && orderButton(app, told, t("dlms.clock_set"), act({})),
      orderButton(app, told, t("dlms.clock_look"), act()),
    ),
    told,
  );
}
