import { isAscii } from "node:buffer";
import { TextDecoder } from "node:util";
import { unreadable } from "../file-errors.ts";

/** Bytes in which a byte order mark or an XML declaration must end, or there is none. */
const START_BYTES = 1024;
/**
 * Bytes given on at once, so that limits are checked often. Much longer strings would be large objects for the garbage
 * collector, which it looks at seldom.
 */
const SLICE = 16 * 1024;

/**
 * The characters of an XML document: by its byte order mark, or its declaration, or else UTF-8.
 * @throws UserError where the bytes are not in that encoding.
 */
export async function* xmlText(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let start: Uint8Array | undefined = new Uint8Array();
  let decoder: Decoder | undefined;
  for await (const chunk of bytes) {
    let whole = chunk;
    if (start) {
      start = Buffer.concat([start, chunk]);
      if (start.length < START_BYTES) continue;
      whole = start;
      start = undefined;
    }
    decoder ??= new Decoder(whole);
    yield* decoder.texts(whole);
  }
  if (start) {
    decoder = new Decoder(start);
    yield* decoder.texts(start);
  }
  yield decoder!.end();
}

class Decoder {
  readonly #decoder: TextDecoder;
  readonly #ascii: boolean;
  /** Whether a character may have begun that has not ended. */
  #open = true;

  constructor(start: Uint8Array) {
    this.#decoder = decoderFor(start);
    this.#ascii = this.#decoder.encoding === "utf-8";
  }

  *texts(bytes: Uint8Array): Generator<string> {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = 0; at < buffer.length; at += SLICE) yield this.#text(buffer.subarray(at, at + SLICE));
  }

  end(): string {
    return decode(this.#decoder, undefined);
  }

  #text(slice: Buffer): string {
    // The decoder makes strings of two bytes a character.
    if (this.#ascii && !this.#open && isAscii(slice)) return slice.toString("latin1");
    const text = decode(this.#decoder, slice);
    this.#open = slice.at(-1)! >= 0x80;
    return text;
  }
}

function decoderFor(start: Uint8Array): TextDecoder {
  const encoding = encodingOf(Buffer.from(start.subarray(0, START_BYTES)));
  try {
    return new TextDecoder(encoding, { fatal: true });
  } catch (cause) {
    throw unreadable(`the XML declaration names an unknown encoding, "${encoding.slice(0, 40)}"`, {
      expected: "a name such as UTF-8, UTF-16, ISO-8859-1, windows-1252",
      cause,
    });
  }
}

function encodingOf(start: Buffer): string {
  const [first, second] = start;
  if (first === 0xff && second === 0xfe) return "utf-16le";
  if (first === 0xfe && second === 0xff) return "utf-16be";
  if (first === 0x3c && second === 0) return "utf-16le";
  if (first === 0 && second === 0x3c) return "utf-16be";
  if (first === 0xef && second === 0xbb) return "utf-8";
  const declared = /^<\?xml\s[^>]*?\sencoding\s*=\s*["']([^"'>]*)["']/.exec(start.toString("latin1"))?.[1];
  if (declared !== undefined && /^(utf-?16|ucs-?2|iso-10646-ucs-2)/i.test(declared))
    throw unreadable(`the XML declaration says ${declared}, and the bytes are not`);
  return declared ?? "utf-8";
}

function decode(decoder: TextDecoder, bytes: Uint8Array | undefined): string {
  try {
    return bytes ? decoder.decode(bytes, { stream: true }) : decoder.decode();
  } catch (cause) {
    throw unreadable(`the file is not in the encoding ${decoder.encoding}`, {
      hint: "nothing of it was landed: ask for the file again, in the encoding that its XML declaration says",
      cause,
    });
  }
}
