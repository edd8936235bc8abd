/** One setting: its control, made from its row of the schema. */

import { field } from "./field.js";

const ZONES = "UTC,Europe/Istanbul,Europe/Ljubljana,Europe/London,Europe/Berlin,Europe/Athens".split(",");

/**
 * Return the field of a row. `name`: the row's with its number filled in; `value`: as it is saved; `draft`: as it is to
 * become, undefined if it is not to change; `change(value)` is told of every input.
 */
export function settingField(app, row, name, value, draft, change) {
  const { el, t } = app;
  const make = { choice, flag, int, zone }[row.kind] || text;
  const input = row.secret ? secret(app, row, name, value, draft, change) : make(app, row, name, draft ?? value, change);
  const label = [t("setting." + row.name, {}, row.meaning), row.restart && el("small.muted", ` (${t("setting.restart")})`)];
  const node = field(app, label, input, t("hint." + row.name, {}, ""));
  node.classList.toggle("changed", draft !== undefined);
  return node;
}

/** What is wrong with a value, in the user's words; "" if nothing is. The gateway checks again, and more. */
export function wrong({ t }, row, value) {
  if (row.kind === "int") {
    return Number.isInteger(value) && value >= row.from && value <= row.to ? "" : t("error.range", row);
  }
  return row.most && new TextEncoder().encode(value).length > row.most ? t("error.bytes", row) : "";
}

function text({ el }, row, name, value, change) {
  return el("input", {
    name,
    value,
    autocomplete: "off",
    spellcheck: "false",
    inputmode: row.kind === "ip" && "decimal",
    oninput: (event) => change(event.target.value),
  });
}

function int({ el }, row, name, value, change) {
  return el("input", {
    name,
    value,
    type: "number",
    inputmode: "numeric",
    min: row.from,
    max: row.to,
    step: 1,
    oninput: ({ target }) => change(target.value === "" ? "" : Number(target.value)),
  });
}

function zone(app, row, name, value, change) {
  const input = text(app, row, name, value, change);
  input.setAttribute("list", name + "-list");
  return app.el(
    "span",
    input,
    app.el(
      "datalist",
      { id: name + "-list" },
      ZONES.map((value) => app.el("option", { value })),
    ),
  );
}

function choice({ el, t }, row, name, value, change) {
  return el(
    "select",
    { name, onchange: ({ target }) => change(Number(target.value)) },
    row.choices.map(([number, word]) =>
      el("option", { value: number, selected: number === value }, t("choice." + word, {}, word)),
    ),
  );
}

function flag({ el }, row, name, value, change) {
  return el("input", {
    name,
    type: "checkbox",
    checked: value === 1,
    onchange: ({ target }) => change(target.checked ? 1 : 0),
  });
}

/** Only whether it is set is known: leave it, give a new one, or clear it. */
function secret({ el, t }, row, name, value, draft, change) {
  const input = el("input", { name, type: "password", autocomplete: "new-password", oninput: () => change(input.value) });
  const button = (key, act) => el("button", { type: "button", onclick: act }, t(key));
  const keep = button("secret.keep", () => become(undefined));
  const become = (wish) => {
    hold(wish);
    change(wish);
  };
  const hold = (wish, isOpen = Boolean(wish)) => {
    input.value = wish || "";
    input.readOnly = !isOpen;
    input.placeholder = isOpen ? "" : t(wish === "" ? "secret.cleared" : value.set ? "secret.set" : "secret.unset");
    keep.hidden = !isOpen && wish === undefined;
  };
  hold(draft);
  return el(
    "div.secret",
    input,
    button(value.set ? "secret.change" : "secret.give", () => {
      hold(undefined, true);
      input.focus();
    }),
    value.set && button("secret.clear", () => become("")),
    keep,
  );
}
