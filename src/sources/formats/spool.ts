import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unreadable } from "./file-errors.ts";

/** A file that can be read at any place, until it is closed. */
export interface SpooledFile {
  readonly path: string;
  /** The file's own, which goes when it is closed. */
  readonly folder: string;
  readonly byteLength: number;
  bytesAt(start: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** Writes bytes to a temporary file, for formats that are read from their end. */
export async function spool(bytes: AsyncIterable<Uint8Array>): Promise<SpooledFile> {
  const folder = await mkdtemp(join(tmpdir(), "dataform-file-"));
  const path = join(folder, "file");
  const file = await open(path, "wx+", 0o600);
  const close = async () => {
    await file.close();
    await rm(folder, { recursive: true, force: true });
  };
  let size = 0;
  try {
    for await (const chunk of bytes) {
      await file.appendFile(chunk).catch((cause: Error) => {
        throw unreadable("the file does not fit into the folder for temporary files", {
          found: cause.message,
          hint: `make room in ${tmpdir()}, or let TMPDIR name another folder`,
          cause,
        });
      });
      size += chunk.length;
    }
  } catch (error) {
    await close();
    throw error;
  }
  const bytesAt = async (start: number, length: number) => {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(length), 0, length, start);
    return buffer.subarray(0, bytesRead);
  };
  return { path, folder, byteLength: size, bytesAt, close };
}
