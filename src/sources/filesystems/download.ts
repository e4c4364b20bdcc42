import type { Dispatcher } from "undici";
import { readRetryAfter } from "../http/reader.ts";
import { changed, notResumable, type Patience, Transient, transfer } from "./transfer.ts";

/** A file that some HTTP server has. */
export interface Download {
  /** For messages. */
  readonly name: string;
  /** Bytes, as it was listed. */
  readonly size: number | undefined;
  /** The header that tells one version of the file from another, as it was listed. */
  readonly validator: { readonly header: "etag" | "last-modified"; readonly value: string } | undefined;
  /** Throws a UserError for an answer that is not the file. */
  check(answer: Dispatcher.ResponseData): void | Promise<void>;
}

const TRANSIENT = new Set([408, 425, 429, 500, 502, 503, 504]);

/** The bytes of a file by GET, after a cut by ranges, for servers that have them. */
export function download(
  file: Download,
  patience: Patience,
  get: (headers: Readonly<Record<string, string>>) => Promise<Dispatcher.ResponseData>,
): AsyncIterable<Uint8Array> {
  const { name, validator } = file;
  return transfer(name, file.size, patience, async (offset) => {
    if (offset > 0 && !validator) throw notResumable(name, offset, "an ETag or Last-Modified");
    const answer = await get(offset === 0 ? {} : { range: `bytes=${offset}-`, "if-range": validator!.value });
    try {
      const busy = transientStatus(answer);
      if (busy) throw busy;
      await file.check(answer);
      const now = validator && headerOf(answer, validator.header);
      if (validator && now !== validator.value) throw changed(name, validator.value, now ?? "nothing of the kind");
      const from = answer.statusCode === 206 ? beginOf(answer) : 0;
      if (from !== offset && from !== 0) throw new Transient("the server sent another range than asked for");
      return { bytes: from === offset ? answer.body : withoutFirst(offset, answer.body), size: sizeOf(answer) };
    } catch (error) {
      answer.body.on("error", () => {}).destroy();
      throw error;
    }
  });
}

/** What to throw for an answer that may be another one soon. */
export function transientStatus(answer: Dispatcher.ResponseData): Transient | undefined {
  if (!TRANSIENT.has(answer.statusCode)) return undefined;
  return new Transient(`HTTP ${answer.statusCode}`, readRetryAfter(headerOf(answer, "retry-after") ?? null));
}

export function headerOf({ headers }: Dispatcher.ResponseData, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** Bytes of the whole file. */
export function sizeOf(answer: Dispatcher.ResponseData): number | undefined {
  const text =
    answer.statusCode === 206
      ? /\/(\d+)$/.exec(headerOf(answer, "content-range") ?? "")?.[1]
      : headerOf(answer, "content-length");
  return text === undefined || !/^\d+$/.test(text) ? undefined : Number(text);
}

function beginOf(answer: Dispatcher.ResponseData): number {
  return Number(/^bytes (\d+)-/i.exec(headerOf(answer, "content-range") ?? "")?.[1] ?? Number.NaN);
}

/** For a server that sends the whole file although only its end was asked for. */
async function* withoutFirst(count: number, bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let left = count;
  for await (const chunk of bytes) {
    const rest = chunk.subarray(Math.min(left, chunk.byteLength));
    left -= chunk.byteLength - rest.byteLength;
    if (rest.byteLength > 0) yield rest;
  }
}
