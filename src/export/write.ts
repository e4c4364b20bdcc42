import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { open, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { Readable, Transform, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { UserError } from "../model/errors.ts";

/** Who looks on while bytes are written, and may end it. */
interface Watched {
  readonly signal?: AbortSignal;
  /** Bytes so far, before packing. */
  readonly onBytes?: (bytes: number) => void;
}

/** @throws UserError when no file can be there */
export async function checkTarget(path: string): Promise<string> {
  const target = resolve(path);
  const folder = await stat(dirname(target)).catch(() => undefined);
  if (!folder?.isDirectory())
    throw new UserError({ message: `there is no folder ${dirname(target)}`, hint: "make it, or name another path" });
  const present = await stat(target).catch(() => undefined);
  if (present && !present.isFile())
    throw new UserError({ message: `${target} is no file`, hint: "name a file: the export takes its place" });
  return target;
}

/** What was written: bytes as they are in the file, and their SHA-256 in hexadecimal. */
export interface Sum {
  readonly bytes: number;
  readonly sha256: string;
}

/** Beside the target first: whoever reads the target reads the old file or the new one, whole. */
export async function writeFile(bytes: AsyncIterable<Uint8Array>, target: string, options: Watched): Promise<Sum> {
  const aside = join(dirname(target), `.${basename(target)}.${process.pid}.part`);
  const meter = new Meter();
  try {
    const packed = /\.gz$/i.test(target) ? [createGzip()] : [];
    await pipeline([
      Readable.from(counted(bytes, options.onBytes), { objectMode: false }),
      ...packed,
      meter,
      createWriteStream(aside, { flush: true }),
    ]);
    options.signal?.throwIfAborted();
    await rename(aside, target);
  } catch (error) {
    await rm(aside, { force: true });
    throw unwritable(error, target);
  }
  await syncFolder(dirname(target));
  return meter.sum();
}

/** The names in a folder outlive a crash of the machine, where its filesystem can say so. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path).catch(() => undefined);
  await folder?.sync().catch(() => {});
  await folder?.close();
}

export async function writeStream(bytes: AsyncIterable<Uint8Array>, to: Writable, options: Watched): Promise<Sum> {
  const meter = new Meter();
  let failure: NodeJS.ErrnoException | undefined;
  const note = (error: Error) => (failure = error);
  to.once("error", note);
  try {
    await pipeline([Readable.from(counted(bytes, options.onBytes), { objectMode: false }), meter, to], { end: false });
  } catch (error) {
    throw failure?.code === "EPIPE" ? new ReaderGone(failure) : (failure ?? error);
  } finally {
    to.off("error", note);
  }
  return meter.sum();
}

/** Whoever reads the stream has closed it: `dataform export … - | head`. */
export class ReaderGone extends UserError {
  constructor(cause: Error) {
    super({ message: "the rows cannot be written", found: cause.message, exitCode: 1, cause });
  }
}

async function* counted(bytes: AsyncIterable<Uint8Array>, onBytes: Watched["onBytes"]) {
  let size = 0;
  for await (const chunk of bytes) {
    size += chunk.length;
    onBytes?.(size);
    yield chunk;
  }
}

class Meter extends Transform {
  readonly #hash = createHash("sha256");
  #bytes = 0;

  override _transform(chunk: Buffer, _: string, done: (error: null, chunk: Buffer) => void): void {
    this.#hash.update(chunk);
    this.#bytes += chunk.length;
    done(null, chunk);
  }

  sum(): Sum {
    return { bytes: this.#bytes, sha256: this.#hash.digest("hex") };
  }
}

function unwritable(error: unknown, target: string): unknown {
  const { code, syscall, message } = error as NodeJS.ErrnoException;
  if (!syscall || !/^(open|write|rename|fsync)$/.test(syscall)) return error;
  return new UserError({
    message: `cannot write ${target}`,
    found: message,
    hint: code === "ENOSPC" ? "make room on the disk" : "check the folder's permissions",
    exitCode: 1,
    cause: error,
  });
}
