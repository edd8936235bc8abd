/** The form of a meter in a list: what the gateway is to know to read it. */

/**
 * A form of the fields that the gateway has of a meter; `kind`: what their texts begin with. `send(values)` gets what was
 * changed; errors it throws are shown at their controls. `more`: a node in the place of the fields that each meter has of its own.
 */
export function meterForm(app, kind, fields, meter, send, more) {
  const { el, t } = app;
  const rows = fields.filter(({ name }) => !more || (name !== "address" && name !== "name"));
  const values = {};
  const control = (row) => {
    const { name } = row;
    const present = row.secret ? { set: meter?.[name + "_set"] } : (meter?.[name] ?? row.default);
    return app.settingField(app, { ...row, name: `${kind}.${name}` }, name, present, undefined, (value) => {
      if (value === undefined) delete values[name];
      else values[name] = value;
    });
  };
  const alert = el("p.error", { role: "alert" });
  const button = el("button.primary", { type: "submit" }, t(meter ? "settings.save" : kind + ".add"));
  const form = el(
    "form",
    { novalidate: true, onsubmit: submitted },
    more && el("section.card", more),
    el("fieldset.card", el("legend", t(kind + ".fields")), rows.map(control)),
    alert,
    el("div.actions", button),
  );
  return form;

  async function submitted(event) {
    event.preventDefault();
    alert.textContent = "";
    const faults = {};
    for (const row of rows) if (row.name in values) faults[row.name] = app.wrong(app, row, values[row.name]) || undefined;
    app.showErrors(form, faults, String);
    if (Object.values(faults).some(Boolean)) return;
    button.disabled = true;
    try {
      await send(values);
    } catch (error) {
      if (error.handled) return;
      alert.textContent = (error.data?.errors ? app.showErrors(form, error.data.errors, app.sentence) : [error.message]).join("; ");
    } finally {
      button.disabled = false;
    }
  }
}
