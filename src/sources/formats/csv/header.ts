import type { CsvOptions } from "../../../model/declarations.ts";
import { UserError } from "../../../model/errors.ts";
import { ownValue } from "../../../model/own-value.ts";
import type { ScannedRecord } from "./scanned.ts";

/** The text of one field, its quotes and escapes undone; null where it stands for NULL. */
export function cellText(record: ScannedRecord, field: number, options: CsvOptions): string | null {
  const { bytes, starts, ends, quoted } = record;
  if (!quoted[field]) {
    const text = bytes.toString("utf8", starts[field]!, ends[field]!);
    return options.null.includes(text) ? null : text;
  }
  const text = bytes.toString("utf8", starts[field]! + 1, ends[field]! - 1);
  const { quote, escape: escaping } = options;
  if (!text.includes(escaping)) return text;
  if (escaping === quote) return text.replaceAll(quote + quote, quote);
  let plain = "";
  for (let at = 0; at < text.length; at++) {
    const next = text[at + 1];
    if (text[at] === escaping && (next === escaping || next === quote)) at++;
    plain += text[at];
  }
  return plain;
}

/** The whole record as the file has it, for people. */
export function recordText(record: ScannedRecord): string {
  const { bytes, start, end } = record.original ?? record;
  return bytes.toString("utf8", start, end).replaceAll("\0", "\ufffd");
}

/** What the first record of a file says. */
interface Header {
  /** The fields of the file, in its order. */
  readonly names: readonly string[];
  /** Keys of csv.columns that no column is called, and whose field the file does not have otherwise. */
  readonly unmatched: readonly string[];
}

/**
 * The fields of a file, by its first record. White space around a name is none of it, unless a declared field is called so;
 * nor are capital letters, unless another column has the very name. The second column called "amount" is "amount#2" in
 * csv.columns.
 * @param declared fields of the record schema
 * @throws UserError for names that cannot be told apart.
 */
export function readHeader(record: ScannedRecord, options: CsvOptions, declared: readonly string[]): Header {
  const seen = new Map<string, number>();
  const used = new Set<string>();
  const written = Array.from({ length: record.fields }, (_, field) => {
    const text = cellText(record, field, { ...options, null: [] }) ?? "";
    const name = declared.includes(text) ? text : text.trim();
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    const key = [name, `${name}#${count}`].findLast((one) => ownValue(options.columns, one) !== undefined);
    if (key !== undefined) used.add(key);
    const called = key === undefined ? undefined : ownValue(options.columns, key);
    return called ?? (name === "" ? `column_${field + 1}` : name);
  });
  const names = written.map((name) => declaredName(name, written, declared));
  const twice = record.problem ? undefined : names.find((name, index) => names.indexOf(name) !== index);
  if (record.problem === undefined && twice === undefined) {
    const unmatched = Object.entries(options.columns ?? {}).filter(
      ([key, field]) => !used.has(key) && !names.includes(field),
    );
    return { names, unmatched: unmatched.map(([key]) => key) };
  }
  throw new UserError({
    message: twice === undefined ? `the header cannot be read: ${record.problem}` : `two columns are called "${twice}"`,
    found: `line ${record.line}: ${recordText(record).slice(0, 200)}`,
    hint:
      twice === undefined
        ? "check csv.delimiter, csv.quote, csv.encoding and csv.skipLines"
        : `csv.columns: { "${twice}#2": ${twice}_2 } gives the second one another name`,
    exitCode: 1,
  });
}

/** The declared field that differs by capital letters alone, where it is one and no column has its very name. */
function declaredName(name: string, written: readonly string[], declared: readonly string[]): string {
  if (declared.includes(name)) return name;
  const lower = name.toLowerCase();
  const alike = declared.filter((field) => field.toLowerCase() === lower && !written.includes(field));
  return alike.length === 1 ? alike[0]! : name;
}
