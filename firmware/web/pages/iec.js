/** The list of IEC 62056-21 meters: a script of its own, loaded when it is opened; what it shares with other pages is handed to it. */

import { confirmed } from "./dialog.js";
import { field, showErrors } from "./field.js";
import { save } from "./file.js";
import { settingField, wrong } from "./setting.js";
import { table } from "./table.js";

export default async function mount(view, app) {
  if (!(await app.needs("write"))) return;
  const { default: show } = await import("/lib/iec.js");
  return show(view, { ...app, confirmed, field, save, settingField, showErrors, table, wrong });
}
