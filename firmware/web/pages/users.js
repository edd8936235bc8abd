/** Users and roles: a script of its own, loaded when it is opened; what it shares with other pages is handed to it. */

import { confirmed } from "./dialog.js";
import { field, form } from "./field.js";
import { table } from "./table.js";

export default async function mount(view, app) {
  if (!(await app.needs("users"))) return;
  const { default: show } = await import("/lib/users.js");
  return show(view, { ...app, confirmed, field, form, table });
}
