/** Load profiles: a script of its own, loaded when it is opened; what it shares with other pages is handed to it. */

import { hatch } from "./chart.js";
import { save } from "./file.js";
import { table } from "./table.js";

export default async function mount(view, app) {
  const { default: show } = await import("/lib/profile.js");
  return show(view, { ...app, hatch, save, table });
}
