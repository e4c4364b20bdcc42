import { expect } from "vitest";
import { UserError } from "../../../src/model/errors.ts";
import type { SourceRecord } from "../../../src/sources/json/document.ts";
import type { FormatReader, RejectedPiece } from "../../../src/sources/source.ts";

/** The bytes in chunks of a size, every chunk in the same memory, as a reader may get them. */
async function* chunksOf(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  const memory = Buffer.alloc(size);
  for (let at = 0; at < bytes.length; at += size) {
    const piece = bytes.subarray(at, at + size);
    memory.fill(0xff);
    memory.set(piece);
    yield memory.subarray(0, piece.length);
  }
}

export interface Read {
  readonly records: readonly SourceRecord[];
  readonly rejected: readonly RejectedPiece[];
}

export async function readAll(read: FormatReader, content: string | Uint8Array, chunk = 65536): Promise<Read> {
  const records: SourceRecord[] = [];
  const rejected: RejectedPiece[] = [];
  let number = 0;
  for await (const page of read(chunksOf(Buffer.from(content), chunk))) {
    expect(page.number).toBe(++number);
    records.push(...page.records);
    rejected.push(...(page.rejected ?? []));
  }
  return { records, rejected };
}

export async function readTexts(read: FormatReader, content: string | Uint8Array, chunk?: number): Promise<string[]> {
  const { records, rejected } = await readAll(read, content, chunk);
  expect(rejected).toEqual([]);
  return records.map((record) => record.text());
}

/** The UserError that reading ends with. */
export async function failureOf(read: FormatReader, content: string | Uint8Array): Promise<UserError> {
  const error = await readAll(read, content).then(
    () => expect.fail("nothing was thrown"),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(UserError);
  return error as UserError;
}

/**
 * Cuts a file at every byte. Gives, by the number of bytes, how many records were read where there was no error; fails
 * where they are no beginning of the whole file's records.
 */
export async function readEveryPrefix(read: FormatReader, whole: Uint8Array): Promise<Map<number, number>> {
  const all = await readTexts(read, whole);
  const complete = new Map<number, number>();
  for (let length = 0; length < whole.length; length++) {
    try {
      const texts = await readTexts(read, whole.subarray(0, length));
      expect(texts, `${length} bytes`).toEqual(all.slice(0, texts.length));
      complete.set(length, texts.length);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
    }
  }
  return complete;
}

/** The most memory in use while something runs, beyond what was in use before, in MB. */
export async function memoryOf(run: (measure: () => void) => Promise<void>): Promise<number> {
  const before = process.memoryUsage().rss;
  let most = before;
  await run(() => {
    most = Math.max(most, process.memoryUsage().rss);
  });
  return (most - before) / 1024 / 1024;
}
