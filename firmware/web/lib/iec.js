/**
 * The IEC 62056-21 meters: #/iec lists them, #/iec/new adds one, #/iec/many a list of numbers, #/iec/<number> shows one, with
 * what it sends. A script of its own, which boards without such meters have not; `app` has functions of other pages, too.
 */

import { eventCard, worded } from "./meter_events.js";
import { meterForm } from "./meter_form.js";

const PERIOD_MS = 5000;
const LOOKS = { present: "good", silent: "bad" };
const PATH = "/api/iec_meters";

export default async function mount(view, app) {
  const { el, t } = app;
  const list = await app.api(PATH);
  const meter = list.meters[app.arg - 1];
  const back = meter || FORMS[app.arg] ? "iec" : "settings";
  view.append(el("nav.tabs", { "aria-label": t("settings.pages") }, el("a", { href: "#/" + back }, "← " + t("nav." + back))));
  if (meter) return showMeter(view, app, list, meter);
  return (FORMS[app.arg] || showList)(view, app, list);
}

const FORMS = { __proto__: null, new: addOne, many: addMany };
const nameOf = ({ t }, meter) => meter.name || meter.address || t("iec.meter", { n: meter.number });

// ---- the list

function showList(view, app, list) {
  const { el, t, table } = app;
  const box = view.appendChild(el("div"));
  const columns = [[t("iec")], ...["setting.iec.address", "iec.model", "status.serial_number"].map((key) => [t(key)])];
  columns.push([t("certificates.status"), "whole"]);
  function show({ meters, most }) {
    const isOff = !meters.length || meters.some(({ status }) => status === "disabled");
    const isFull = meters.length >= most;
    app.draw(
      box,
      isOff &&
        el(
          "p.note.plain",
          t("iec.port"),
          ["RS485 Devices", "IR Devices"].map((page) => [
            " ",
            el("a", { href: "#/settings/" + encodeURIComponent(page) }, t("page." + page)),
          ]),
        ),
      el(
        "section.card",
        meters.length ? table(app, columns, meters.map(cells)) : el("p.muted", t("iec.none")),
        el(
          "div.actions",
          isFull
            ? t("iec.full", { most })
            : [
                el("a.button.primary", { href: "#/iec/new" }, t("iec.new")),
                el("a.button", { href: "#/iec/many" }, t("iec.many")),
              ],
        ),
      ),
    );
  }
  function cells(meter) {
    const link = el("a.button", { href: "#/iec/" + meter.number, title: nameOf(app, meter) }, `${meter.number} ${meter.name}`);
    return [link, meter.address, meter.model, meter.serial, el("span", state(app, meter))];
  }
  show(list);
  app.poll(PERIOD_MS, PATH, show, PERIOD_MS);
}

/** How a meter fares: a mark, the last good reading, what went wrong, how much its clock is off. */
function state({ el, t, span }, { status, error, read_time: time, clock_ahead_s: ahead, fault }) {
  const isNew = status === "not_detected" && error === "not read yet";
  const drift = typeof ahead === "number" && (ahead < 0 ? "−" : "+") + span(Math.abs(ahead));
  const told = [
    time && t("iec.read", { time: time.slice(0, -3) }),
    error && !isNew && t("iec.error." + error, {}, error),
    drift && t("iec.clock", { drift }),
    fault && /[1-9a-f]/.test(fault) && t("iec.fault", { fault }),
  ];
  return [
    el("span.mark." + (LOOKS[status] || "warn"), t(isNew ? "iec.error.not read yet" : "device." + status)),
    " " + told.filter(Boolean).join(", "),
  ];
}

// ---- one meter

function showMeter(view, app, list, meter) {
  const { el, t } = app;
  const { number } = meter;
  const name = nameOf(app, meter);
  const facts = el("dl.facts");
  const hasProfile = app.status.has_profiles && meter.serial;
  view.append(
    el(
      "section.card",
      el("h2", `${number} ${name}`),
      facts,
      hasProfile && el("p", el("a", { href: "#/profile/" + encodeURIComponent(meter.serial) }, t("nav.profile"))),
    ),
  );
  const show = ({ meters }) => {
    const found = meters[number - 1];
    if (!found) return;
    const rows = [
      ["iec.model", found.model],
      ["status.serial_number", found.serial],
      ["certificates.status", state(app, found)],
    ];
    app.draw(
      facts,
      rows.map(([key, value]) => [el("dt", t(key)), el("dd", value || "–")]),
    );
  };
  show(list);
  app.poll(PERIOD_MS, PATH, show, PERIOD_MS);
  const leave = readOut(view, app, number, meter.serial || meter.address || number);
  if (hasProfile) view.append(eventCard(app, "/api/meter_events/" + encodeURIComponent(meter.serial), worded));
  const form = meterForm(app, "iec", list.fields, meter, async (values) => {
    await app.api(`${PATH}/${number}`, { method: "POST", body: values });
    done(app, "iec.saved", { name });
  });
  form.querySelector(".actions").append(el("button.danger", { type: "button", onclick: remove }, t("iec.remove")));
  view.append(form);
  return leave;

  async function remove() {
    if (!(await app.confirmed(app, t("iec.sure", { name }), t("iec.remove")))) return;
    try {
      await app.api(`${PATH}/${number}`, { method: "DELETE" });
      done(app, "iec.removed", { name });
    } catch (error) {
      app.complain(error);
    }
  }
}

function done(app, key, values) {
  location.hash = "#/iec";
  app.say(app.t(key, values));
}

/** What the meter sends, as it comes. Return what ends that. */
function readOut(view, app, number, name) {
  const { el, t } = app;
  const told = el("span", { role: "status" });
  const text = el("pre.frames.mono", { tabindex: "0", role: "region", "aria-label": t("iec.readout"), hidden: true });
  const button = (key, onclick, look = "") => el("button" + look, { type: "button", onclick }, t(key));
  const start = button("iec.readout_start", read, ".primary");
  const stop = button("frames.stop", () => stopper.abort());
  const files = [button("iec.copy", copy), button("iec.save", () => app.save(`readout-${name}.txt`, text.textContent))];
  const showFiles = (isThere) => files.forEach((node) => (node.hidden = !isThere));
  let stopper = new AbortController();
  stop.hidden = true;
  showFiles(false);
  const actions = el("div.actions", start, stop, told, files);
  view.append(el("section.card", el("h2", t("iec.readout")), el("p.hint", t("iec.readout_hint")), actions, text));

  async function read() {
    stopper = new AbortController();
    start.hidden = text.hidden = true;
    showFiles(false);
    stop.hidden = false;
    text.replaceChildren();
    told.textContent = t("iec.waiting");
    try {
      const answer = await fetch("/api/iec_readout/" + number, { signal: stopper.signal, cache: "no-store" });
      if (!answer.ok) throw new Error(app.sentence((await answer.json()).error));
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      text.hidden = false;
      told.textContent = t("iec.coming");
      for (let part; !(part = await reader.read()).done; text.scrollTop = text.scrollHeight) text.append(part.value);
      const [, end] = text.textContent.match(/\[([^\]]*)\]\s*$/) || [];
      told.textContent = end === "good" ? t("iec.good") : t("iec.bad", { why: t("iec.error." + end, {}, end || "–") });
    } catch (error) {
      const isOurs = error.name === "AbortError";
      told.textContent = isOurs ? "" : error instanceof TypeError ? t("error.offline") : error.message;
    }
    start.hidden = false;
    stop.hidden = true;
    showFiles(text.textContent);
  }

  /** By the selection: a page without TLS has no other way to the clipboard. */
  function copy() {
    getSelection().selectAllChildren(text);
    if (document.execCommand("copy")) app.say(t("iec.copied"));
  }
  return () => stopper.abort();
}

// ---- adding

function addOne(view, app, { fields }) {
  view.append(
    meterForm(app, "iec", fields, undefined, async (values) => {
      const { number } = await app.api(PATH, { method: "POST", body: values });
      done(app, "iec.added", { name: nameOf(app, { ...values, number }) });
    }),
  );
}

/** One after another; what was refused stays in the box, with the reason below. */
function addMany(view, app, { fields }) {
  const { el, t } = app;
  const input = el("textarea", { name: "address", rows: 8, spellcheck: "false", autocapitalize: "off" });
  const report = el("div", { role: "status" });
  view.append(
    meterForm(app, "iec", fields, undefined, send, [app.field(app, t("iec.numbers"), input, t("iec.numbers_hint")), report]),
  );

  async function send(values) {
    const lines = input.value.split("\n").map((line) => line.trim());
    const count = lines.filter(Boolean).length;
    if (!count) throw { data: { errors: { address: t("iec.numbers_missing") } } };
    const refused = [];
    let added = 0,
      at = 0;
    const left = () => [...refused.map(([, line]) => line), ...lines.slice(at).filter(Boolean)].join("\n");
    try {
      for (; at < lines.length; at++) {
        if (!lines[at]) continue;
        report.textContent = t("iec.adding", { n: added + refused.length + 1, count });
        const [address, name] = lines[at].split(/[;\t]/).map((part) => part.trim());
        try {
          await app.api(PATH, { method: "POST", body: { ...values, address, ...(name && { name }) } });
          added++;
        } catch (error) {
          const why = error.data?.errors?.address || error.data?.errors?.name;
          if (!why && error.status !== 409) throw error; // it is not this line
          refused.push([String(at + 1), lines[at], why ? app.sentence(why) : error.message]);
        }
      }
    } finally {
      input.value = left();
      const columns = [[t("iec.line")], [t("setting.iec.address")], [t("iec.why"), "whole"]];
      app.draw(
        report,
        el("p", t("iec.report", { added, refused: refused.length })),
        refused.length && app.table(app, columns, refused),
      );
    }
    if (!refused.length) done(app, "iec.report", { added, refused: 0 });
  }
}
