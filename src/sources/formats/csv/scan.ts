import { isUtf8 } from "node:buffer";
import type { CsvOptions } from "../../../model/declarations.ts";
import { UserError } from "../../../model/errors.ts";
import { MAX_RECORD_BYTES } from "../../source.ts";
import { LineEnds } from "./line-ends.ts";
import { LongRecord } from "./long-record.ts";
import type { ScannedRecord, ScanResult } from "./scanned.ts";

const LF = 10;
const CR = 13;
/** What a byte means in a field that is not quoted; any other is text. */
const ENDS_FIELD = 1;
const IS_QUOTE = 2;
/** More columns than a PostgreSQL table can have. */
const MAX_FIELDS = 1600;
/** Bytes of a record from which on it is a long one. */
const LONG = 256 * 1024;

/**
 * Finds the records of CSV bytes: RFC 4180 with any line end (also mixed, also inside quotes), a chosen delimiter, quote
 * and escape. Hands every record to `onRecord`, in order; lines before the header, comments and blank lines are left out, and
 * counted. Constant memory.
 * @throws UserError for a file that ends inside a quoted field: it is cut.
 */
export class CsvScanner {
  readonly #onRecord: (record: ScannedRecord) => void;
  readonly #delimiter: number;
  readonly #quote: number;
  readonly #escape: number;
  readonly #comment: number | undefined;
  /** Lines before the header that are still to come. */
  #toSkip: number;
  /** Lines that are comments, so far, and the beginning of the first. */
  comments = 0;
  firstComment = "";
  /** Whether the bytes before ended within a line that is left out. */
  #inLine = false;
  readonly #maxBytes: number;
  readonly #meanings = new Uint8Array(256);
  readonly #record: ScannedRecord = {
    bytes: Buffer.alloc(0),
    start: 0,
    end: 0,
    line: 1,
    offset: 0,
    fields: 0,
    starts: new Int32Array(MAX_FIELDS + 1),
    ends: new Int32Array(MAX_FIELDS + 1),
    quoted: new Uint8Array(MAX_FIELDS + 1),
    problem: undefined,
  };
  #rest = Buffer.alloc(0);
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  readonly #lineEnds = new LineEnds();
  /** Of the first byte of `#rest`. */
  #offset = 0;
  #line = 1;
  #lastFields = 0;
  #terminated = true;
  /** Whether every line end so far was CR LF; undefined before the first one. */
  #isCrLf: boolean | undefined;
  #cutInLineEnd = false;
  /** One that goes by. */
  #long: LongRecord | undefined;

  constructor(options: CsvOptions, onRecord: (record: ScannedRecord) => void, maxBytes = MAX_RECORD_BYTES) {
    this.#onRecord = onRecord;
    this.#delimiter = options.delimiter.charCodeAt(0);
    // No byte is -1: where quotes mean nothing, none is found.
    this.#quote = options.quote === "" ? -1 : options.quote.charCodeAt(0);
    this.#escape = options.quote === "" ? -1 : options.escape.charCodeAt(0);
    this.#comment = options.comment?.charCodeAt(0);
    this.#toSkip = options.skipLines;
    this.#maxBytes = maxBytes;
    if (this.#quote !== -1) this.#meanings[this.#quote] = IS_QUOTE;
    for (const byte of [this.#delimiter, LF, CR]) this.#meanings[byte] = ENDS_FIELD;
  }

  push(chunk: Uint8Array): void {
    const buffer = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const rest = this.#rest.length;
    // A long record is looked at again when it has doubled, not with each chunk.
    if (rest > LONG && this.#waitingBytes + buffer.length < rest && rest + this.#waitingBytes <= this.#maxBytes) {
      this.#waiting.push(Buffer.from(buffer));
      this.#waitingBytes += buffer.length;
      return;
    }
    const bytes = rest ? this.#withRest(buffer) : buffer;
    this.#advance(bytes, this.#scan(bytes, false));
  }

  #withRest(buffer: Buffer): Buffer {
    const bytes = Buffer.concat([this.#rest, ...this.#waiting, buffer]);
    this.#waiting = [];
    this.#waitingBytes = 0;
    return bytes;
  }

  /** @throws UserError for a file that is cut. */
  end(): ScanResult {
    const bytes = this.#withRest(Buffer.alloc(0));
    if (bytes.length || this.#long) this.#advance(bytes, this.#scan(bytes, true));
    return {
      linesMissing: this.#toSkip,
      terminated: this.#terminated,
      lastFields: this.#lastFields,
      cutInLineEnd: this.#cutInLineEnd,
    };
  }

  #advance(bytes: Buffer, used: number): void {
    this.#offset += used;
    // A copy: the caller may use its chunk again.
    this.#rest = used === bytes.length ? Buffer.alloc(0) : Buffer.from(bytes.subarray(used));
  }

  #scan(bytes: Buffer, final: boolean): number {
    let at = this.#long ? this.#passLong(bytes, 0, final) : this.#inLine ? this.#afterLine(bytes, 0, final) : 0;
    // A character cut in two at the end of the chunk looks the same: then each record is looked at by itself.
    const suspicious = bytes.indexOf(0) !== -1 || !isUtf8(bytes);
    const record = this.#record;
    this.#lineEnds.begin(bytes);
    while (at < bytes.length && !this.#long && !this.#inLine) {
      if (this.#toSkip > 0) {
        this.#toSkip--;
        at = this.#afterLine(bytes, at, final);
        continue;
      }
      if (bytes[at] === this.#comment) {
        const from = at;
        at = this.#afterLine(bytes, from, final);
        if (!this.comments++) this.firstComment = bytes.toString("utf8", from, Math.min(at, from + 80)).trimEnd();
        continue;
      }
      const next = this.#one(bytes, at, final);
      // The last byte may be of the line end.
      if (next < 0) return bytes.length - at > this.#maxBytes + 1 ? this.#beginLong(bytes, at) : at;
      record.bytes = bytes;
      record.start = at;
      record.offset = this.#offset + at;
      if (record.end - at > this.#maxBytes) record.problem = this.#tooLong();
      if (suspicious && record.problem === undefined) record.problem = notText(bytes.subarray(at, record.end));
      this.#lastFields = record.fields;
      if (record.end > at) this.#onRecord(record);
      at = next;
    }
    return at;
  }

  /** Reads one record into `#record`. Returns where the next one begins; -1 when the bytes end before the record does. */
  #one(bytes: Buffer, from: number, final: boolean): number {
    const record = this.#record;
    const { starts, ends, quoted } = record;
    const meanings = this.#meanings;
    const delimiter = this.#delimiter;
    const quote = this.#quote;
    const length = bytes.length;
    let at = from;
    let field = 0;
    let lines = 0;
    let problem: string | undefined;
    for (;;) {
      starts[field] = at;
      quoted[field] = 0;
      if (bytes[at] === quote && at < length) {
        quoted[field] = 1;
        const close = this.#closing(bytes, at + 1, final);
        if (close < 0) {
          if (final) throw cutInQuotes(this.#line);
          return -1;
        }
        lines += this.#lineEnds.between(at, close);
        at = close + 1;
        const after = bytes[at];
        if (at < length && after !== delimiter && after !== LF && after !== CR)
          problem ??= "text after a closing quote";
      }
      for (; at < length; at++) {
        const meaning = meanings[bytes[at]!];
        if (meaning === ENDS_FIELD) break;
        if (meaning === IS_QUOTE) problem ??= "a quote inside a field that is not quoted";
      }
      ends[field++] = at;
      if (at >= length) {
        if (!final) return -1;
        break;
      }
      if (bytes[at] !== delimiter) break;
      at++;
      if (field > MAX_FIELDS) {
        problem ??= `more than ${MAX_FIELDS} fields`;
        field--;
      }
    }
    record.end = at;
    record.fields = field;
    record.problem = problem;
    record.line = this.#line;
    this.#terminated = at < length;
    const next = this.#afterLineEnd(bytes, at, final);
    if (next < 0) return -1;
    this.#line += lines + 1;
    return next;
  }

  /** Where the line after a record begins that ends at `at`; -1 when only the next byte will tell. */
  #afterLineEnd(bytes: Buffer, at: number, final: boolean): number {
    if (at >= bytes.length) return at;
    const isCut = bytes[at] === CR && at + 1 === bytes.length;
    if (isCut && !final) return -1;
    if (isCut) this.#cutInLineEnd = this.#isCrLf === true;
    const isCrLf = bytes[at] === CR && bytes[at + 1] === LF;
    this.#isCrLf = isCrLf && this.#isCrLf !== false;
    return at + (isCrLf ? 2 : 1);
  }

  /** Where the line after one that is left out begins; where the bytes end, as long as that line does not. */
  #afterLine(bytes: Buffer, from: number, final: boolean): number {
    let at = from;
    while (at < bytes.length && bytes[at] !== LF && bytes[at] !== CR) at++;
    // Whether a LF belongs to it, the next bytes tell.
    const isCut = at >= bytes.length || (bytes[at] === CR && at + 1 === bytes.length && !final);
    this.#inLine = isCut;
    this.#terminated = !isCut;
    if (isCut) return at;
    this.#line++;
    return bytes[at] === CR && bytes[at + 1] === LF ? at + 2 : at + 1;
  }

  /** Where the quoted text that begins at `from` is closed; -1 when it is not, or when only the next byte will tell. */
  #closing(bytes: Buffer, from: number, final: boolean): number {
    const quote = this.#quote;
    const escaping = this.#escape;
    if (escaping === quote) {
      for (let at = bytes.indexOf(quote, from); at !== -1; at = bytes.indexOf(quote, at + 2)) {
        if (at + 1 === bytes.length && !final) return -1;
        if (bytes[at + 1] !== quote) return at;
      }
      return -1;
    }
    for (let at = from; at < bytes.length; at++) {
      if (bytes[at] === escaping) at++;
      else if (bytes[at] === quote) return at;
    }
    return -1;
  }

  #beginLong(bytes: Buffer, at: number): number {
    const head = Buffer.from(bytes.subarray(at, at + 1024));
    const marks = { delimiter: this.#delimiter, quote: this.#quote, escape: this.#escape };
    this.#long = new LongRecord({ head, line: this.#line, offset: this.#offset + at }, marks);
    return this.#passLong(bytes, at, false);
  }

  /** Returns where the next record begins, or how far the one that is too long went by. */
  #passLong(bytes: Buffer, from: number, final: boolean): number {
    const long = this.#long!;
    const at = long.pass(bytes, from, final);
    const { head, line, offset, fields, lineEnds, isQuoted } = long;
    if (at >= bytes.length && final && isQuoted) throw cutInQuotes(line);
    if (isQuoted || (at >= bytes.length && !final)) return at;
    const next = this.#afterLineEnd(bytes, at, final);
    if (next < 0) return at;
    this.#long = undefined;
    this.#terminated = at < bytes.length;
    this.#line += lineEnds + 1;
    this.#lastFields = fields;
    Object.assign(this.#record, { bytes: head, start: 0, end: head.length, fields: 0, line, offset });
    this.#record.problem = this.#tooLong();
    this.#onRecord(this.#record);
    return next;
  }

  #tooLong(): string {
    return `longer than ${this.#maxBytes} bytes`;
  }
}

function notText(bytes: Buffer): string | undefined {
  if (!isUtf8(bytes)) return "not in the declared encoding";
  return bytes.indexOf(0) === -1 ? undefined : "has a NUL character, which PostgreSQL cannot store";
}

function cutInQuotes(line: number): UserError {
  return new UserError({
    message: "the file ends inside a quoted field: it is cut, or a quote is not closed",
    found: `the record that begins on line ${line} has no end`,
    hint: "nothing of it was landed: ask for the file again, or correct csv.quote and csv.escape",
    exitCode: 1,
  });
}
