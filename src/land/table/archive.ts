import { counted } from "../../model/counted.ts";
import { UserError } from "../../model/errors.ts";
import { type LakePlace, lakeAddress } from "../../model/lake-place.ts";
import { tryLock } from "../../postgres/advisory-lock.ts";
import { type Client, withTransaction } from "../../postgres/client.ts";
import { id } from "../../sql/identifiers.ts";
import { type Identifier, sql } from "../../sql/sql.ts";
import { type ArchivedDays, archiveFile, beginArchive, endArchive, isBegun, prepareArchives } from "./archives.ts";
import type { RawTable } from "./raw-table.ts";

/** Where rows are archived to. It is handed in by who starts a load: landing writes no files. */
export interface Lake {
  has(place: LakePlace): Promise<boolean>;
  /**
   * Writes all rows of a relation, as the transaction sees them, into a file that is there whole or not at all and outlives a
   * crash; one of that name is replaced. Says what the file holds, which it has read back.
   */
  write(
    client: Client,
    relation: Identifier,
    place: LakePlace,
  ): Promise<{ readonly rows: number; readonly bytes: number; readonly sha256: string }>;
}

export interface OldPartition extends ArchivedDays {
  readonly schema: string;
  readonly name: string;
}

/**
 * Writes the rows of a partition into the lake and drops it. Whenever it dies, the rows are in the table, or in a file that is
 * noted as archived; a file that was begun is written anew under its name. Returns what to tell; undefined where the partition is in
 * use, or somebody else archives it.
 * @throws what keeps the partition from being archived; it is as it was then
 */
export async function archivePartition(
  client: Client,
  table: RawTable,
  part: OldPartition,
  lake: Lake,
): Promise<string | undefined> {
  const relation = id(part.schema, part.name);
  const archive = table.partition!.archive!;
  await prepareArchives(client, table.schema);
  // A file is not written for nothing, each minute, while somebody reads the table for hours.
  await withTransaction(client, async () => {
    await client.script(sql`
      set local lock_timeout = '1s';
      lock table ${id(table.schema, table.name)}, ${relation} in access exclusive mode`);
  });
  const { path, isBegun: known } = await archiveFile(client, table.schema, table.name, part);
  const key = { schema: table.schema, table: table.name, path };
  const place = { archive, path };
  const target = lakeAddress(place);
  if (!known) {
    if (await lake.has(place)) throw strange(target, table);
    await beginArchive(client, key, part);
  }
  return withTransaction(client, async () => {
    if (!(await tryLock(client, `dataform archive ${JSON.stringify([key.schema, key.table])}`, "transaction"))) return;
    if (!(await isBegun(client, key))) return;
    // Whoever would write into it waits: what is in the file is what is dropped.
    await client.script(sql`
      set local lock_timeout = '1s';
      lock table ${relation} in share mode`);
    const { rows: found } = await client.query<{ rows: string }>(sql`select count(*) as rows from ${relation}`);
    const written = await lake.write(client, relation, place);
    if (String(written.rows) !== found[0]!.rows)
      throw new UserError({
        message: `${target} has other rows than ${part.schema}.${part.name}`,
        expected: counted(Number(found[0]!.rows), "row"),
        found: counted(written.rows, "row"),
      });
    await endArchive(client, key, written);
    await client.query(sql`drop table ${relation}`);
    return `${part.schema}.${part.name} (${counted(written.rows, "row")}: ${target})`;
  });
}

function strange(target: string, { schema, name }: RawTable): UserError {
  return new UserError({
    message: `there is a file ${target} already, and this database did not write it`,
    hint: `another database archives there, or this one was restored: move the file, or give ${schema}.${name} another archive.to`,
  });
}
