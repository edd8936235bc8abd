/** DLMS meters: a script and a style of their own, loaded when they are opened; what they share with other pages is handed over. */

import { hatch } from "./chart.js";
import { confirmed } from "./dialog.js";
import { field, showErrors } from "./field.js";
import { save } from "./file.js";
import { settingField, wrong } from "./setting.js";
import { table } from "./table.js";

export default async function mount(view, app) {
  if (!(await app.needs())) return;
  const { default: show } = await import("/lib/dlms.js");
  return show(view, { ...app, confirmed, field, hatch, save, settingField, showErrors, table, wrong });
}
