import { TextDecoder } from "node:util";
import type { CsvOptions } from "../../../model/declarations.ts";
import { UserError } from "../../../model/errors.ts";

/**
 * The bytes as UTF-8 without a byte order mark. A mark of UTF-16 counts for more than what was declared. Bytes that are
 * declared as UTF-8 pass through as they are.
 * @throws UserError where the bytes are not in the encoding.
 */
export async function* decodeBytes(bytes: AsyncIterable<Uint8Array>, encoding: string): AsyncGenerator<Uint8Array> {
  let decoder: TextDecoder | undefined;
  let first: Uint8Array | undefined = new Uint8Array();
  let offset = 0;
  const decode = (chunk: Uint8Array | undefined) => {
    try {
      return Buffer.from(chunk ? decoder!.decode(chunk, { stream: true }) : decoder!.decode());
    } catch (cause) {
      throw notInEncoding(decoder!.encoding, offset, cause);
    }
  };
  for await (let chunk of bytes) {
    if (first) {
      // The mark has up to three bytes, and chunks may be shorter.
      first = Buffer.concat([first, chunk]);
      if (first.length < 3) continue;
      chunk = first;
      first = undefined;
      decoder = decoderFor(chunk, encoding);
      if (!decoder && startsWith(chunk, UTF8_MARK)) chunk = chunk.subarray(3);
    }
    yield decoder ? decode(chunk) : chunk;
    offset += chunk.length;
  }
  if (first) {
    decoder = decoderFor(first, encoding);
    yield decoder ? decode(first) : first;
  }
  if (decoder) yield decode(undefined);
}

/** The text of a CSV file as UTF-8, without zero bytes where they are to be left out. */
export async function* textBytes(
  bytes: AsyncIterable<Uint8Array>,
  { encoding, zeroBytes }: Pick<CsvOptions, "encoding" | "zeroBytes">,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of decodeBytes(bytes, encoding))
    yield zeroBytes === "remove" && chunk.includes(0) ? chunk.filter((byte) => byte !== 0) : chunk;
}

const UTF8_MARK = [0xef, 0xbb, 0xbf];

/** Undefined where the bytes are UTF-8 already. */
function decoderFor(start: Uint8Array, encoding: string): TextDecoder | undefined {
  const marked = startsWith(start, [0xff, 0xfe])
    ? "utf-16le"
    : startsWith(start, [0xfe, 0xff])
      ? "utf-16be"
      : undefined;
  const decoder = new TextDecoder(marked ?? encoding, { fatal: true });
  return decoder.encoding === "utf-8" ? undefined : decoder;
}

function startsWith(bytes: Uint8Array, mark: readonly number[]): boolean {
  return mark.every((byte, index) => bytes[index] === byte);
}

function notInEncoding(encoding: string, offset: number, cause: unknown): UserError {
  return new UserError({
    message: `the file is not in the encoding ${encoding}`,
    found: `bytes after ${offset} that mean nothing in it`,
    hint: "nothing of it was landed: correct the encoding in the declaration, or ask for the file again",
    exitCode: 1,
    cause,
  });
}
