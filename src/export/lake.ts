import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, readdir, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { UserError } from "../model/errors.ts";
import type { Client } from "../postgres/client.ts";
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
export const folderLake = {
  async has(path: string): Promise<boolean> {
    return (await stat(path).catch(() => undefined)) !== undefined;
  },

  /**
   * Writes the rows of a relation, in the transaction that the client is in, and reads the file back. It is there whole, with
   * these bytes, or the one of before is.
   * @throws UserError for a value that Parquet cannot hold, a file that cannot be written or does not hold what was written
   */
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
    throw new UserError({
      message: `${path} does not hold what was written`,
      expected: `${written.rows} rows, SHA-256 ${written.sha256}`,
      found: `${read.rows} rows, SHA-256 ${read.sha256}`,
      hint: "check the disk",
      exitCode: 1,
    });
  },
};

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
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  const { num_rows: rows } = await parquetMetadataAsync(await asyncBufferFromFile(path));
  return { rows: Number(rows), sha256: hash.digest("hex") };
}
