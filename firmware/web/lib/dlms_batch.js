/** Lists of DLMS meters as a file or pasted: taken with a bar, what was refused with the reasons; export; an empty table. */

import { PATH } from "./dlms_words.js";

const BATCH = "/api/dlms_batch";
const LOOK_MS = 700;
const MOST_BYTES = 1 << 20;
const TOLD = 100; // refusals that the gateway tells

export async function batchPage(view, app) {
  const { el, t } = app;
  const { fields } = await app.api(PATH + "?count=0");
  const names = fields.map(({ name }) => name);
  const mayChange = app.may("write");
  view.append(
    el(
      "section.card",
      el("h2", t("dlms.export")),
      el("p", t("dlms.export_hint")),
      el(
        "div.actions",
        el("a.button", { href: PATH + ".csv", download: "meters.csv" }, t("dlms.export_csv")),
        el("button", { type: "button", onclick: () => app.save("meters-empty.csv", names.join(";") + "\r\n") }, t("dlms.template")),
      ),
    ),
    mayChange ? importForm(app, fields) : el("p.note.plain", t("dlms.batch_login")),
    el("details.card", el("summary", t("dlms.columns")), el("div.wide", fieldTable(app, fields))),
  );
}

function fieldTable(app, fields) {
  const { t } = app;
  const range = ({ kind, choices, from, to, most }) => {
    if (kind === "choice") return choices.map(([number, word]) => `${number} ${t("choice." + word, {}, word)}`).join(", ");
    if (kind === "flag") return "0, 1";
    return kind === "int" ? `${from}–${to}` : t("dlms.letters", { n: most });
  };
  const columns = [[t("dlms.column")], [t("dlms.meaning"), "whole"], [t("dlms.values_of"), "whole"]];
  return app.table(app, columns, fields.map((field) => [field.name, t("setting.dlms." + field.name, {}, field.meaning), range(field)]));
}

function importForm(app, fields) {
  const { el, t } = app;
  const file = el("input", { type: "file", accept: ".csv,.txt,.json,.jsonl,text/csv", onchange: chosen });
  const text = el("textarea", { name: "list", rows: 8, spellcheck: "false", autocapitalize: "off" });
  const button = el("button.primary", { type: "submit" }, t("dlms.import"));
  const alert = el("p.error", { role: "alert" });
  const report = el("div", { role: "status" });
  return el(
    "form.card",
    { onsubmit: send },
    el("h2", t("dlms.import")),
    el("p", t("dlms.import_hint")),
    app.field(app, t("dlms.file"), file),
    app.field(app, t("dlms.paste"), text),
    alert,
    el("div.actions", button),
    report,
  );

  async function chosen() {
    if (file.files.length) text.value = await file.files[0].text();
  }

  async function send(event) {
    event.preventDefault();
    alert.textContent = "";
    const content = text.value.trim();
    const body = new Blob([content, "\n"]);
    if (!content) return (alert.textContent = t("dlms.import_empty"));
    if (body.size > MOST_BYTES) return (alert.textContent = t("dlms.import_long"));
    if (!(await app.needs("write"))) return;
    const lines = content.split("\n");
    button.disabled = true;
    let isOver = false;
    const showing = follow();
    try {
      const answer = await upload(app, body);
      isOver = true;
      await showing;
      showResult(answer, lines);
    } catch (error) {
      isOver = true;
      await showing;
      alert.textContent = error.message;
    }
    button.disabled = false;

    /** How far it is, until the answer is there. */
    async function follow() {
      let state = {};
      while (!isOver) {
        app.draw(report, progress(state, lines.length));
        await new Promise((done) => setTimeout(done, LOOK_MS));
        if (isOver) break;
        try {
          state = await app.request(BATCH);
        } catch {
          // none yet, or no connection: what comes of the upload tells
        }
      }
      app.draw(report);
    }
  }

  function progress({ running, lines = 0, added = 0, changed = 0, refusals = 0 }, count) {
    const done = running ? lines : 0;
    return [
      el("p", t("dlms.importing", { n: done, count, added, changed, refused: refusals })),
      el("progress", { max: count, value: done, "aria-label": t("dlms.import") }),
    ];
  }

  /** What was refused stays in the box, to be mended. */
  function showResult({ cause, added, changed, refusals, refused }, lines) {
    const columns = [[t("dlms.line")], [t("dlms.content"), "whole"], [t("dlms.why"), "whole"]];
    const rows = refused.map(({ line, reason }) => [String(line), el("code", shortened(lines[line - 1] || "")), reasonText(reason)]);
    app.draw(
      report,
      el("p.note" + (refusals || cause ? "" : ".plain"), t("dlms.imported", { added, changed, refused: refusals }), cause && ` ${app.sentence(cause)}`),
      refusals > TOLD && el("p", t("dlms.first_refused", { n: TOLD })),
      rows.length > 0 && app.table(app, columns, rows),
    );
    const head = lines[0].trim()[0] === "{" ? [] : [lines[0]];
    if (refusals <= TOLD) text.value = refused.length ? [...head, ...refused.map(({ line }) => lines[line - 1])].join("\n") : "";
    file.value = "";
  }

  function reasonText(reason) {
    const [, name, sentence] = reason.match(/^(\w+): (.+)$/) || [];
    const field = fields.find((row) => row.name === name);
    return field ? `${t("setting.dlms." + name, {}, field.meaning)}: ${app.sentence(sentence)}` : app.sentence(reason);
  }
}

const shortened = (line) => (line.length > 80 ? line.slice(0, 80) + "…" : line);

/** Not by app.api(): the page asks meanwhile how it goes. Raises Error in the user's words. */
async function upload(app, body) {
  let response, answer;
  try {
    response = await fetch(BATCH, { method: "POST", body });
    answer = await response.json();
  } catch {
    throw new Error(app.t("dlms.import_broken"));
  }
  if (!response.ok) throw new Error(app.sentence(answer.error));
  return answer;
}
