import type { IngestDeclaration, StreamDeclaration } from "../../model/declarations.ts";
import type { FieldsSeen } from "../../model/load-report.ts";
import type { Client } from "../../postgres/client.ts";
import { literal } from "../../sql/literals.ts";
import { sql } from "../../sql/sql.ts";
import { fieldsSeen } from "./fields.ts";
import { type GoneLoads, goneLoadsOf } from "./gone-loads.ts";
import { kafkaLag, queueKey } from "./kafka-offsets.ts";
import { fileTable, ledgerExists, loadTable, rejectedTable } from "./ledger-tables.ts";
import type { ReasonCount } from "./reason-counts.ts";
import { openReasons, whereOpen } from "./rejects.ts";
import { STRUCK } from "./strike.ts";

/** Where a stream stands, on its way into its table. The fields are those that the schema does not know now, and that the last load lacked. */
export interface StreamState extends FieldsSeen, GoneLoads {
  readonly source: string;
  readonly stream: string;
  readonly table: string;
  /** Of the last load that landed; null before the first one. */
  readonly loadId: string | null;
  readonly loadedAt: string | null;
  readonly cursor: string | null;
  readonly batch: string | null;
  readonly asOf: string | null;
  /** Rows of all loads. */
  readonly rows: number;
  /** Rejects that neither landed later nor were dismissed. */
  readonly rejected: number;
  /** Why, the most frequent first; how many more reasons, and how many rejects these have. */
  readonly reasons: readonly ReasonCount[];
  readonly moreReasons: number;
  readonly moreRejects: number;
  readonly files: number;
  /** Offsets of its topics that have not landed, as far as brokers were asked; null where it has none. */
  readonly lag: number | null;
  /** The error of the last load, if it failed. */
  readonly error: string | null;
  /** Loads that somebody said count not, the newest first, and why. */
  readonly struck: readonly { readonly loadId: string; readonly why: string }[];
}

/** A table that nothing landed in. */
const nothing = {
  ...{ rows: 0, rejected: 0, reasons: [], moreReasons: 0, moreRejects: 0, files: 0 },
  ...{ unknownFields: [], moreUnknownFields: 0, missingFields: [], moreMissingFields: 0 },
  ...{ goneLoads: [], moreGoneLoads: 0, struck: [], lag: null },
};

export async function streamState(
  client: Client,
  { schema, source, connector: from }: IngestDeclaration,
  { name, table, recordSchema, connector }: StreamDeclaration,
): Promise<StreamState> {
  const none = { loadId: null, loadedAt: null, cursor: null, batch: null, asOf: null, error: null };
  const target = { source, stream: name, table: `${schema}.${table}` };
  if (!(await ledgerExists(client, schema))) return { ...target, ...none, ...nothing };
  const ledger = loadTable(schema);
  const open = await whereOpen(client, schema);
  const { rows } = await client.query<Record<string, string | null>>(
    sql`
      with

      loads as (
        select *
        from ${ledger}
        where source = $1 and stream = $2 and table_name = $3
      ),

      last_loaded as (
        select *
        from loads
        where status = 'loaded'
        order by load_id desc
        limit 1
      )

      select
        l.load_id,
        l.finished_at,
        l.cursor ->> 'value' as cursor,
        l.batch,
        l.as_of,
        (select coalesce(sum(rows), 0) from loads where status = 'loaded') as rows,
        (
          select count(*)
          from ${rejectedTable(schema)} r
          join loads using (load_id)
          where ${open}
        ) as rejected,
        (
          select count(distinct f.path)
          from ${fileTable(schema)} f
          join loads using (load_id)
        ) as files,
        (
          select case when status = 'failed' then details ->> 'error' end
          from loads
          where status <> 'loading'
          order by load_id desc
          limit 1
        ) as error,
        (
          select json_agg(json_build_object('loadId', load_id::text, 'why', details #>> ${literal(`{${STRUCK},why}`)}) order by load_id desc)
          from loads
          where status = ${literal(STRUCK)} and replay_of is null
        ) as struck
      from (select) as always
      left join last_loaded l on true`,
    [source, name, table],
  );
  const { load_id: loadId, finished_at: loadedAt, cursor, batch, as_of: asOf, error, struck, ...counts } = rows[0]!;
  const key = { schema, source, stream: name, table };
  // Events of all streams are in one topic.
  const isQueued = from.kind === "collect" && from.produce !== undefined;
  const { reasons, more: moreReasons, moreRejects } = (await openReasons(client, key)).told();
  return {
    ...target,
    ...none,
    ...(loadId ? { loadId, loadedAt: loadedAt!, cursor: cursor ?? null, batch: batch!, asOf: asOf ?? null } : {}),
    rows: Number(counts.rows),
    rejected: Number(counts.rejected),
    ...{ reasons, moreReasons, moreRejects },
    ...(await fieldsSeen(
      client,
      key,
      recordSchema.columns.map((column) => column.name),
    )),
    ...(await goneLoadsOf(client, key)),
    files: Number(counts.files),
    lag: connector.kind === "kafka" || isQueued ? await kafkaLag(client, isQueued ? queueKey(key) : key) : null,
    error: error ?? null,
    struck: JSON.parse(struck ?? "[]") as StreamState["struck"],
  };
}
