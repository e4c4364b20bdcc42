import { UserError } from "../../model/errors.ts";
import { xmlText } from "./cells.ts";

const XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';
const MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PACKAGE = "http://schemas.openxmlformats.org/package/2006";
const TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml";

/** Style of the header; those of columns follow. */
export const HEADER_STYLE = 1;
/** Of the first format. */
export const FIRST_STYLE = 2;
/** Formats of a workbook's own begin here. */
const FIRST_FORMAT = 164;

/** Characters that a sheet's name cannot have. */
const FORBIDDEN = /[[\]:*?/\\\0-\x1f]/g;
const MAX_NAME = 31;

/** The name as a sheet may have it. */
export function sheetName(wanted: string): string {
  const name = wanted.replace(FORBIDDEN, "_").replace(/^'|'$/g, "_").slice(0, MAX_NAME);
  return name.trim() === "" || /^history$/i.test(name) ? "Rows" : name;
}

/** @throws UserError for a name that a person gave and Excel refuses */
export function checkSheetName(name: string): void {
  if (sheetName(name) === name) return;
  throw new UserError({
    message: "a sheet cannot be called so",
    expected: `1 to ${MAX_NAME} characters, without [ ] : * ? / \\, and not History`,
    found: JSON.stringify(name),
  });
}

/** The name of the sheets of one export: the second has a number. */
export function nameOfSheet(name: string, number: number): string {
  const ending = number === 1 ? "" : ` (${number})`;
  return name.slice(0, MAX_NAME - ending.length) + ending;
}

export function partOfSheet(number: number): string {
  return `xl/worksheets/sheet${number}.xml`;
}

/** Everything beside the sheets. */
export function otherParts(names: readonly string[], formats: readonly string[]): ReadonlyMap<string, string> {
  const sheets = names.map((name, at) => ({ name, number: at + 1 }));
  const link = (id: string, type: string, target: string) =>
    `<Relationship Id="${id}" Type="${LINKS}/${type}" Target="${target}"/>`;
  const links = (content: string) => `${XML}<Relationships xmlns="${PACKAGE}/relationships">${content}</Relationships>`;
  const isOf = (part: string, type: string) => `<Override PartName="/${part}" ContentType="${TYPE}.${type}+xml"/>`;
  return new Map([
    [
      "xl/workbook.xml",
      `${XML}<workbook xmlns="${MAIN}" xmlns:r="${LINKS}"><sheets>${sheets
        .map(({ name, number }) => `<sheet name="${xmlText(name)}" sheetId="${number}" r:id="rId${number}"/>`)
        .join("")}</sheets></workbook>`,
    ],
    [
      "xl/_rels/workbook.xml.rels",
      links(
        sheets.map(({ number }) => link(`rId${number}`, "worksheet", `worksheets/sheet${number}.xml`)).join("") +
          link("styles", "styles", "styles.xml"),
      ),
    ],
    ["xl/styles.xml", styles(formats)],
    ["_rels/.rels", links(link("rId1", "officeDocument", "xl/workbook.xml"))],
    [
      "[Content_Types].xml",
      `${XML}<Types xmlns="${PACKAGE}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>${isOf("xl/workbook.xml", "sheet.main")}${isOf("xl/styles.xml", "styles")}${sheets
        .map(({ number }) => isOf(partOfSheet(number), "worksheet"))
        .join("")}</Types>`,
    ],
  ]);
}

function styles(formats: readonly string[]): string {
  const own = formats.map((format, at) => ({ format, id: FIRST_FORMAT + at }));
  const xf = (id: number, font: number) =>
    `<xf numFmtId="${id}" fontId="${font}" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"${font ? ' applyFont="1"' : ""}/>`;
  return `${XML}<styleSheet xmlns="${MAIN}"><numFmts count="${own.length}">${own
    .map(({ format, id }) => `<numFmt numFmtId="${id}" formatCode="${xmlText(format)}"/>`)
    .join(
      "",
    )}</numFmts><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font><font><b/><sz val="11"/><name val="Calibri"/></font></fonts><fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders><cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs><cellXfs count="${own.length + FIRST_STYLE}">${xf(0, 0)}${xf(0, 1)}${own.map(({ id }) => xf(id, 0)).join("")}</cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>`;
}

/** What comes before the rows of a sheet. `widths` are in characters. */
export function sheetBegin(widths: readonly number[]): string {
  const cols = widths
    .map((width, at) => `<col min="${at + 1}" max="${at + 1}" width="${width}" customWidth="1"/>`)
    .join("");
  return `${XML}<worksheet xmlns="${MAIN}"><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><cols>${cols}</cols><sheetData>`;
}

export const SHEET_END = "</sheetData></worksheet>";
