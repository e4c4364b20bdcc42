import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { UserError } from "../model/errors.ts";
import { isBucket, type LakePlace, lakeAddress } from "../model/lake-place.ts";
import type { Client } from "../postgres/client.ts";
import type { S3Folder } from "../sources/filesystems/s3-folder.ts";
import type { Identifier } from "../sql/sql.ts";
import { parquetBody } from "./parquet.ts";
import { EXACT_TEXTS, refuseOneNameTwice, resolveSource } from "./source.ts";
import { syncFolder, writeFile } from "./write.ts";

/** What stands in a file: its rows, its size, and its SHA-256 in hexadecimal. */
interface LakeFile {
  readonly rows: number;
  readonly bytes: number;
  readonly sha256: string;
}

/** Columns of ours have another name in the file: the table that reads it back has its own of that name. */
const ARCHIVED = new Map([
  ["_load_id", "archived_load_id"],
  ["_row_no", "archived_row_no"],
  ["_extra", "archived_extra"],
  ["_load_date", "archived_load_date"],
]);

/** Parquet files in folders: what partitions are archived to. */
const folderLake = {
  async has(path: string): Promise<boolean> {
    return (await stat(path).catch(() => undefined)) !== undefined;
  },

  /** The file is there whole, with these bytes, or the one of before is. */
  async write(client: Client, relation: Identifier, path: string): Promise<LakeFile> {
    await makeFolder(dirname(path));
    await removeBegun(path);
    await client.script(EXACT_TEXTS);
    const source = await resolveSource({ client, fence: async (query) => query }, relation.toString());
    const columns = source.columns.map((column) => ({ ...column, name: ARCHIVED.get(column.name) ?? column.name }));
    refuseOneNameTwice(columns.map(({ name }) => name));
    const body = await parquetBody(client, { ...source, columns });
    const written = { ...(await writeFile(body.bytes, path, {})), rows: body.rows() };
    const read = await readBack(path);
    if (read.rows === written.rows && read.sha256 === written.sha256) return written;
    throw notHeld(path, written, read);
  },
};

/** Parquet files in folders and buckets. */
export const parquetLake = {
  async has(place: LakePlace): Promise<boolean> {
    if (!isBucket(place.archive)) return folderLake.has(lakeAddress(place));
    return withBucket(place, (bucket) => bucket.has(place.path));
  },

  /**
   * Writes the rows of a relation, in the transaction that the client is in, and reads the file back. It is there whole, with
   * these bytes, or the one of before is.
   * @throws UserError for a value that Parquet cannot hold, a file that cannot be written or does not hold what was written
   */
  async write(client: Client, relation: Identifier, place: LakePlace): Promise<LakeFile> {
    const { archive, path } = place;
    if (!isBucket(archive)) return folderLake.write(client, relation, lakeAddress(place));
    const folder = await mkdtemp(join(tmpdir(), "dataform-lake-"));
    try {
      const file = join(folder, basename(path));
      const written = await folderLake.write(client, relation, file);
      await withBucket(place, async (bucket) => {
        await bucket.put(path, { open: () => createReadStream(file), ...written });
        const read = await sumOf(await bucket.get(path));
        if (read.sha256 !== written.sha256) throw notHeld(lakeAddress(place), written, { ...read, rows: undefined });
      });
      return written;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

async function withBucket<T>({ archive }: LakePlace, work: (bucket: S3Folder) => Promise<T>): Promise<T> {
  const { openS3Folder } = await import("../sources/filesystems/s3-folder.ts");
  const bucket = await openS3Folder(archive);
  try {
    return await work(bucket);
  } finally {
    await bucket.close();
  }
}

async function sumOf(bytes: AsyncIterable<Uint8Array>): Promise<{ readonly sha256: string }> {
  const hash = createHash("sha256");
  for await (const chunk of bytes) hash.update(chunk);
  return { sha256: hash.digest("hex") };
}

interface Held {
  readonly rows: number | undefined;
  readonly sha256: string;
}

function notHeld(path: string, written: Held, read: Held): UserError {
  const told = ({ rows, sha256 }: Held) => `${rows === undefined ? "" : `${rows} rows, `}SHA-256 ${sha256}`;
  return new UserError({
    message: `${path} does not hold what was written`,
    expected: told(written),
    found: told(read),
    hint: "check the disk",
    exitCode: 1,
  });
}

async function makeFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true }).catch((cause: Error) => {
    throw new UserError({ message: `cannot make ${path}`, found: cause.message, exitCode: 1, cause });
  });
  if (first === undefined) return;
  for (let made = path; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made));
}

/** What one that was killed had written so far. */
async function removeBegun(path: string): Promise<void> {
  const begun = (name: string) => name.startsWith(`.${basename(path)}.`) && name.endsWith(".part");
  for (const name of (await readdir(dirname(path))).filter(begun)) await rm(join(dirname(path), name));
}

async function readBack(path: string): Promise<Omit<LakeFile, "bytes">> {
  const { asyncBufferFromFile, parquetMetadataAsync } = await import("hyparquet");
  const { sha256 } = await sumOf(createReadStream(path));
  const { num_rows: rows } = await parquetMetadataAsync(await asyncBufferFromFile(path));
  return { rows: Number(rows), sha256 };
}
