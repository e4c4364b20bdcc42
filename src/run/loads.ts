import type { Segment } from "../model/plan.ts";
import { type Target, targetKey } from "../model/target.ts";
import { readBySeveral, type SharedTable } from "../plan/raw-readers.ts";
import type { Client } from "../postgres/client.ts";
import { id } from "../sql/identifiers.ts";
import { sql } from "../sql/sql.ts";
import type { RunContext } from "./context.ts";

/**
 * Builds and audits a segment. Returns a warning for each load that landed meanwhile in a table that several of its models
 * read, each in a transaction of its own: some may have it, and others not.
 */
export async function watchingLoads(
  segment: Segment,
  { graph, pool }: RunContext,
  work: () => Promise<void>,
): Promise<string[]> {
  const tables = readBySeveral(segment, graph.actions);
  const since = tables.length ? await ask(() => moment(pool.workers[0]!.client)) : undefined;
  await work();
  if (since === undefined) return [];
  const warnings: string[] = [];
  for (const schema of new Set(tables.map(({ target }) => target.schema))) {
    const loads = await ask(() => loadsSince(pool.workers[0]!.client, schema, since));
    for (const load of loads ?? []) {
      const table = tables.find(({ target }) => target.schema === schema && target.name === load.table_name);
      if (table) warnings.push(twoStates(segment, table, load));
    }
  }
  return warnings;
}

type Load = Readonly<Record<"load_id" | "source" | "stream" | "table_name" | "rows", string>>;

function twoStates(
  { release }: Segment,
  { target, readers }: SharedTable,
  { load_id, source, stream, rows }: Load,
): string {
  const shown =
    readers.length > 5 ? `${readers.slice(0, 5).join(", ")} and ${readers.length - 5} more` : readers.join(", ");
  return `release ${release} may show two states of ${targetKey(target)}: load ${load_id} (${source}, ${stream}) landed ${rows} of its rows while ${shown} read it; run again while nothing lands`;
}

interface Moment {
  /** Of what was committed. */
  readonly snapshot: string;
  readonly clock: string;
}

async function moment(client: Client): Promise<Moment> {
  const { rows } = await client.query<{ snapshot: string; clock: string }>(
    sql`select pg_current_snapshot() as snapshot, clock_timestamp() as clock`,
  );
  return rows[0]!;
}

/**
 * Loads that were committed since. A load says when it ended before it commits, so its row is asked which transaction wrote
 * it; of one that ended long ago that number may have come round.
 */
async function loadsSince(
  client: Client,
  schema: Target["schema"],
  { snapshot, clock }: Moment,
): Promise<readonly Load[]> {
  const [now, own] = [sql`pg_snapshot_xmax($1::pg_snapshot)::text::bigint`, sql`xmin::text::bigint`];
  const round = sql`4294967296`;
  const { rows } = await client.query<Load>(
    sql`
      select load_id, source, stream, table_name, rows
      from ${id(schema, "_load")}
      where status = 'loaded' and rows > 0 and finished_at >= $2::timestamptz - interval '1 day'
        and not pg_visible_in_snapshot(
          (${own} + (${now} - ${own} + ${round} / 2) / ${round} * ${round})::text::xid8, $1::pg_snapshot
        )
      order by load_id`,
    [snapshot, clock],
  );
  return rows;
}

/** Where there is no ledger, or none that this role may read, or no connection: nobody can say. */
async function ask<T>(question: () => Promise<T>): Promise<T | undefined> {
  return question().catch(() => undefined);
}
