import { hasMetadata } from "../environment/layout.ts";
import { loads, rejectsByReason } from "../library/monitoring/loads.ts";
import { landedOverTime, storage, storedOverTime } from "../library/monitoring/storage.ts";
import type { CompiledGraph } from "../model/graph.ts";
import type { LoadSummary, OperationsData, RejectReason, StoredRelation } from "../model/operations.ts";
import { targetKey } from "../model/target.ts";
import { type Client, withTransaction } from "../postgres/client.ts";
import { literal } from "../sql/literals.ts";
import { sql } from "../sql/sql.ts";
import { freshnessOf, type LookedAt } from "./freshness.ts";
import { readReleaseSummaries } from "./releases.ts";
import { LOOKING, ledgersIn, record, rowsOf } from "./rows.ts";
import { readRuns } from "./runs.ts";
import { type DeclaredLine, notBegun, readSchedules } from "./schedules.ts";
import { type Measured, totalsOverTime } from "./storage-history.ts";

export interface OperationsOptions {
  readonly environment: string;
  /** Where sources land. */
  readonly rawSchemas: readonly string[];
  /** Assertions that are not in it any more are left out, and failing rows where the project keeps none. */
  readonly graph: Pick<CompiledGraph, "actions" | "project">;
  /** The declared sources, whose freshness is told. */
  readonly sources?: readonly LookedAt[];
  /** The lines of schedules.yaml. */
  readonly schedules?: readonly DeclaredLine[];
  /** Who reads raw data and its ledgers, where the client may not: under roles the client is the publisher's. */
  readonly landed?: Client;
}

/**
 * What is going on, as the records tell it, each client in one read-only transaction. Works where nothing ran or landed yet.
 * @throws UserError where an older version of this program made a record
 */
export async function readOperations(client: Client, options: OperationsOptions): Promise<OperationsData> {
  const ofRuns = await withTransaction(client, () => readRecord(client, options), LOOKING);
  const landed = options.landed ?? client;
  const ofLoads = await withTransaction(landed, () => readLoads(landed, options), LOOKING);
  const { stored, measured, ...told } = ofRuns;
  return {
    version: 1,
    environment: options.environment,
    ...told,
    freshness: ofLoads.freshness,
    loads: ofLoads.loads,
    moreLoads: ofLoads.moreLoads,
    rejects: ofLoads.rejects,
    storage: [...stored, ...ofLoads.stored].sort((a, b) => b.bytes - a.bytes || (a.name < b.name ? -1 : 1)),
    storageHistory: totalsOverTime([...measured, ...ofLoads.measured]),
  };
}

/**
 * Rows that fail a test are values of the tables: whoever shows none of those shows none of these.
 * @param withhold of which assertions, by `schema.name`; without it of all
 */
export function withoutFailingRows(
  operations: OperationsData,
  withhold: (assertion: string) => boolean = () => true,
): OperationsData {
  const assertions = operations.assertions.map((one) =>
    withhold(targetKey(one.target)) ? { ...one, failingRows: [] } : one,
  );
  return { ...operations, assertions };
}

async function readRecord(client: Client, { environment, graph, schedules = [] }: OperationsOptions) {
  await client.query(sql`set local timezone = 'UTC'`);
  const [now] = await rowsOf<{ at: string }>(client, sql`select now() as at`);
  const readAt = now!.at;
  const nothing = { runs: [], moreRuns: 0, models: [], assertions: [], releases: [], waits: [], measured: [] };
  if (!(await hasMetadata(client))) return { readAt, ...nothing, stored: [], schedules: notBegun(schedules), dues: [] };
  const stored = await rowsOf<StoredRelation>(
    client,
    sql`
      select kind, relation as name, bytes, rows
      from (${storage([])}) as stored
      where environment in (${literal(environment)}, '')`,
  );
  const measured = await rowsOf<Measured>(
    client,
    sql`
      select kind, relation as name, measured_at as at, bytes
      from (${storedOverTime(record)}) as stored
      where environment = ${literal(environment)} and written_by in (
        select run_id::text from _dataform.run where environment = ${literal(environment)} order by fence desc limit 100
      )
      order by measured_at`,
  );
  return {
    readAt,
    ...(await readRuns(client, environment, graph)),
    releases: await readReleaseSummaries(client, environment),
    ...(await readSchedules(client, environment, schedules)),
    stored,
    measured,
  };
}

const MOST_LOADS = 50;

async function readLoads(client: Client, { rawSchemas, sources = [] }: OperationsOptions) {
  await client.query(sql`set local timezone = 'UTC'`);
  const freshness = await freshnessOf(client, sources);
  const ledgers = await ledgersIn(client, rawSchemas);
  if (!ledgers.length) return { freshness, loads: [], moreLoads: 0, rejects: [], stored: [], measured: [] };
  const all = await rowsOf<LoadSummary & { readonly of: number }>(
    client,
    sql`
      select
        raw_schema as schema, load_id::text as "loadId", source, stream, raw_schema || '.' || table_name as "table", status,
        started_at as "startedAt", finished_at as "finishedAt", seconds, rows, rejected, file_bytes as "fileBytes",
        table_bytes as "tableBytes", file, error, count(*) over () as of
      from (${loads(ledgers)}) as loads
      order by started_at desc, load_id desc
      limit ${literal(MOST_LOADS)}`,
  );
  const rejects = await rowsOf<RejectReason>(
    client,
    sql`
      select
        source, stream, raw_schema || '.' || table_name as "table", reason, rejects as count, first_at as "firstAt", last_at as "lastAt"
      from (${rejectsByReason(ledgers)}) as rejects
      order by source, stream, rejects desc, reason`,
  );
  const stored = await rowsOf<StoredRelation>(
    client,
    sql`
      select kind, relation as name, bytes, rows
      from (${storage(rawSchemas)}) as stored
      where kind = 'raw' or kind = 'record' and not starts_with(relation, '_dataform.')`,
  );
  const measured = await rowsOf<Measured>(
    client,
    sql`
      select kind, relation as name, measured_at as at, bytes
      from (${landedOverTime(ledgers)}) as stored
      order by measured_at desc
      limit 1000`,
  );
  return {
    freshness,
    loads: all.map(({ of: _, ...load }): LoadSummary => load),
    moreLoads: (all[0]?.of ?? 0) - all.length,
    rejects,
    stored,
    measured,
  };
}
