import { counted } from "../model/counted.ts";
import type { Segment } from "../model/plan.ts";
import { type Target, targetKey } from "../model/target.ts";
import { readBySeveral, type SharedTable } from "../plan/raw-readers.ts";
import { type Client, withNames } from "../postgres/client.ts";
import { id } from "../sql/identifiers.ts";
import { sql } from "../sql/sql.ts";
import type { RunContext } from "./context.ts";

/**
 * Builds and audits a segment. Returns a warning for each load that landed meanwhile in a table that several of its models
 * read, or was taken out of it, each in a transaction of its own: some may have it, and others not.
 */
export async function watchingLoads(
  segment: Segment,
  { graph, pool }: RunContext,
  work: () => Promise<void>,
): Promise<string[]> {
  const tables = readBySeveral(segment, graph.actions);
  if (!tables.length) {
    await work();
    return [];
  }
  const schemas = [...new Set(tables.map(({ target }) => target.schema))];
  // The session is the builder's, where names are looked up as the database says.
  const ours = <T>(question: (client: Client) => Promise<T>) => {
    const { client } = pool.workers[0]!;
    return ask(() => withNames(client, "ours", () => question(client)));
  };
  const asked = async <T>(question: (client: Client, schema: string) => Promise<T>) =>
    (await ours((client) => Promise.all(schemas.map((schema) => ask(() => question(client, schema)))))) ?? [];
  const since = await ours(moment);
  const before = await asked(loadsOf);
  const open = await asked(openLoads);
  await work();
  if (since === undefined) return [];
  const find = (schema: string, name: string) =>
    tables.find(({ target }) => target.schema === schema && target.name === name);
  const landed = await asked(async (client, schema) => {
    const loads = await loadsSince(client, schema, since);
    const wasOpen = new Set(open[schemas.indexOf(schema)]);
    const seen = loads.map((load) => ({
      load,
      table: find(schema, load.table_name),
      wasOpen: wasOpen.has(load.load_id),
    }));
    return Promise.all(seen.map((one) => landedSince(client, one, since)));
  });
  const gone = await asked((client, schema) => goneSince(client, schema, before[schemas.indexOf(schema)] ?? "[]"));
  return schemas.flatMap((schema, index) => [
    ...(landed[index] ?? []).flatMap(({ load, table, what }) =>
      table && what ? [twoStates(segment, table, `${describeLoad(load)} ${what}`)] : [],
    ),
    ...(gone[index] ?? []).flatMap(({ table_name, loads }) => {
      const table = find(schema, table_name);
      return table ? [twoStates(segment, table, `${loads} went out of it`)] : [];
    }),
  ]);
}

type Load = Readonly<Record<"load_id" | "source" | "stream" | "table_name" | "status" | "rows", string>>;

interface SeenLoad {
  readonly load: Load;
  /** That several read; undefined for others. */
  readonly table: SharedTable | undefined;
  /** Whether rows may have come to it before. */
  readonly wasOpen: boolean;
}

/** What a load did in a table since, in words; undefined for nothing that a reader could see. */
async function landedSince(client: Client, { load, table, wasOpen }: SeenLoad, since: Moment) {
  const isWhole = load.status === "loaded" && !wasOpen;
  const rows = table && !isWhole ? await rowsSince(client, table, load, since) : Number(load.rows);
  const ended =
    load.status === "loaded" && table?.isByLoads === true
      ? `ended, with ${counted(Number(load.rows), "row")}`
      : undefined;
  return { load, table, what: rows > 0 ? `landed ${rows} of its rows` : ended };
}

/** Of a load to which rows are added, commit by commit. */
async function rowsSince(client: Client, { target }: SharedTable, load: Load, { snapshot }: Moment): Promise<number> {
  const { rows } = await client.query<{ count: string }>(
    sql`select count(*) as count from ${id(target.schema!, target.name)} where _load_id = $2 and ${isLater}`,
    [snapshot, load.load_id],
  );
  return Number(rows[0]!.count);
}

/** Loads that may still get rows. */
async function openLoads(client: Client, schema: string): Promise<readonly string[]> {
  const { rows } = await client.query<{ load_id: string }>(
    sql`select load_id from ${id(schema, "_load")} where status <> 'loaded' and status = 'loading'`,
  );
  return rows.map(({ load_id }) => load_id);
}

function twoStates({ release }: Segment, { target, readers }: SharedTable, happened: string): string {
  const shown =
    readers.length > 5 ? `${readers.slice(0, 5).join(", ")} and ${readers.length - 5} more` : readers.join(", ");
  return `release ${release} may show two states of ${targetKey(target)}: ${happened} while ${shown} read it; run again while nothing lands`;
}

function describeLoad({ load_id, source, stream }: Load): string {
  return `load ${load_id} (${source}, ${stream})`;
}

/** The loads that count, by table: ranges of their numbers, as JSON. */
const loadsByTable = (schema: string) => sql`
  select table_name, range_agg(int8range(load_id, load_id, '[]')) as loads
  from ${id(schema, "_load")}
  where status = 'loaded' and rows > 0 and not is_gone
  group by table_name`;

async function loadsOf(client: Client, schema: string): Promise<string> {
  const { rows } = await client.query<{ all: string | null }>(
    sql`select jsonb_agg(jsonb_build_object('table_name', table_name, 'loads', loads::text)) as all from (${loadsByTable(schema)}) as l`,
  );
  return rows[0]?.all ?? "[]";
}

/** Of each table the loads that counted and do not any more, in words. */
async function goneSince(client: Client, schema: string, before: string) {
  const { rows } = await client.query<Record<"table_name" | "loads", string>>(
    sql`
      select b.table_name, 'load ' || (
        select string_agg(case upper(r) - lower(r) when 1 then lower(r)::text else lower(r) || ' to ' || upper(r) - 1 end, ', ' order by r)
        from unnest(b.loads::int8multirange - coalesce(n.loads, '{}')) as r
      ) as loads
      from jsonb_to_recordset($1::jsonb) as b(table_name text, loads text)
      left join (${loadsByTable(schema)}) as n
        using (table_name)
      where b.loads::int8multirange <> b.loads::int8multirange * coalesce(n.loads, '{}')`,
    [before],
  );
  return rows;
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
 * it. Those that are open may have got rows.
 */
async function loadsSince(
  client: Client,
  schema: Target["schema"],
  { snapshot, clock }: Moment,
): Promise<readonly Load[]> {
  const { rows } = await client.query<Load>(
    sql`
      select load_id, source, stream, table_name, status, rows
      from ${id(schema, "_load")}
      where status = 'loaded' and rows > 0 and finished_at >= $2::timestamptz - interval '1 day' and ${isLater}
      union all
      select load_id, source, stream, table_name, status, rows
      from ${id(schema, "_load")}
      where status <> 'loaded' and status = 'loading'
      order by load_id`,
    [snapshot, clock],
  );
  return rows;
}

const ROUND = sql`4294967296`;
const [NOW, OWN] = [sql`pg_snapshot_xmax($1::pg_snapshot)::text::bigint`, sql`xmin::text::bigint`];

/** Whether a row is of a transaction that the snapshot `$1` does not see; the number of one of long ago may have come round. */
const isLater = sql`not pg_visible_in_snapshot(
  (${OWN} + (${NOW} - ${OWN} + ${ROUND} / 2) / ${ROUND} * ${ROUND})::text::xid8, $1::pg_snapshot
)`;

/** Where there is no ledger, or none that this role may read, or no connection: nobody can say. */
async function ask<T>(question: () => Promise<T>): Promise<T | undefined> {
  return question().catch(() => undefined);
}
