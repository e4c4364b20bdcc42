import type { OptionsOf, RecordSchema } from "../../../model/declarations.ts";
import { parseJson, type SourceRecord } from "../../json/document.ts";
import type { FilePosition } from "../../source.ts";
import { coerce, schemaTypesOf } from "../csv/coerce.ts";
import { type Spelling, spellingOf } from "../csv/spellings.ts";
import { type Cell, type CellError, cellText, isError } from "./cells.ts";

type XlsxOptions = OptionsOf<"xlsx">;

/** What a record is made of: what lands of its cells by field, and what a JSON Schema judges them by. */
interface Fields {
  readonly value: Record<string, unknown>;
  /** Of a field without a column JSON that tells a number from a text: it may get one, and is read again then. */
  readonly texts: ReadonlyMap<string, string>;
}

/** Makes fields of cells. */
export interface SheetFields {
  /** `problem`: why there is no record. */
  of(names: readonly string[], cells: readonly Cell[]): Fields | { readonly problem: string };
}

export function readCells(options: XlsxOptions, { columns, schema }: RecordSchema): SheetFields {
  const nulls = new Set([options.null].flat());
  const properties = (schema.properties ?? {}) as Readonly<Record<string, unknown>>;
  const types = new Map(columns.map(({ name }) => [name, schemaTypesOf(properties[name])]));
  const spellings = new Map(columns.map((column) => [column.name, spellingOf(options, column)]));
  return {
    of(names, cells) {
      const value: Record<string, unknown> = Object.create(null);
      const texts = new Map<string, string>();
      const problems: string[] = [];
      for (const [at, cell] of cells.entries()) {
        const name = names[at]!;
        const text = textOf(cell, nulls, spellings.get(name));
        if (text === null) continue;
        if (typeof text === "object") problems.push(`${name}: ${text.problem}`);
        else {
          texts.set(name, types.has(name) ? text : cellJson(cell!));
          value[name] = coerce(text, types.get(name) ?? []);
        }
      }
      return problems.length ? { problem: problems.join("; ") } : { value, texts };
    },
  };
}

function textOf(
  cell: Cell,
  nulls: ReadonlySet<string>,
  spelling: Spelling | undefined,
): string | null | { readonly problem: string } {
  if (isError(cell)) return nulls.has(cell.error) ? null : { problem: `is ${cell.error}` };
  const text = cellText(cell);
  if (typeof cell !== "string") return text;
  if (nulls.has(cell)) return null;
  if (!spelling || ISO.test(cell)) return text;
  return spelling.read(cell) ?? { problem: `is not ${spelling.words}` };
}

/** Dates of the sheet itself are written so. */
const ISO = /^\d{4}-\d\d-\d\d(?: |$)/;

/** A row as JSON, by which it can be read again: errors are objects. */
export function cellsText(names: readonly string[], cells: readonly Cell[]): string {
  const fields = cells.flatMap((cell, at) => (cell === null ? [] : [`${JSON.stringify(names[at])}:${cellJson(cell)}`]));
  return `{${fields.join(",")}}`;
}

function cellJson(cell: Exclude<Cell, null>): string {
  return typeof cell === "object" && !isError(cell) ? cell.number : JSON.stringify(cell);
}

export function cellsRecord(
  { value, texts }: Fields,
  place: FilePosition & { readonly position: string; readonly text: () => string },
): SourceRecord & FilePosition {
  return {
    ...place,
    value,
    hasTexts: true,
    fieldText: (name) => texts.get(name),
  };
}

/** The record of a row that was rejected, or of those of its cells that had no column; `problem`: why there is still none. */
export function recordOfText(
  text: string,
  options: XlsxOptions,
  schema: RecordSchema,
): SourceRecord | { readonly problem: string } {
  const { value, source } = parseJson(text);
  const names = Object.keys(value as object);
  const cells = names.map((name): Cell => {
    const cell = (value as Record<string, string | boolean | null | number | CellError>)[name]!;
    return typeof cell === "number" ? { number: source.fields().get(name)!.text } : cell;
  });
  const fields = readCells(options, schema).of(names, cells);
  return "problem" in fields ? fields : cellsRecord(fields, { position: "", text: () => text });
}
