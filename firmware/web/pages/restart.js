/** Restart the gateway; wait until it answers again, then start the pages anew. */

import { confirmed } from "./dialog.js";

const DOWN_MS = 4000; // it still answers while it says goodbye
const TRY_MS = 2000;
const LONG_MS = 60000;

/** Called before the page opens: while the gateway restarts there is nobody to ask for a module. */
export async function restart(app) {
  if (!(await confirmed(app, app.t("restart.sure"), app.t("restart.now")))) return;
  try {
    await app.api("/api/restart", { method: "POST" });
    location.hash = "#/restart";
  } catch (error) {
    app.complain(error);
  }
}

export default async function mount(view, app) {
  const { el, t } = app;
  const hint = el("p.muted", { hidden: true }, t("restart.long"));
  view.append(el("p.note", { role: "status" }, t("restart.waiting")), hint);
  const begun = performance.now();
  let timer = setTimeout(attempt, DOWN_MS);

  async function attempt() {
    hint.hidden = performance.now() - begun < LONG_MS;
    try {
      await fetch("/api/status", { cache: "no-store", signal: AbortSignal.timeout(TRY_MS) });
      location.replace("#/status");
      location.reload();
    } catch {
      timer = setTimeout(attempt, TRY_MS);
    }
  }

  return () => clearTimeout(timer);
}
