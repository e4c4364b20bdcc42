import type { CsvOptions, RawColumn } from "../../../model/declarations.ts";
import { cellText } from "./header.ts";
import type { ScannedRecord } from "./scanned.ts";
import { type Spelling, spellingOf } from "./spellings.ts";

/** How records are written once they are respelled: what COPY, and every judge of a cell, reads. */
export function plainSpelling(options: CsvOptions): CsvOptions {
  return needsRespelling(options) ? { ...options, quote: '"', escape: '"', null: [""] } : options;
}

/** Whether cells of the file say what they mean in another way than PostgreSQL's. */
function needsRespelling({ quote, null: nulls, forceNull, decimal, thousands, dates }: CsvOptions): boolean {
  const said = forceNull || decimal !== undefined || thousands !== undefined || dates !== undefined;
  // COPY knows one text for NULL, which is compared by its bytes.
  const oneNull = nulls.length === 1 && /^[\x01-\x7f]*$/.test(nulls[0]!);
  return said || quote === "" || !oneNull;
}

type Respell = (record: ScannedRecord) => ScannedRecord;

/**
 * Returns what writes a record of the file in PostgreSQL's spelling: numbers with a point, ISO dates, nothing for NULL,
 * cells in double quotes where they need them. A cell that is not in the file's own spelling is the record's problem. What
 * it returns is valid until the next one, as a ScannedRecord is. Undefined where the file is in that spelling.
 * @param names of the file's columns, in its order
 */
export function respelling(
  options: CsvOptions,
  columns: readonly RawColumn[],
  names: readonly string[],
): Respell | undefined {
  if (!needsRespelling(options)) return undefined;
  const byName = new Map(columns.map((column) => [column.name, column]));
  const spellings = names.map((name) => spellingOf(options, byName.get(name)));
  const forced = names.map((name) => options.forceNull && !isText(byName.get(name)));
  let written: ScannedRecord | undefined;
  return (record) => {
    if (record.problem !== undefined) return record;
    const { starts, ends, quoted, fields } = record;
    written ??= { ...record, starts: starts.slice(), ends: ends.slice(), quoted: quoted.slice() };
    const problems: string[] = [];
    let text = "";
    let at = 0;
    for (let field = 0; field < fields; field++) {
      if (field > 0) {
        text += options.delimiter;
        at++;
      }
      const read = cellText(record, field, options);
      const given = read !== null && forced[field] && options.null.includes(read) ? null : read;
      const cell = spelled(given, spellings[field], names[field]!, problems);
      const mustQuote = cell !== null && (cell === "" || needsQuotes(cell, options.delimiter));
      const piece = cell === null ? "" : mustQuote ? `"${cell.replaceAll('"', '""')}"` : cell;
      written.starts[field] = at;
      at += Buffer.byteLength(piece);
      written.ends[field] = at;
      written.quoted[field] = mustQuote ? 1 : 0;
      text += piece;
    }
    const { bytes, start, end, line, offset } = record;
    const original = { bytes, start, end };
    const problem = problems.length ? problems.join("; ") : undefined;
    return Object.assign(written, {
      bytes: Buffer.from(text),
      start: 0,
      end: at,
      line,
      offset,
      fields,
      problem,
      original,
    });
  };
}

/** The text of one cell as the column reads it; null where it stands for NULL. A text that is not spelled so is a problem. */
export function respelled(text: string, options: CsvOptions, column: RawColumn, problems: string[]): string | null {
  const given = options.forceNull && !isText(column) && options.null.includes(text) ? null : text;
  return spelled(given, spellingOf(options, column), column.name, problems);
}

function spelled(cell: string | null, spelling: Spelling | undefined, name: string, problems: string[]): string | null {
  if (cell === null || !spelling) return cell;
  const value = spelling.read(cell);
  if (value === undefined) problems.push(`${name}: is not ${spelling.words}`);
  return value ?? cell;
}

function needsQuotes(cell: string, delimiter: string): boolean {
  return cell.includes('"') || cell.includes(delimiter) || cell.includes("\n") || cell.includes("\r");
}

/** Whether every text is a value of the column; of a field without a column, too. */
function isText(column: RawColumn | undefined): boolean {
  return !column || /^(?:text|character|varchar|char|bpchar|citext|name)\b/.test(column.base ?? column.type);
}
