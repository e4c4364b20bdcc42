import type { CsvOptions } from "../../../model/declarations.ts";
import { UserError } from "../../../model/errors.ts";
import { ownValue } from "../../../model/own-value.ts";
import type { ScannedRecord } from "./scan.ts";

/** The text of one field, its quotes and escapes undone; null where it stands for NULL. */
export function cellText(record: ScannedRecord, field: number, options: CsvOptions): string | null {
  const { bytes, starts, ends, quoted } = record;
  if (!quoted[field]) {
    const text = bytes.toString("utf8", starts[field]!, ends[field]!);
    return text === options.null ? null : text;
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
export function recordText({ bytes, start, end }: ScannedRecord): string {
  return bytes.toString("utf8", start, end).replaceAll("\0", "\ufffd");
}

/**
 * The fields of a file, in its order, by its first record. White space around a name is none of it, unless a declared field
 * is called so.
 * @param declared fields of the record schema
 * @throws UserError for names that cannot be told apart.
 */
export function readHeader(record: ScannedRecord, options: CsvOptions, declared: readonly string[]): readonly string[] {
  const names = Array.from({ length: record.fields }, (_, field) => {
    const written = cellText(record, field, { ...options, null: "\0" }) ?? "";
    const name = declared.includes(written) ? written : written.trim();
    return ownValue(options.columns, name) ?? (name === "" ? `column_${field + 1}` : name);
  });
  const twice = record.problem ? undefined : names.find((name, index) => names.indexOf(name) !== index);
  if (record.problem === undefined && twice === undefined) return names;
  throw new UserError({
    message: twice === undefined ? `the header cannot be read: ${record.problem}` : `two columns are called "${twice}"`,
    found: `line ${record.line}: ${recordText(record).slice(0, 200)}`,
    hint:
      twice === undefined
        ? "check csv.delimiter, csv.quote, csv.encoding and csv.skipLines"
        : "csv.columns gives columns other names; two of one name cannot be told apart",
    exitCode: 1,
  });
}
