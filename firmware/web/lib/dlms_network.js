/** By which way each meter is reached: gateway, port, meter; how many of each port are in contact, and who is not since when. */

import { paged, readNow } from "./dlms_list.js";
import { marks, minutes, nameOf, PATH, placeText, sinceText, stateOf } from "./dlms_words.js";

const PERIOD_MS = 15000;
const MOST = 10; // meters that are shown of those searched for
const PARTS = ["contact", "out", "never", "off"];

export async function networkPage(view, app) {
  const { el, t } = app;
  const tree = el("div");
  const out = el("section.card", el("h2", t("dlms.list.out")));
  const list = paged(app, out, () => ({ list: "out" }), row, ["dlms.meter", "dlms.place", "dlms.since_when", "dlms.last_read"]);
  view.append(el("section.card", el("h2", t("dlms.topology")), tree), finder(app), out);
  app.poll(PERIOD_MS, PATH + "_summary", show);
  await list.show();

  function row(meter) {
    const link = el("a.button.name", { href: "#/dlms/" + meter.id }, el("b", meter.serial), " ", meter.name);
    const last = meter.good_time ? minutes(meter.good_time) : t("dlms.state.never");
    return [link, placeText(app, meter), sinceText(app, meter), last];
  }

  /** Made anew each time, for bars have widths of their own. */
  function show({ ports }) {
    const { status } = app;
    const used = ports.filter(({ all }) => all);
    tree.replaceChildren(
      el(
        "div.tree",
        el("p.node", el("strong", status.model_type), " ", status.serial_number),
        used.length ? el("ul.branches", used.map(branch)) : el("p.muted", t("dlms.none.all")),
      ),
      el("p.parts", PARTS.map((part) => el("span", el("i.bar-" + part), t("dlms.list." + part)))),
    );
  }

  function branch(port) {
    const told = PARTS.filter((part) => port[part]).map((part) => `${t("dlms.list." + part)}: ${port[part]}`);
    if (port.black) told.push(`${t("dlms.list.black")}: ${port.black}`);
    const bar = el("div.bar", { "aria-hidden": "true" });
    for (const part of PARTS) bar.appendChild(el("i.bar-" + part)).style.flexGrow = port[part];
    return el(
      "li",
      el("p", el("strong", t("dlms.port." + port.port)), ` ${port.all} `, !port.is_on && el("span.mark.warn", t("dlms.is_off"))),
      bar,
      el("p.muted", told.join(" · ")),
    );
  }
}

/** The way to a meter that is searched for, and whether it can be reached. */
function finder(app) {
  const { el, t } = app;
  const input = el("input", { type: "search", name: "search", autocomplete: "off", spellcheck: "false" });
  const found = el("div", { role: "status" });
  return el(
    "form.card",
    { onsubmit: find },
    el("h2", t("dlms.reach")),
    el("div.searchbar", app.field(app, t("dlms.search"), input, t("dlms.search_hint")), el("button.primary", { type: "submit" }, t("dlms.find"))),
    found,
  );

  async function find(event) {
    event.preventDefault();
    app.complain();
    try {
      const { meters, next } = await app.api(`${PATH}?count=${MOST}&search=${encodeURIComponent(input.value.trim())}`);
      found.replaceChildren(
        ...(meters.length ? meters.map(way) : [el("p", t("dlms.none_found"))]),
        next === null ? "" : el("p.muted", t("dlms.more_found", { n: MOST })),
      );
    } catch (error) {
      app.complain(error);
    }
  }

  function way(meter) {
    const last = meter.good_time && t("dlms.read_at", { time: minutes(meter.good_time) });
    const ask = app.may("write") && stateOf(meter) !== "off";
    return el(
      "div.way",
      el(
        "p.chain",
        [app.status.serial_number || "OpenSG", placeText(app, meter), nameOf(meter)].map((part, at) => [at > 0 && " → ", el("span.node", part)]),
      ),
      el("p", marks(app, meter), [sinceText(app, meter), last].filter(Boolean).join("; ")),
      el(
        "div.actions",
        el("a.button", { href: "#/dlms/" + meter.id }, t("dlms.details")),
        ask && el("button", { type: "button", onclick: () => readNow(app, meter) }, t("dlms.read_now")),
      ),
    );
  }
}
