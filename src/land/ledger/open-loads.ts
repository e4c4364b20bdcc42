import { tryLock } from "../../postgres/advisory-lock.ts";
import { type Client, withTransaction } from "../../postgres/client.ts";
import { relationExists } from "../../postgres/relations.ts";
import { inLazyTransaction } from "../../postgres/together.ts";
import { relationId } from "../../sql/identifiers.ts";
import { literal } from "../../sql/literals.ts";
import { type Sql, sql } from "../../sql/sql.ts";
import type { LedgerKey, StreamKey } from "./ledger.ts";
import { loadTable, rejectedTable } from "./ledger-tables.ts";

// Loads that rows are added to, commit by commit, until they end. Who goes by whole loads sees them then; who adds up rows sees each
// as soon as it is committed.

/** The status of a load that may still get rows. */
const LOADING = "loading";

/** Of what came for no stream: it has no table, and all of it is rejects. */
export const NO_STREAM = "(unknown)";

export function keyOfNoStream(schema: string, source: string): LedgerKey {
  return { schema, source, stream: NO_STREAM, table: NO_STREAM, cursorField: null };
}

const isOfNoStream = ({ stream }: StreamKey) => stream === NO_STREAM;

/** Who holds it adds rows to the load. */
const lockOf = ({ schema }: Pick<LedgerKey, "schema">, loadId: string) =>
  `dataform open load ${JSON.stringify([schema, loadId])}`;

/**
 * Notes a load that begins, and keeps others from ending it. For a transaction of its own that holds the stream's lock: so loads of
 * a stream are seen in the order of their numbers, and each before its rows.
 */
export async function beginLoad(client: Client, key: LedgerKey): Promise<string> {
  const { rows } = await client.query<{ load_id: string }>(
    sql`
      insert into ${loadTable(key.schema)} (source, stream, table_name, status, started_at, details, batch)
      values ($1, $2, $3, ${literal(LOADING)}, clock_timestamp(), '{"cursor_field": null}', 'log')
      returning load_id`,
    [key.source, key.stream, key.table],
  );
  const loadId = rows[0]!.load_id;
  if (!(await tryLock(client, lockOf(key, loadId), "session"))) throw new Error(`load ${loadId} is somebody else's`);
  return loadId;
}

/** What landed in a load. */
export interface Landed {
  readonly rows: number;
  readonly rejected: number;
}

/** Ends a load of this session: no row comes any more. One that has none is forgotten. */
export async function endLoad(
  client: Client,
  key: LedgerKey,
  loadId: string,
  { rows, rejected, details }: Landed & { readonly details: object },
): Promise<void> {
  const landed = sql`select ${literal(BigInt(rows))} as rows, ${literal(BigInt(rejected))} as rejected`;
  await inLazyTransaction(client, async (transaction) => {
    transaction.add({ statement: ended(key, landed), parameters: [loadId, JSON.stringify(details)] });
    transaction.add({ statement: NOTIFY });
    transaction.add({
      statement: sql`select pg_advisory_unlock(hashtextextended($1, 0))`,
      parameters: [lockOf(key, loadId)],
    });
  });
}

async function noteEnd(client: Client, key: StreamKey, loadId: string, details: object): Promise<void> {
  const raw = relationId({ schema: key.schema, name: key.table });
  // Somebody may have dropped it, with the rows that landed.
  const hasTable = !isOfNoStream(key) && (await relationExists(client, raw));
  const rows = hasTable ? sql`(select count(*) from ${raw} as r where r._load_id = $1)` : sql`0::bigint`;
  const landed = sql`
    select
      ${rows} as rows,
      (select count(*) from ${rejectedTable(key.schema)} as r where r.load_id = $1) as rejected`;
  await client.query(ended(key, landed), [loadId, JSON.stringify(details)]);
  await client.query(NOTIFY);
}

/** A hint to what follows loads; it looks into the ledger. */
const NOTIFY = sql`select pg_notify('dataform_load', '')`;

/** Statement that ends load `$1`, with `$2` as more of its details. */
function ended({ schema }: StreamKey, landed: Sql): Sql {
  const table = loadTable(schema);
  return sql`
    with

    landed as (
      ${landed}
    ),

    forgotten as (
      delete from ${table} as l
      using landed
      where l.load_id = $1 and l.status = ${literal(LOADING)} and landed.rows = 0 and landed.rejected = 0
    )

    update ${table} as l
    set
      status = 'loaded',
      finished_at = clock_timestamp(),
      rows = landed.rows,
      rejected = landed.rejected,
      details = l.details || $2
    from landed
    where l.load_id = $1 and l.status = ${literal(LOADING)} and landed.rows + landed.rejected > 0`;
}
/**
 * Tells who looks at what lands that rows came to an open load: a hint. By itself, when they are committed: within their commit it would
 * be a lock of the whole server until they are on disk.
 */
export async function notifyRows(client: Client): Promise<void> {
  await client.query(sql`select pg_notify('dataform_rows', '')`);
}

/**
 * Ends the loads of a source that nobody adds rows to any more: who did is gone. For a session that has no open load itself: it would
 * take its own for such. Returns their numbers.
 */
export async function endAbandoned(
  client: Client,
  { schema, source }: Pick<LedgerKey, "schema" | "source">,
): Promise<readonly string[]> {
  const { rows } = await client.query<Record<"load_id" | "stream" | "table_name", string>>(
    sql`
      -- twice: the first is by the index of the few that are not loaded
      select load_id, stream, table_name
      from ${loadTable(schema)}
      where source = $1 and status <> 'loaded' and status = ${literal(LOADING)}
      order by load_id`,
    [source],
  );
  const ended: string[] = [];
  for (const { load_id: loadId, stream, table_name: table } of rows)
    await withTransaction(client, async () => {
      if (!(await tryLock(client, lockOf({ schema }, loadId), "transaction"))) return;
      await noteEnd(client, { schema, source, stream, table }, loadId, { abandoned: true });
      ended.push(loadId);
    });
  return ended;
}
