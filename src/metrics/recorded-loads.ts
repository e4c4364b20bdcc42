import { LOOKING, ledgersIn, rowsOf } from "../catalogue/rows.ts";
import { sourceFreshness } from "../library/monitoring/loads.ts";
import { storage } from "../library/monitoring/storage.ts";
import type { Ledger } from "../library/monitoring/tables.ts";
import { type Client, withTransaction } from "../postgres/client.ts";
import { id } from "../sql/identifiers.ts";
import { literal } from "../sql/literals.ts";
import { join, type Sql, sql } from "../sql/sql.ts";
import { type NamesOfProject, seconds } from "./recorded-runs.ts";

/** Of loads. */
export interface RecordedLoads {
  readonly streams: readonly {
    readonly source: string;
    readonly stream: string;
    /** Null where it never landed. */
    readonly loadedAt: number | null;
    readonly age: number | null;
    readonly warn: number | null;
    readonly error: number | null;
    /** Null where nothing is declared, or a column decides. */
    readonly state: "fresh" | "warn" | "error" | null;
    readonly failing: number;
  }[];
  readonly sources: readonly {
    readonly source: string;
    readonly loaded: number;
    readonly failed: number;
    readonly rows: number;
    readonly rejected: number;
    readonly bytes: number;
  }[];
  readonly rejects: readonly { readonly source: string; readonly open: number }[];
  /** Records of topics that have not landed, as far as was looked. */
  readonly lags: readonly { readonly source: string; readonly stream: string; readonly lag: number }[];
}

export interface RecordedStorage {
  readonly kinds: readonly { readonly kind: string; readonly bytes: number }[];
  readonly database: number;
}

/** Which loads are told of. */
interface WhichLoads {
  readonly schemas: readonly string[];
  /** Of so many at most, by their names. */
  readonly streams: number;
  readonly project: Pick<NamesOfProject, "streams" | "since">;
}

/** In one snapshot, of the ledgers of these schemas. */
export function readLoads(client: Client, which: WhichLoads): Promise<RecordedLoads | undefined> {
  return withTransaction(client, () => loadsOf(client, which), LOOKING);
}

async function loadsOf(client: Client, which: WhichLoads) {
  const { schemas, streams } = which;
  const ledgers = await ledgersIn(client, schemas);
  if (!ledgers.length) return undefined;
  return {
    streams: await rowsOf<RecordedLoads["streams"][number]>(client, streamsNow(ledgers, which)),
    sources: await rowsOf<RecordedLoads["sources"][number]>(
      client,
      sql`
        select
          source,
          count(*) filter (where status not in ('failed', 'loading')) as loaded,
          count(*) filter (where status = 'failed') as failed,
          sum(rows) as rows,
          sum(rejected) as rejected,
          coalesce(sum(bytes), 0) as bytes
        from (${ofEach(
          ledgers,
          ({ _load, _file }) => sql`
            select
              load.source,
              load.status,
              load.rows,
              load.rejected,
              (select sum(file.bytes) from ${_file} as file where file.load_id = load.load_id) as bytes
            from ${_load} as load`,
        )}) as loads
        group by source
        order by source
        limit ${literal(streams)}`,
    ),
    rejects: await rowsOf<RecordedLoads["rejects"][number]>(
      client,
      sql`
        select source, count(*) as open
        from (${ofEach(
          ledgers,
          ({ _rejected, _load }) => sql`
            select rejected.source
            from ${_rejected} as rejected
            inner join ${_load} as load
              on load.load_id = rejected.load_id
            where rejected.replayed_by is null and rejected.dismissed_at is null and load.status <> 'struck'`,
        )}) as rejects
        group by source
        order by source
        limit ${literal(streams)}`,
    ),
    lags: await lagsOf(client, schemas, streams),
  } satisfies RecordedLoads;
}

/** A stream whose table is another one since is as its newest table is; one that never landed has failed alone. */
function streamsNow(ledgers: readonly Ledger[], { project, streams }: WhichLoads): Sql {
  const asked = sql`coalesce((details ->> 'asked_at')::timestamptz, finished_at)`;
  const ended = ofEach(
    ledgers,
    ({ _load }) => sql`
      select source, stream, status, finished_at, ${asked} as asked_at
      from ${_load}
      where replay_of is null and not is_gone and status in ('loaded', 'failed')`,
  );
  const names = join(["", ...project.streams].map(literal), ", ");
  return sql`
    select
      source,
      stream,
      ${seconds(sql`fresh.last_load_at`)} as "loadedAt",
      fresh.age_seconds as age,
      fresh.warn_seconds as warn,
      fresh.error_seconds as error,
      case when fresh.state in ('error', 'warn', 'fresh') then fresh.state end as state,
      ended.failing
    from (
      select
        source,
        stream,
        max(asked_at) as asked_at,
        coalesce(max(finished_at) filter (where status = 'failed') > coalesce(max(asked_at) filter (where status = 'loaded'), '-infinity'), false)::int as failing
      from (${ended}) as loads
      group by source, stream
    ) as ended
    left join (
      select distinct on (source, stream) *
      from (${sourceFreshness(ledgers)}) as freshness
      order by source, stream, last_load_at desc
    ) as fresh
      using (source, stream)
    where source || '.' || stream in (${names}) or source in (${names}) or asked_at >= to_timestamp(${literal(project.since)})
    order by source, stream
    limit ${literal(streams)}`;
}

/** Where no topic has landed, there is no table; who may not read it is told no lag. */
async function lagsOf(client: Client, schemas: readonly string[], streams: number): Promise<RecordedLoads["lags"]> {
  const { rows } = await client.query<{ schema: string }>(
    sql`
      select n.nspname as schema
      from pg_class as c
      join pg_namespace as n
        on n.oid = c.relnamespace
      where c.relname = '_kafka_offset' and n.nspname = any ($1::text[]) and has_table_privilege(c.oid, 'select')`,
    [schemas],
  );
  if (!rows.length) return [];
  const offsets = rows.map(({ schema }) => sql`select * from ${id(schema, "_kafka_offset")}`);
  return rowsOf<RecordedLoads["lags"][number]>(
    client,
    sql`
      select source, stream, sum(greatest(end_offset - next_offset, 0)) as lag
      from (${join(offsets, "\nunion all\n")}) as offsets
      group by source, stream
      order by source, stream
      limit ${literal(streams)}`,
  );
}

function ofEach(ledgers: readonly Ledger[], query: (ledger: Ledger) => Sql): Sql {
  return join(ledgers.map(query), "\nunion all\n");
}

/** Asks the size of each table: not with each look. */
export async function readStorage(client: Client, schemas: readonly string[]): Promise<RecordedStorage> {
  const kinds = await rowsOf<RecordedStorage["kinds"][number]>(
    client,
    sql`select kind, sum(bytes)::bigint as bytes from (${storage(schemas)}) as stored group by kind`,
  );
  const [whole] = await rowsOf<{ bytes: number }>(client, sql`select pg_database_size(current_database()) as bytes`);
  return { kinds, database: whole!.bytes };
}
