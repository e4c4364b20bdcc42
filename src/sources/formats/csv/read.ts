import { counted } from "../../../model/counted.ts";
import type { CsvOptions, RawColumn, RecordSchema } from "../../../model/declarations.ts";
import { UserError } from "../../../model/errors.ts";
import type { SourceRecord } from "../../json/document.ts";
import type { FilePosition, FormatReader, RejectedPiece, SourcePage } from "../../source.ts";
import { coerce, schemaTypesOf } from "./coerce.ts";
import { decodeBytes } from "./decode.ts";
import { cellText, readHeader, recordText } from "./header.ts";
import { plainSpelling, respelling } from "./respell.ts";
import { CsvScanner } from "./scan.ts";
import type { ScannedRecord } from "./scanned.ts";

const RECORDS_PER_PAGE = 1000;

/** What becomes of the records of a file. `record.problem` says why one cannot be read. */
export interface CsvHandler {
  /** The fields of the file in its order, before the first record; and what to tell of keys of csv.columns that are none of its columns. */
  header(names: readonly string[], unmatched: readonly string[]): void;
  record(record: ScannedRecord): void;
}

/** Follows one CSV file: the header, records, the trailer. Constant memory. */
export class CsvFile {
  readonly #options: CsvOptions;
  readonly #handler: CsvHandler;
  readonly #scanner: CsvScanner;
  readonly #trailer: Buffer | undefined;
  readonly #columns: readonly RawColumn[];
  #names: readonly string[] | undefined;
  #respell: ReturnType<typeof respelling>;
  #headerBytes = Buffer.alloc(0);
  #count = 0;
  #ended: string | undefined;

  /**
   * @param columns of the record schema: those of a file without a header, in order
   * @param names of the file's columns, where they are known and its first record is none of them
   */
  constructor(options: CsvOptions, columns: readonly RawColumn[], handler: CsvHandler, names?: readonly string[]) {
    this.#options = options;
    this.#columns = columns;
    this.#handler = handler;
    this.#trailer = options.trailer === undefined ? undefined : Buffer.from(options.trailer);
    this.#scanner = new CsvScanner(options, (record) => this.#addRecord(record));
    if (names) this.#begin(names);
    else if (!options.header) this.#begin(columns.map(({ name }) => name));
  }

  push(chunk: Uint8Array): void {
    this.#scanner.push(chunk);
  }

  /** @throws UserError for a file that is cut. */
  end(): void {
    const { linesMissing, terminated, lastFields, cutInLineEnd } = this.#scanner.end();
    const { skipLines } = this.#options;
    if (linesMissing)
      throw cut(`csv.skipLines leaves out ${counted(skipLines, "line")}`, `it has ${skipLines - linesMissing}`, AGAIN);
    if (cutInLineEnd)
      throw cut("it ends between the CR and the LF of a line end", "CR LF after the lines before", AGAIN);
    if (!this.#names) {
      const found = skipLines ? `nothing behind the ${counted(skipLines, "line")} of csv.skipLines` : "it is empty";
      throw cut("the file has no header", found, "an empty file is not a day without records");
    }
    if (!terminated && (this.#options.finalNewline || lastFields < this.#names.length) && this.#ended === undefined)
      throw cut("the last line has no line end", "a file that is cut looks like this", FINAL_NEWLINE);
    if (this.#trailer === undefined) return;
    if (this.#ended === undefined)
      throw cut(`there is no line that begins with ${this.#options.trailer}`, "the end of the file is missing", AGAIN);
    const said = /\d+/.exec(this.#ended.slice(this.#options.trailer!.length))?.[0];
    if (said !== undefined && Number(said) !== this.#count)
      throw cut(`the trailer says ${counted(Number(said), "record")}`, counted(this.#count, "record"), AGAIN);
  }

  #begin(names: readonly string[], unmatched: readonly string[] = []): void {
    this.#names = names;
    this.#respell = respelling(this.#options, this.#columns, names);
    this.#handler.header(names, unmatched);
  }

  #addRecord(record: ScannedRecord): void {
    const { bytes, start, end } = record;
    if (!this.#names) {
      this.#headerBytes = Buffer.from(bytes.subarray(start, end));
      const declared = this.#columns.map(({ name }) => name);
      const { names, unmatched } = readHeader(record, this.#options, declared);
      this.#begin(names, unmatched);
      return;
    }
    if (this.#ended !== undefined)
      throw cut("there are records after the trailer", recordText(record).slice(0, 100), AGAIN);
    if (this.#trailer && bytes.subarray(start, start + this.#trailer.length).equals(this.#trailer)) {
      this.#ended = recordText(record);
      return;
    }
    this.#count++;
    if (record.problem === undefined && record.fields !== this.#names.length)
      record.problem = `has ${counted(record.fields, "field")}, not ${this.#names.length}`;
    const size = end - start;
    if (size === this.#headerBytes.length && size > 0 && this.#headerBytes.equals(bytes.subarray(start, end)))
      record.problem = "is the header once more";
    this.#handler.record(this.#respell?.(record) ?? record);
  }
}

const AGAIN = "nothing of it was landed: ask for the file again";
const FINAL_NEWLINE = `${AGAIN}, or write csv: { finalNewline: false } where whole files end like this`;

function cut(message: string, found: string, hint: string): UserError {
  return new UserError({ message: `the file is not whole: ${message}`, found, hint, exitCode: 1 });
}

/**
 * Records of a CSV file as values for a JSON Schema. Columns the schema does not know are fields, too.
 * @param header the fields, where no header in the file says them
 */
export function readCsv(
  options: CsvOptions,
  { columns, schema }: RecordSchema,
  header?: readonly string[],
): FormatReader {
  const plain = plainSpelling(options);
  const properties = (schema.properties ?? {}) as Readonly<Record<string, unknown>>;
  const known = new Map(columns.map(({ name }) => [name, schemaTypesOf(properties[name])]));
  return async function* (bytes) {
    let names: readonly string[] = [];
    let records: SourceRecord[] = [];
    let rejected: RejectedPiece[] = [];
    let number = 0;
    const page = (): SourcePage => {
      const made = { number: ++number, records, rejected };
      records = [];
      rejected = [];
      return made;
    };
    const file = new CsvFile(
      options,
      columns,
      {
        header: (found) => {
          names = found;
        },
        record: (record) => {
          if (record.problem !== undefined) {
            rejected.push(rejectedPiece(record));
            return;
          }
          const value: Record<string, unknown> = Object.create(null);
          const cells = new Map<string, string>();
          for (const [field, name] of names.entries()) {
            const text = cellText(record, field, plain);
            if (text === null) continue;
            cells.set(name, text);
            value[name] = coerce(text, known.get(name) ?? []);
          }
          records.push(new CsvRecord(value, cells, known, record));
        },
      },
      header,
    );
    for await (const chunk of decodeBytes(bytes, options.encoding)) {
      file.push(chunk);
      if (records.length + rejected.length >= RECORDS_PER_PAGE) yield page();
    }
    file.end();
    yield page();
  };
}

export function rejectedPiece(record: ScannedRecord): RejectedPiece {
  const { line, offset, problem } = record;
  return { position: `line ${line}`, line, byte: offset, reason: problem!, text: recordText(record) };
}

class CsvRecord implements SourceRecord, FilePosition {
  readonly value: unknown;
  readonly hasTexts = true;
  readonly line: number;
  readonly byte: number;
  readonly #cells: ReadonlyMap<string, string>;
  readonly #columns: ReadonlyMap<string, unknown>;
  readonly #text: string;

  constructor(
    value: unknown,
    cells: ReadonlyMap<string, string>,
    columns: ReadonlyMap<string, unknown>,
    record: ScannedRecord,
  ) {
    this.value = value;
    this.line = record.line;
    this.byte = record.offset;
    this.#cells = cells;
    this.#columns = columns;
    this.#text = recordText(record);
  }

  get position(): string {
    return `line ${this.line}`;
  }

  text(): string {
    return this.#text;
  }

  /** A column's cell as the file has it; any other field as JSON. */
  fieldText(name: string): string | undefined {
    const text = this.#cells.get(name);
    return text === undefined || this.#columns.has(name) ? text : JSON.stringify(text);
  }
}
