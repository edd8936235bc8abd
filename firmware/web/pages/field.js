/** A control with its label, its hint and the place for its error. */

let count = 0;

/** `input` gets an id and names hint and error as its description. */
export function field({ el }, label, input, hint) {
  const id = `field${++count}`;
  const isCheck = input.type === "checkbox";
  const target = input.matches("input, select, textarea") ? input : input.querySelector("input");
  target.id = id;
  target.setAttribute("aria-describedby", `${id}-hint ${id}-error`);
  const name = el("label", { for: id }, label);
  return el(
    "div.field" + (isCheck ? ".check" : ""),
    isCheck ? [input, name] : [name, input],
    el("p.hint", { id: `${id}-hint`, hidden: !hint }, hint),
    el("p.error", { id: `${id}-error` }),
  );
}

/** Set or clear the error of one control. */
export function mark(input, error = "") {
  input.setAttribute("aria-invalid", Boolean(error));
  document.getElementById(input.id + "-error").textContent = error;
}

/**
 * Show `errors`, {name of a control: sentence}, below `root`, and clear the others. The first wrong control gets the focus.
 * Return the sentences whose control is not there.
 */
export function showErrors(root, errors, translated) {
  const left = { ...errors };
  let first;
  for (const input of root.querySelectorAll("[name]")) {
    const error = errors[input.name];
    mark(input, error && translated(error));
    if (error) first = first || input;
    delete left[input.name];
  }
  first?.focus();
  return Object.entries(left).map(([name, error]) => `${name}: ${translated(error)}`);
}

/**
 * A card with a form. `send(values)` is called with the values of its named controls; an ApiError it throws is shown, at
 * the controls if it has `errors`.
 */
export function form(app, title, controls, action, send) {
  const { el } = app;
  const button = el("button.primary", { type: "submit" }, action);
  const alert = el("p.error", { role: "alert" });
  const node = el(
    "form.card.narrow",
    { novalidate: true, onsubmit: submitted },
    title && el("h2", title),
    controls,
    alert,
    el("div.actions", button),
  );
  async function submitted(event) {
    event.preventDefault();
    button.disabled = true;
    alert.textContent = "";
    showErrors(node, {}, String);
    try {
      await send(Object.fromEntries(new FormData(node)), node, button);
    } catch (error) {
      if (error.handled) return;
      const left = error.data?.errors ? showErrors(node, error.data.errors, app.sentence) : [error.message];
      alert.textContent = left.join("; ");
    } finally {
      if (!button.dataset.locked) button.disabled = false;
    }
  }
  return node;
}
