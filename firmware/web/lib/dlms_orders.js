/** What is wanted of one DLMS meter at once. It may take a minute, so the page goes on asking for other things meanwhile. */

import { PATH } from "./dlms_words.js";

const MOST_MS = 70000;

/**
 * Have `what` done: relay, clock, read, round. `body`: of a POST; without it the meter is only asked. Return the answer, its
 * numbers as the texts that they came as. Raises Error in the user's words.
 */
export async function order(app, id, what, body) {
  if (body && !(await app.needs("write"))) throw Object.assign(new Error(), { handled: true });
  const sent = body && { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" } };
  let response, text;
  try {
    response = await fetch(`${PATH}/${id}/${what}`, { cache: "no-store", signal: AbortSignal.timeout(MOST_MS), ...sent });
    text = await response.text();
  } catch {
    throw new Error(app.t("error.offline"));
  }
  if (response.ok) return text && exactly(text);
  let told = "";
  try {
    told = JSON.parse(text).error;
  } catch {
    // no words of the gateway
  }
  throw new Error(told ? app.sentence(told) : app.t("error.status", { status: response.status }));
}

/** JSON whose numbers become the texts that they came as, where the browser tells them: no digit is lost. */
export function exactly(text) {
  return JSON.parse(text, (key, value, { source } = {}) => (typeof value === "number" ? source || String(value) : value));
}

/** A button that has something done, and is locked meanwhile. What goes wrong is shown in `told`. */
export function orderButton({ el, t }, told, text, act, look = "") {
  const button = el("button" + look, { type: "button", onclick: done }, text);
  return button;

  async function done() {
    button.disabled = true;
    told.className = "";
    told.textContent = t("dlms.waiting");
    try {
      told.textContent = (await act()) || "";
    } catch (error) {
      told.className = "error";
      told.textContent = error.message;
    }
    button.disabled = false;
  }
}
