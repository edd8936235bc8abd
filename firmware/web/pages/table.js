/** Tables that turn into blocks, with a label before each value, where the page is narrow. */

const FEW = 2; // columns that fit everywhere

/**
 * `columns`: [title, class] each: "number" for values, "whole" for what needs all of a narrow page. `rows`: lists of cells, of
 * which the first names the row.
 */
export function table({ el }, columns, rows, caption) {
  const head = ([title, look]) => (title ? el("th" + dotted(look), { scope: "col" }, title) : el("td"));
  return el(
    columns.length > FEW ? "table.stack" : "table",
    { role: "table" },
    caption,
    columns.some(([title]) => title) && el("thead", el("tr", columns.map(head))),
    el(
      "tbody",
      rows.map((cells) => row({ el }, columns, cells)),
    ),
  );
}

export function row({ el }, columns, [name, ...cells]) {
  const cell = (content, at) => el("td" + dotted(columns[at + 1][1]), { "data-label": content && columns[at + 1][0] }, content);
  return el("tr", { "data-key": name }, el("th", { scope: "row" }, name), cells.map(cell));
}

const dotted = (look) => (look ? "." + look : "");
