import { isUtf8 } from "node:buffer";
import type { OptionsOf } from "../../model/declarations.ts";
import { isBeginning, isJson } from "../json/beginning.ts";
import { measureDepth } from "../json/depth.ts";
import { type JsonDocument, JsonRecord } from "../json/document.ts";
import { BLANK, parseObject } from "../json/object.ts";
import { type FilePosition, type FormatReader, MAX_DEPTH, MAX_RECORD_BYTES } from "../source.ts";
import { decodeBytes } from "./csv/decode.ts";
import { notWhole, unreadable } from "./file-errors.ts";
import { type Line, LineSplitter } from "./lines.ts";
import { head, PageBuilder, TOO_LONG } from "./pages.ts";

/**
 * Reads one JSON object per line. Blank lines are no records; a line that is no object is rejected. A file that ends
 * inside a line is cut.
 * @param landed whether it needs no record of a whole line, asked in the order of the file; there is a page after each chunk then
 */
export function readNdjson(
  { encoding }: OptionsOf<"ndjson">,
  maxBytes = MAX_RECORD_BYTES,
  landed?: (line: Line) => boolean,
): FormatReader {
  return async function* (bytes) {
    const splitter = new LineSplitter(maxBytes);
    const page = new PageBuilder();
    const opening = new Opening();
    for await (const chunk of decodeBytes(bytes, encoding)) {
      for (const line of splitter.push(chunk)) {
        opening.add(line);
        if (!line.tooLong && landed?.(line)) continue;
        addLine(line, page);
        if (page.full || landed) yield page.build();
      }
      if (landed) yield page.build();
    }
    for (const line of splitter.end()) {
      opening.add(line);
      addLine(line, page);
    }
    if (!page.empty) yield page.build();
  };
}

/** Lines that one value goes on over before it is sure to be a document: a record that was cut may be followed by a good one. */
const SURE_LINES = 3;
/** A longer beginning is not looked at. */
const MAX_OPENING_BYTES = 1_000_000;

/**
 * Refuses a document over several lines by the first of them, which begin one value: some look like records, and only
 * its own format knows which are.
 */
class Opening {
  #text = "";
  /** Of the value so far; undefined once it is none over several lines. */
  #lines: number | undefined = 0;
  #first = 0;

  add({ bytes, line, tooLong }: Line): void {
    if (this.#lines === undefined || isBlank(bytes)) return;
    if (tooLong || this.#text.length + bytes.length > MAX_OPENING_BYTES) {
      this.#lines = undefined;
      return;
    }
    this.#text += `${bytes.toString()}\n`;
    this.#first ||= line;
    const lines = ++this.#lines;
    if (isBeginning(this.#text)) {
      if (lines >= SURE_LINES || BRACKET_ALONE.test(this.#text)) throw this.#refusal();
    } else if (lines > 1 && isJson(this.#text)) {
      // A record with a line end in it is one reject, where others follow; a list is none.
      if (lines >= SURE_LINES || this.#text.trimStart().startsWith("[")) throw this.#refusal();
      this.#lines = undefined;
    } else this.#lines = undefined;
  }

  #refusal(): Error {
    return unreadable("the file is one JSON document, not a record per line", {
      found: `a value that begins on line ${this.#first} and goes on over the next ones: ${head(this.#text.trim())}`,
      hint: "nothing of it was landed: say format: json",
    });
  }
}

const BRACKET_ALONE = /^\s*[[{]\s*$/;

function isBlank(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 32 || byte === 9 || byte === 13);
}

/** A line of the file, its text as it stands there. */
class LineRecord extends JsonRecord implements FilePosition {
  readonly line: number;
  readonly byte: number;
  readonly #text: string;

  constructor(document: JsonDocument, text: string, line: number, byte: number) {
    super(document, document.value, document.source);
    this.line = line;
    this.byte = byte;
    this.#text = text;
  }

  override get position(): string {
    return `line ${this.line}`;
  }

  override text(): string {
    return this.#text;
  }
}

function addLine({ bytes, line, byte, tooLong, terminated, cutInLineEnd }: Line, page: PageBuilder): void {
  if (cutInLineEnd)
    throw notWhole("it ends between the CR and the LF of a line end", {
      found: `the end of the file after line ${line}`,
    });
  const text = bytes.toString();
  const reject = (reason: string, position = `line ${line}`) =>
    page.addRejected({ position, line, byte, reason, text: tooLong ? head(text) : text });
  const readable = !tooLong && isUtf8(bytes);
  const parsed = readable ? parseObject(text) : "";
  if (typeof parsed === "object") page.addRecord(new LineRecord(parsed, text, line, byte), bytes.length);
  else if (parsed === BLANK) return;
  else if (!terminated && !(readable && isComplete(text))) throw cutLine(line);
  else if (tooLong) reject(TOO_LONG);
  else if (readable) reject(parsed);
  else reject("is not UTF-8", `line ${line}, byte ${byte + firstWrongByte(bytes)}`);
}

/** Whether a value that was not taken is whole all the same: a list, or one that nests too deep. */
function isComplete(text: string): boolean {
  const { deepest, open } = measureDepth(text);
  if (open !== 0 || deepest === 0) return false;
  if (deepest > MAX_DEPTH) return /[\]}][ \t\r]*$/.test(text);
  return isJson(text);
}

function cutLine(line: number): Error {
  return notWhole("it ends inside a line", {
    expected: "a last line that ends, or is a whole JSON object",
    found: `the end of the file inside line ${line}`,
  });
}

function firstWrongByte(bytes: Buffer): number {
  const decoded = Buffer.from(bytes.toString());
  let at = 0;
  while (bytes[at] === decoded[at]) at++;
  return at;
}
