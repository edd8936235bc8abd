/**
 * The settings, page by page as the gateway's schema has them. What is changed is kept here until it is saved or discarded,
 * whatever page is looked at meanwhile; only that is sent.
 */

import { accessCard, tunnelCard } from "./access.js";
import { mark, showErrors } from "./field.js";
import { linkCards } from "./links.js";
import { settingField, wrong } from "./setting.js";
import { numbered, isInUse } from "./schema.js";

const FEW = 4; // an indexed table of more than so many shows only what is in use

let saved = null; // the gateway's answer
const draft = new Map(); // name: value to save
const added = new Set(); // "page/number" of what the user has added and not yet filled in
let pending = null; // errors to show on the page that is about to open

addEventListener("beforeunload", (event) => draft.size && event.preventDefault());

export default async function mount(view, app) {
  if (!(await app.needs())) return;
  const { el, t } = app;
  if (!saved || !draft.size) saved = await app.api("/api/settings");
  const mayChange = app.may("write");
  const pages = [...new Set(saved.pages.map(({ page }) => page))];
  const page = pages.includes(app.arg) ? app.arg : pages[0];
  const rowOf = (wanted) => numbered(saved.pages).find(({ name }) => name === wanted);

  const tabs = el("nav.tabs", { "aria-label": t("settings.pages") });
  const form = el("form", { novalidate: true, onsubmit: save });
  const fields = form.appendChild(el("fieldset.bare", { disabled: !mayChange }));
  const bar = form.appendChild(el("div.savebar", { hidden: !mayChange }));
  const count = bar.appendChild(el("span", { role: "status" }));
  const discardButton = bar.appendChild(el("button", { type: "button", onclick: discard }, t("settings.discard")));
  const saveButton = bar.appendChild(el("button.primary", { type: "submit" }, t("settings.save")));
  const conflict = el(
    "div.note",
    { role: "alert", hidden: true },
    el("span", t("settings.conflict")),
    el("button", { type: "button", onclick: reload }, t("settings.reload")),
  );
  view.append(tabs, mayChange ? "" : el("p.note.plain", t("settings.readonly")), conflict);
  if (page === "Modbus") view.append(accessCard(app, mayChange));
  if (HAS.tunnel && page === "Transparent port") view.append(tunnelCard(app, mayChange));
  if (page === "Communication") view.append(linkCards(app, mayChange));
  view.append(form);
  showFields();
  showChanges();

  function showFields() {
    fields.replaceChildren(
      ...saved.pages
        .filter((entry) => entry.page === page)
        .map((entry) => (entry.count ? numberedGroups(entry) : [group(entry, 0)]))
        .flat(),
    );
  }

  /** A card with the rows of one entry, # standing for `number`. */
  function group(entry, number) {
    const title = number
      ? t("section." + page, { n: number }, `${page} {n}`)
      : t("card." + page, {}, t("page." + page, {}, page));
    return el(
      "fieldset.card",
      el("legend", title),
      entry.rows.map((row) => {
        const name = row.name.replace("#", number);
        const heading = t("heading." + row.name, {}, "");
        const node = settingField(app, row, name, saved.values[name], draft.get(name), (value) =>
          changed(row, name, value, node),
        );
        return [heading && el("h2", heading), node];
      }),
    );
  }

  function numberedGroups(entry) {
    const numbers = [...Array(entry.count).keys()].map((index) => index + 1);
    const isShown = (number) =>
      entry.count <= FEW || added.has(`${page}/${number}`) || isInUse(entry, number, saved.values, draft);
    const free = numbers.filter((number) => !isShown(number));
    const title = (number) => t("section." + page, { n: number }, `${page} {n}`);
    const select = el(
      "select",
      { "aria-label": t("settings.which") },
      free.map((number) => el("option", { value: number }, title(number))),
    );
    const add = () => {
      added.add(`${page}/${select.value}`);
      const legend = title(select.value);
      showFields();
      [...fields.querySelectorAll("legend")]
        .find((node) => node.textContent === legend)
        .parentNode.querySelector("select, input")
        .focus();
    };
    return [
      ...numbers.filter(isShown).map((number) => group(entry, number)),
      free.length && mayChange
        ? el("div.actions", select, el("button", { type: "button", onclick: add }, t("settings.add")))
        : "",
    ];
  }

  /** The control of `name` holds `value` now; undefined: what is saved. */
  function changed(row, name, value, node) {
    const present = row.secret ? undefined : saved.values[name];
    if (value === present || String(value) === String(present)) draft.delete(name);
    else draft.set(name, value);
    node.classList.toggle("changed", draft.has(name));
    mark(node.querySelector("[name]"), value === undefined ? "" : wrong(app, row, value));
    showChanges();
  }

  function showChanges() {
    app.draw(count, draft.size ? t("settings.unsaved", { n: draft.size }) : t("settings.unchanged"));
    saveButton.disabled = discardButton.disabled = !draft.size;
    const touched = new Set([...draft.keys()].map((name) => rowOf(name)?.page));
    const tab = (href, text, isHere, hasDraft) =>
      el(
        "a",
        { href, "aria-current": isHere && "page" },
        text,
        hasDraft && el("span", " •", el("span.unseen", t("settings.has_changes"))),
      );
    app.draw(
      tabs,
      pages.map((name) =>
        tab("#/settings/" + encodeURIComponent(name), t("page." + name, {}, name), name === page, touched.has(name)),
      ),
      HAS.iec62056 && mayChange && tab("#/iec", t("nav.iec")),
      tab("#/backup", t("nav.backup")),
      tab("#/password", t("nav.password")),
      HAS.roles && app.may("users") && tab("#/users", t("nav.users")),
      tab("#/reset", t("nav.reset")),
    );
  }

  async function save(event) {
    event.preventDefault();
    if (!draft.size) return;
    const faults = [...draft].map(([name, value]) => [name, wrong(app, rowOf(name).row, value)]).filter(([, fault]) => fault);
    if (faults.length) return showFaults(Object.fromEntries(faults));
    saveButton.disabled = true;
    try {
      const sent = Object.fromEntries(draft);
      const answer = await app.api("/api/settings", { method: "PATCH", body: { ...sent, revision: saved.revision } });
      for (const [name, value] of Object.entries(sent))
        saved.values[name] = rowOf(name).row.secret ? { set: value !== "" } : value;
      saved.revision = answer.revision;
      draft.clear();
      conflict.hidden = true;
      app.showStatus({ ...app.status, restart_needed: answer.restart_needed });
      app.complain();
      app.say(t("settings.saved"));
      showFields();
    } catch (error) {
      if (error.status === 422) showFaults(error.data.errors);
      else if (error.status === 409) conflict.hidden = false;
      else app.complain(error);
    }
    showChanges();
  }

  /** Errors at their fields; if none of them is on this page, go to the page of the first. */
  function showFaults(errors) {
    const names = Object.keys(errors);
    const isHere = names.some((name) => form.elements.namedItem(name));
    if (!isHere && rowOf(names[0])) {
      pending = errors;
      location.hash = "#/settings/" + encodeURIComponent(rowOf(names[0]).page);
      return;
    }
    const elsewhere = showErrors(form, errors, app.sentence);
    if (elsewhere.length) app.complain(new Error(elsewhere.join("; ")));
  }

  function discard() {
    draft.clear();
    added.clear();
    conflict.hidden = true;
    showFields();
    showChanges();
  }

  /** Get what somebody else has saved; what was changed here stays to be saved. */
  async function reload() {
    try {
      saved = await app.api("/api/settings");
    } catch (error) {
      return app.complain(error);
    }
    conflict.hidden = true;
    showFields();
    showChanges();
  }

  const errors = pending;
  pending = null;
  if (errors) showFaults(errors);
}
