/** A question before something that cannot be undone. */

/** Return whether the user agreed; `action` is the word on the button that does it. */
export function confirmed({ el, t }, question, action) {
  return new Promise((answer) => {
    const close = (value) => () => dialog.close(value);
    const dialog = el(
      "dialog",
      { "aria-labelledby": "question" },
      el("p", { id: "question" }, question),
      el(
        "div.actions",
        el("button", { type: "button", onclick: close("") }, t("cancel")),
        el("button.danger", { type: "button", onclick: close("yes") }, action),
      ),
    );
    dialog.addEventListener("close", () => {
      dialog.remove();
      answer(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
