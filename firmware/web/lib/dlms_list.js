/** Lists of DLMS meters, a page at a time: all, those in contact or not, those on the black list. */

import { blackText, marks, minutes, nameOf, PATH, placeText, sinceText, stateOf } from "./dlms_words.js";

const PERIOD_MS = 15000;
const AT_ONCE = 50;
const TYPING_MS = 400;
export const LISTS = ["all", "contact", "out", "never", "off", "black"];
const chosen = { list: "all", search: "" }; // kept while other pages are looked at

/** Sum of the counts of all ports. */
export const total = ({ ports }, list) => ports.reduce((sum, port) => sum + port[list], 0);

export async function listPage(view, app) {
  const { el, t } = app;
  const counts = el("div.tiles", { role: "group", "aria-label": t("dlms.which") });
  const search = el("input", { type: "search", value: chosen.search, autocomplete: "off", spellcheck: "false", oninput: typed });
  const actions = el("div.actions");
  const notes = el("div");
  let summary,
    timer = 0;
  const box = el("section.card");
  const list = paged(app, box, () => chosen, row);
  view.append(notes, counts, app.field(app, t("dlms.search"), search, t("dlms.search_hint")), box, actions);
  app.poll(PERIOD_MS, PATH + "_summary", showCounts);
  await list.show();
  return () => clearTimeout(timer);

  function typed() {
    clearTimeout(timer);
    timer = setTimeout(() => {
      chosen.search = search.value.trim();
      list.show([0]);
    }, TYPING_MS);
  }

  function showCounts(answer) {
    summary = answer;
    const tile = (name) =>
      el(
        "button.tile",
        { type: "button", "data-key": name, "aria-pressed": String(chosen.list === name), onclick: () => choose(name) },
        el("strong", String(total(summary, name))),
        el("span", t("dlms.list." + name)),
      );
    app.draw(counts, LISTS.map(tile));
    const isFull = summary.meters >= summary.most;
    const mayChange = app.may("write");
    app.draw(
      actions,
      mayChange && !isFull && el("a.button.primary", { href: "#/dlms/new" }, t("dlms.new")),
      mayChange && el("a.button", { href: "#/dlms/batch" }, t("dlms.tab.batch")),
      isFull && el("span", t("dlms.full", { most: summary.most })),
    );
    const off = summary.ports.filter((port) => port.all && !port.is_on);
    app.draw(
      notes,
      off.length > 0 &&
        el(
          "p.note.plain",
          el(
            "span",
            t("dlms.port_off", { ports: off.map((port) => t(`dlms.port.${port.port}`)).join(", ") }),
            " ",
            el("a", { href: "#/settings" }, t("nav.settings")),
          ),
        ),
    );
  }

  function choose(name) {
    chosen.list = name;
    if (summary) showCounts(summary);
    list.show([0]);
  }

  function row(meter) {
    return [
      link(app, meter),
      placeText(app, meter),
      el("span", marks(app, meter), sinceText(app, meter)),
      meter.good_time ? minutes(meter.good_time) : "–",
    ];
  }
}

const link = ({ el }, meter) => el("a.button.name", { href: "#/dlms/" + meter.id }, el("b", meter.serial), " ", meter.name);

export async function blackPage(view, app) {
  const { el, t } = app;
  const box = el("section.card");
  const list = paged(app, box, () => ({ list: "black" }), row, ["dlms.meter", "dlms.place", "dlms.reason", "dlms.last_read", ""]);
  view.append(el("p", t("dlms.black_hint")), box);
  await list.show();

  function row(meter) {
    const mayAsk = app.may("write") && stateOf(meter) !== "off";
    const button = el("button", { type: "button", "data-key": "again" + meter.id, onclick: () => again(meter, button) }, t("dlms.again"));
    const last = meter.good_time ? minutes(meter.good_time) : t("dlms.state.never");
    return [link(app, meter), placeText(app, meter), blackText(app, meter), last, mayAsk ? button : ""];
  }

  async function again(meter, button) {
    if (await readNow(app, meter)) button.disabled = true;
  }
}

/** Have a meter read next; return whether that is being done. */
export async function readNow(app, meter) {
  app.complain();
  try {
    await app.api(`${PATH}/${meter.id}/round`, { method: "POST", body: {} });
    app.say(app.t("dlms.reading", { name: nameOf(meter) }));
    return true;
  } catch (error) {
    app.complain(error);
    return false;
  }
}

const HEADS = ["dlms.meter", "dlms.place", "certificates.status", "dlms.last_read"];

/**
 * Show in `box`, a page at a time and again and again, the meters that wanted() asks for, {list, search}; row(meter) gives the
 * cells. Return {show(starts)}: where each page up to the one to be shown begins.
 */
export function paged(app, box, wanted, row, heads = HEADS) {
  const { el, t } = app;
  const told = box.appendChild(el("p.muted", { role: "status" }));
  const listing = box.appendChild(el("div"));
  const pager = box.appendChild(el("div.actions"));
  const columns = heads.map((key, at) => [key && t(key), at === 2 ? "whole" : ""]);
  let starts = [0];
  const path = () => {
    const { list, search = "" } = wanted();
    return `${PATH}?from=${starts.at(-1)}&count=${AT_ONCE}&list=${list}&search=${encodeURIComponent(search)}`;
  };
  let path_shown;
  app.poll(PERIOD_MS, path, (answer) => path() === path_shown && draw(answer), PERIOD_MS);
  return { show };

  async function show(wish = starts) {
    starts = wish;
    const asked = (path_shown = path());
    listing.setAttribute("aria-busy", "true");
    try {
      app.complain();
      const answer = await app.api(asked);
      if (asked === path_shown) draw(answer); // else another one was asked for meanwhile
    } catch (error) {
      app.complain(error);
    }
    listing.removeAttribute("aria-busy");
  }

  function draw({ meters, next }) {
    const first = (starts.length - 1) * AT_ONCE;
    told.textContent = meters.length ? t("dlms.shown", { from: first + 1, to: first + meters.length }) : "";
    app.draw(
      listing,
      meters.length
        ? app.table(app, columns, meters.map(row))
        : el("p.muted", t(wanted().search ? "dlms.none_found" : "dlms.none." + wanted().list)),
    );
    const button = (key, isThere, to) =>
      el("button", { type: "button", "data-key": key + to, disabled: !isThere, onclick: () => turn(to) }, t(key));
    app.draw(
      pager,
      (starts.length > 1 || next !== null) && [
        button("dlms.before", starts.length > 1, starts.slice(0, -1)),
        button("dlms.next", next !== null, [...starts, next]),
      ],
    );
  }

  async function turn(to) {
    await show(to);
    box.scrollIntoView({ block: "start" });
  }
}
