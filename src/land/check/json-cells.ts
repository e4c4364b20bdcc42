import type { RawColumn, RecordSchema } from "../../model/declarations.ts";
import type { SourceRecord } from "../../sources/json/document.ts";
import { baseOf, holdsJson } from "./field-types.ts";

const WHOLE_TYPES = /^(?:bigint|integer|smallint)$/;

/**
 * Whether a text of the source is what the column reads. In a column of JSON it is a string of JSON, unless the schema
 * knows nothing but texts: those are JSON themselves.
 */
export function readsText(column: RawColumn, { schema }: RecordSchema): boolean {
  const properties = (schema.properties ?? {}) as Readonly<Record<string, { readonly type?: unknown }>>;
  const types = [(Object.hasOwn(properties, column.name) && properties[column.name]!.type) || []].flat();
  return (
    !holdsJson(column) || (types.includes("string") && types.every((type) => type === "string" || type === "null"))
  );
}

/**
 * The text that a column reads for a field: digits as they are written, a list as the array that PostgreSQL writes.
 * @param asText what `readsText` says of the column
 */
export function jsonCell(
  value: Record<string, unknown>,
  record: SourceRecord,
  column: RawColumn,
  asText: boolean,
): string | null {
  const field = Object.hasOwn(value, column.name) ? value[column.name] : undefined;
  if (field === undefined || field === null) return null;
  if (record.hasTexts) return record.fieldText(column.name)!;
  if (typeof field === "string" && asText) return field;
  if (typeof field === "boolean") return field ? "true" : "false";
  if (typeof field === "number") {
    const text = record.exact ? String(field) : record.fieldText(column.name)!;
    return WHOLE_TYPES.test(baseOf(column)) ? wholeNumber(text) : text;
  }
  const text = record.fieldText(column.name)!;
  return Array.isArray(field) && baseOf(column).endsWith("[]") ? arrayText(text) : text;
}

/**
 * 1.0 and 1e2 are whole numbers in JSON, and no text that an integer column reads. Any other text stays as it is, for the
 * server to refuse.
 */
export function wholeNumber(text: string): string {
  if (/^-?\d+$/.test(text)) return text;
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,3}))?$/.exec(text);
  if (!match) return text;
  const [, sign, whole, fraction = "", exponent = "0"] = match;
  const digits = `${whole}${fraction}`;
  const point = whole!.length + Number(exponent);
  if (/[1-9]/.test(digits.slice(Math.max(point, 0)))) return text;
  const number = digits
    .slice(0, Math.max(point, 0))
    .padEnd(point, "0")
    .replace(/^0+(?=\d)/, "");
  return number === "" || number === "0" ? "0" : `${sign}${number}`;
}

const TOKEN = /"(?:[^"\\]|\\.)*"|[[\],]|[^\s[\],"{]+|\{/g;

/** A list of JSON as PostgreSQL's text of an array. An object in it stays JSON, for the elements may be. */
export function arrayText(json: string): string {
  let text = "";
  TOKEN.lastIndex = 0;
  for (let token = TOKEN.exec(json); token; token = TOKEN.exec(json)) {
    const [part] = token;
    if (part === "{") {
      const end = objectEnd(json, token.index);
      text += quoted(json.slice(token.index, end));
      TOKEN.lastIndex = end;
    } else if (part === "[") text += "{";
    else if (part === "]") text += "}";
    else if (part === "null") text += "NULL";
    else text += part.startsWith('"') ? quoted(JSON.parse(part) as string) : part;
  }
  return text;
}

function quoted(element: string): string {
  return `"${element.replace(/["\\]/g, "\\$&")}"`;
}

/** Where the object that begins there ends. */
function objectEnd(json: string, start: number): number {
  let depth = 0;
  for (const { 0: part, index } of json.slice(start).matchAll(/"(?:[^"\\]|\\.)*"|[{}]/g)) {
    if (part === "{") depth++;
    if (part === "}" && --depth === 0) return start + index + 1;
  }
  return json.length;
}
