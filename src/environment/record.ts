import { UserError } from "../model/errors.ts";
import type { Client } from "../postgres/client.ts";
import { PRIVATE_SCHEMA } from "../sql/names.ts";
import { sql } from "../sql/sql.ts";

/** The tables of the record, and of each its columns, by the layout that brought them. */
export const RECORD: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  metadata: { ...columns(1, "version"), ...columns(5, "secret") },
  environment: {
    ...columns(1, "name", "release_id", "next_release", "fence"),
    ...columns(2, "project", "former_names", "made_schemas", "held_at", "held_by", "held_reason"),
    ...columns(3, "set_aside", "folder"),
  },
  release: columns(
    1,
    ...["environment", "release_id", "base_release_id", "content_of", "run_id", "status"],
    ...["built_at", "published_at", "collected_at", "manifest", "items"],
  ),
  run: columns(
    1,
    ...["run_id", "environment", "fence", "status", "started_at", "finished_at"],
    ...["releases", "core_version", "warnings", "errors"],
  ),
  step: {
    ...columns(1, "run_id", "schema_name", "name", "kind", "status", "seconds", "rows", "reason", "error"),
    ...columns(4, "start_seconds", "connection", "after_schema", "after_name", "after_because", "is_critical", "bytes"),
  },
  failing_row: columns(1, "run_id", "assertion_schema", "assertion_name", "row_no", "content"),
  publishing: columns(
    4,
    ...["run_id", "release_id", "outcome", "start_seconds", "seconds", "horizon_seconds", "lock_seconds", "attempts"],
  ),
  api_key: columns(
    5,
    ...["key_id", "environment", "name", "hash", "scopes", "rate_requests", "rate_seconds"],
    ...["made_at", "made_by", "expires_at", "revoked_at"],
  ),
  schedule: columns(
    6,
    ...["environment", "name", "version", "definition", "next_due", "start_at", "decided_until", "seen"],
    ...["paused_at", "paused_by", "registered_at", "removed_at"],
  ),
  schedule_due: columns(
    6,
    ...["due_id", "environment", "schedule", "version", "due", "last_due", "dues", "cause", "caused_by", "definition"],
    ...["status", "reason", "claimed_by", "claimed_at", "started_at", "finished_at"],
  ),
  schedule_step: columns(
    6,
    ...["due_id", "step_no", "attempt", "command", "arguments", "status", "made_at", "started_at"],
    ...["finished_at", "host", "process_id", "exit_code", "signal", "run_ids", "load_ids", "errors", "output"],
  ),
  incident: columns(
    6,
    ...["incident_id", "environment", "key", "kind", "subject", "content", "opened_at", "closed_at"],
  ),
  delivery: columns(
    6,
    ...["incident_id", "channel", "event", "environment", "status", "made_at", "sent_at", "message_id", "error"],
  ),
  follower: {
    ...columns(6, "environment", "name", "claimed_until", "next_at", "attempts", "error"),
    ...columns(7, "seen_fence"),
  },
  state: columns(8, "environment", "schema_name", "name", "content"),
};

function columns(layout: number, ...names: string[]): Record<string, number> {
  return Object.fromEntries(names.map((name) => [name, layout]));
}

/** What of the record is there. */
export interface RecordState {
  /** 0 where no layout is recorded. */
  readonly layout: number;
  /** Tables of that layout that are not there, among others that are. */
  readonly tables: readonly string[];
  /** Columns that tables lack which are there, as `table.column`. */
  readonly columns: readonly string[];
  /** Whether there is any of it. */
  readonly isThere: boolean;
}

/** @throws UserError where a plan could not be made upon what somebody left of the record */
export async function refuseDamagedRecord(client: Client): Promise<void> {
  const record = await readRecord(client);
  refuseAltered(record);
  refuseIncomplete(record);
}

export async function readRecord(client: Client): Promise<RecordState> {
  const wanted = Object.entries(RECORD).map(([name, all]) => ({ name, columns: Object.keys(all) }));
  const { rows } = await client.query<{ name: string; there: string; lacks: string }>(
    sql`
      select w.name, c.oid is not null as there, (
        select coalesce(jsonb_agg(w.name || '.' || wanted), '[]')
        from unnest(w.columns) as wanted
        where not exists (
          select from pg_attribute as a
          where a.attrelid = c.oid and a.attname = wanted and not a.attisdropped
        )
      ) as lacks
      from jsonb_to_recordset($1::jsonb) as w(name text, columns text[])
      left join pg_class as c
        on c.relnamespace = to_regnamespace($2) and c.relname = w.name`,
    [JSON.stringify(wanted), PRIVATE_SCHEMA],
  );
  const there = rows.filter((row) => row.there === "t");
  const lacking = there.flatMap(({ lacks }) => JSON.parse(lacks) as string[]);
  const hasVersion = there.some(({ name }) => name === "metadata") && !lacking.includes("metadata.version");
  const layout = hasVersion ? await layoutOf(client) : 0;
  return {
    layout,
    // Before any layout is recorded all are wanted, and else those that it has.
    tables: rows
      .filter(({ name, there }) => there === "f" && (layout === 0 || firstLayoutOf(name) <= layout))
      .map(({ name }) => name),
    columns: lacking.filter((one) => layoutThatBrought(one) <= layout),
    isThere: there.length > 0,
  };
}

function firstLayoutOf(table: string): number {
  return Math.min(...Object.values(RECORD[table]!));
}

function layoutThatBrought(column: string): number {
  const [table, name] = column.split(".");
  return RECORD[table!]![name!]!;
}

async function layoutOf(client: Client): Promise<number> {
  const { rows } = await client.query<{ version: string }>(sql`select version from _dataform.metadata`);
  return Number(rows[0]?.version ?? 0);
}

/** Which tables refer to one: they have to be dropped with it. */
const REFER: Readonly<Record<string, readonly string[]>> = {
  environment: ["failing_row", "publishing", "step", "run", "release"],
  run: ["failing_row", "publishing", "step"],
  schedule_due: ["schedule_step"],
  incident: ["delivery"],
};

/**
 * A table that somebody dropped is made again by the next run; one that lacks a column is not bent.
 * @throws UserError
 */
export function refuseAltered({ columns }: RecordState): void {
  const [first] = columns;
  if (first === undefined) return;
  const tables = [...new Set(columns.map((one) => one.split(".")[0]!))];
  const all = [...new Set(tables.flatMap((name) => [...(REFER[name] ?? []), name]))];
  const isHistory = all.every((name) => ["run", ...REFER.run!].includes(name));
  throw new UserError({
    message: `the record of releases in schema ${PRIVATE_SCHEMA} was altered by hand`,
    expected: "its tables as runs made them",
    found: `no column ${columns.map((one) => `${PRIVATE_SCHEMA}.${one}`).join(", ")}`,
    hint: `put the tables back from a backup; or drop table ${all.map((name) => `${PRIVATE_SCHEMA}.${name}`).join(", ")}: the next run makes them anew${
      isHistory ? ", and only what earlier runs did is forgotten" : ", and with --adopt takes over what is published"
    }`,
  });
}

/** @throws UserError for what only looks, where a table is not there or says no layout */
export function refuseIncomplete({ isThere, tables, layout }: RecordState): void {
  if (!isThere || (!tables.length && layout > 0)) return;
  const found = tables.length
    ? `no table ${tables.map((name) => `${PRIVATE_SCHEMA}.${name}`).join(", ")}`
    : `no row in ${PRIVATE_SCHEMA}.metadata`;
  throw new UserError({
    message: `the record of releases in schema ${PRIVATE_SCHEMA} is not whole: somebody changed it by hand`,
    found,
    hint: "put it back from a backup; or `dataform run`, which makes it anew",
  });
}
