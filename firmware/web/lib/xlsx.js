/** Makes an XLSX file, a ZIP of XML parts, of one table. Source: ECMA-376, SpreadsheetML. */

import { strToU8, zipSync } from "fflate";

const SCHEMAS = "http:/" + "/schemas.openxmlformats.org/"; // a name: nothing is asked there
const MAIN = SCHEMAS + "spreadsheetml/2006/main";
const PACKAGE = SCHEMAS + "package/2006/";
const OFFICE = SCHEMAS + "officeDocument/2006/relationships";
const CONTENT = "application/vnd.openxmlformats-officedocument.spreadsheetml.";
const DAY_S = 86400;
const DAYS_1900 = 25569; // from 30.12.1899 to 01.01.1970

const escaped = (text) => text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
const part = (text) => strToU8('<?xml version="1.0" encoding="UTF-8" standalone="yes"?>' + text);
const relations = (type, target) =>
  part(`<Relationships xmlns="${PACKAGE}relationships">${type.map((name, at) => `<Relationship Id="r${at}" Type="${OFFICE}/${name}" Target="${target[at]}"/>`).join("")}</Relationships>`);

function cell(value) {
  if (value === null || value === undefined) return "<c/>";
  if (value instanceof Date) return `<c s="1"><v>${value / 1000 / DAY_S + DAYS_1900}</v></c>`;
  if (typeof value === "number") return `<c><v>${value}</v></c>`;
  return `<c t="inlineStr"><is><t>${escaped(value)}</t></is></c>`;
}

/** Return the bytes. `rows`: lists of texts, numbers, null, and Dates whose UTC is what is to be read; the first names the columns. */
export function xlsx(title, rows) {
  const sheet = rows.map((cells) => `<row>${cells.map(cell).join("")}</row>`).join("");
  const override = (name, type) => `<Override PartName="/xl/${name}.xml" ContentType="${CONTENT}${type}+xml"/>`;
  return zipSync({
    "[Content_Types].xml": part(
      `<Types xmlns="${PACKAGE}content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>` +
        `${override("workbook", "sheet.main")}${override("sheet", "worksheet")}${override("styles", "styles")}</Types>`,
    ),
    "_rels/.rels": relations(["officeDocument"], ["xl/workbook.xml"]),
    "xl/workbook.xml": part(
      `<workbook xmlns="${MAIN}" xmlns:r="${OFFICE}"><sheets><sheet name="${escaped(title.replace(/[\\/?*[\]:]/g, " ").slice(0, 31))}" sheetId="1" r:id="r0"/></sheets></workbook>`,
    ),
    "xl/_rels/workbook.xml.rels": relations(["worksheet", "styles"], ["sheet.xml", "styles.xml"]),
    "xl/styles.xml": part(
      `<styleSheet xmlns="${MAIN}"><fonts count="1"><font/></fonts><fills count="1"><fill><patternFill/></fill></fills><borders count="1"><border/></borders>` +
        '<cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="2"><xf/><xf numFmtId="22" applyNumberFormat="1"/></cellXfs>' +
        '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>',
    ),
    "xl/sheet.xml": part(
      `<worksheet xmlns="${MAIN}"><cols><col min="1" max="2" width="17" customWidth="1"/></cols><sheetData>${sheet}</sheetData></worksheet>`,
    ),
  });
}
