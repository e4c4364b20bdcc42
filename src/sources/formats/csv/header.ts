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
  /** What to tell of keys of `columns` that no column is called, unless another key gave the same field: files of before had it. */
  readonly unmatched: readonly string[];
  /** A field that two columns are called. */
  readonly twice?: string;
}

/**
 * The fields of a file, by what its first record says. White space around a name is none of it, unless a declared field is called
 * so; nor are capital letters, unless another column has the very name. The second column called "amount" is "amount#2" in
 * `columns`.
 * @param columns the names that the declaration gives to columns
 * @param declared fields of the record schema
 */
export function namesOf(
  texts: readonly string[],
  columns: Readonly<Record<string, string>> | undefined,
  declared: readonly string[],
): Header {
  const seen = new Map<string, number>();
  const used = new Set<string>();
  const written = texts.map((text, field) => {
    const name = declared.includes(text) ? text : text.trim();
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    const key = [name, `${name}#${count}`].findLast((one) => ownValue(columns, one) !== undefined);
    if (key !== undefined) used.add(key);
    const called = key === undefined ? undefined : ownValue(columns, key);
    return called ?? (name === "" ? `column_${field + 1}` : name);
  });
  const names = written.map((name) => declaredName(name, written, declared));
  const given = new Set([...used].map((key) => ownValue(columns, key)));
  const unmatched = Object.entries(columns ?? {}).filter(([key, field]) => !used.has(key) && !given.has(field));
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  const told = unmatched.map(
    ([key, field]) =>
      `the header has no column "${key}"${names.includes(field) ? `: ${field} came by its own name` : ""}`,
  );
  return { names, unmatched: told, ...(twice === undefined ? {} : { twice }) };
}

/** The fields of a CSV file. @throws UserError for names that cannot be told apart */
export function readHeader(record: ScannedRecord, options: CsvOptions, declared: readonly string[]): Header {
  const texts = Array.from(
    { length: record.fields },
    (_, field) => cellText(record, field, { ...options, null: [] }) ?? "",
  );
  const header = namesOf(texts, options.columns, declared);
  const found = `line ${record.line}: ${recordText(record).slice(0, 200)}`;
  if (record.problem !== undefined)
    throw new UserError({
      message: `the header cannot be read: ${record.problem}`,
      found,
      hint: "check csv.delimiter, csv.quote, csv.encoding and csv.skipLines",
      exitCode: 1,
    });
  if (header.twice !== undefined) throw calledTwice(header.twice, found, "csv");
  return header;
}

/** Two columns of one name. `format` is where `columns` is said. */
export function calledTwice(name: string, found: string, format: string): UserError {
  return new UserError({
    message: `two columns are called "${name}"`,
    found,
    hint: `${format}.columns: { "${name}#2": ${name}_2 } gives the second one another name`,
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
