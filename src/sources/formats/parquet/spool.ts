import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AsyncBuffer } from "hyparquet";
import { notWhole, unreadable } from "../file-errors.ts";

/** A file that can be read at any place, until it is closed. */
export interface SpooledFile extends AsyncBuffer {
  close(): Promise<void>;
}

/** Writes bytes to a temporary file, for Parquet is read from its end. */
export async function spool(bytes: AsyncIterable<Uint8Array>): Promise<SpooledFile> {
  const folder = await mkdtemp(join(tmpdir(), "dataform-parquet-"));
  const file = await open(join(folder, "file"), "wx+", 0o600);
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
  const slice = async (start: number, end = size) => {
    if (start < 0 || start > end || end > size) throw notWhole("it names places beyond its end");
    const buffer = new ArrayBuffer(end - start);
    for (let done = 0; done < end - start; ) {
      const { bytesRead } = await file.read(new Uint8Array(buffer, done), { position: start + done });
      if (bytesRead === 0) throw new Error("the temporary file was changed");
      done += bytesRead;
    }
    return buffer;
  };
  return { byteLength: size, slice, close };
}
