import { CURRENT_LOADS } from "../../model/declarations.ts";
import { UserError } from "../../model/errors.ts";
import { takeLock } from "../../postgres/advisory-lock.ts";
import type { Client, ConnectOptions } from "../../postgres/client.ts";
import { withTransaction } from "../../postgres/client.ts";
import { countRelations, relationExists } from "../../postgres/relations.ts";
import { SQLSTATE, sqlState } from "../../postgres/sqlstate.ts";
import { requireUnicode } from "../../postgres/unicode.ts";
import { createSchemaOnce } from "../../sql/ddl.ts";
import { id } from "../../sql/identifiers.ts";
import { literal } from "../../sql/literals.ts";
import { type Identifier, join, type Sql, sql } from "../../sql/sql.ts";
import { currentLoads } from "./current-loads.ts";
import { continueNumbers, numbersGoOn } from "./numbers.ts";

// The tables of the ledger: what they are called, and how they are made and brought up to date.

// Indexes, by which loads of one stream and the few that are open, struck or failed are found among all.
const LOADS_OF_STREAM = "_load_of_stream";
const NOT_LOADED = "_load_not_loaded";

export const loadTable = (schema: string) => id(schema, "_load");
export const rejectedTable = (schema: string) => id(schema, "_rejected");
export const fileTable = (schema: string) => id(schema, "_file");
export const driftTable = (schema: string) => id(schema, "_drift");

/** Told when something is waited for. */
export type OnWait = (what: string) => void;

export type Waiting = Pick<ConnectOptions, "signal" | "onWait">;

/** Creates the schema, `_load`, `_rejected`, `_file` and `_drift` where they are missing. */
export async function prepareLedger(client: Client, schema: string, { signal, onWait }: Waiting): Promise<void> {
  const before = await standing(client, schema);
  if (before.isUpToDate && before.goesOn) return;
  await requireUnicode(client);
  await withTransaction(client, async () => {
    // Two first loads at once: "if not exists" alone does not keep them apart.
    await takeLock(client, "dataform ingest ledger", {
      reach: "transaction",
      deadline: 60_000,
      signal,
      tell: onWait,
      taken: "another ingest makes its tables",
      hint: "try again when it has ended, or end it",
    });
    // Made anew it would be in the way of the load that follows the other one, and that in ours.
    const { isUpToDate, goesOn } = await standing(client, schema);
    if (isUpToDate && goesOn) return;
    if (!isUpToDate) {
      await client.script(createSchemaOnce(schema));
      await client.script(ledgerStatements(schema));
      if (!(await hasColumn(client, fileTable(schema), "table_name"))) await client.script(filesByTable(schema));
      await client.script(currentLoads(schema));
    }
    await continueNumbers(client, schema);
  }).catch((error) => {
    throw sqlState(error) === SQLSTATE.insufficientPrivilege ? notOurs(schema, error) : error;
  });
}

function notOurs(schema: string, cause: Error): UserError {
  return new UserError({
    message: `the ledger in schema ${schema} cannot be made ready by this login`,
    found: cause.message,
    hint:
      "a ledger that is new here, restored or of an earlier release is made ready by its owner: load once as that one (--url), or give the " +
      `schema and its tables to the login of the loads, by hand (alter table ${schema}._load owner to …) or with dataform roles --apply`,
    cause,
  });
}

/** Whether the ledger has the table, the view, the indexes and the columns that came last, and goes on with its own numbers. */
export async function standing(
  client: Client,
  schema: string,
): Promise<{ readonly isUpToDate: boolean; readonly goesOn: boolean }> {
  const { rows } = await client.query<Record<"current" | "going", string>>(
    sql`
      select
        ${countRelations(schema, ["_drift", CURRENT_LOADS, LOADS_OF_STREAM, NOT_LOADED])} = 4
          and (
            select count(*)
            from pg_attribute
            where (attrelid, attname) in ((to_regclass($1), 'dismissed_at'), (to_regclass($2), 'filled_at'))
              and not attisdropped
          ) = 2 as current,
        ${numbersGoOn(schema)} as going`,
    [rejectedTable(schema).toString(), driftTable(schema).toString()],
  );
  const { current, going } = rows[0]!;
  return { isUpToDate: current === "t", goesOn: going === "t" };
}

/** Whether a table of a ledger, which may be of an earlier release, has a column. */
export async function hasColumn(client: Client, table: Identifier, column: string): Promise<boolean> {
  const { rows } = await client.query<{ found: string }>(
    sql`
      select exists (
        select from pg_attribute
        where attrelid = $1::regclass and attname = $2 and not attisdropped
      ) as found`,
    [table.toString(), column],
  );
  return rows[0]!.found === "t";
}

/** Of a ledger from before files were known by the table that they landed in. */
function filesByTable(schema: string): Sql {
  const file = fileTable(schema);
  return sql`
    alter table ${file} add column table_name text;

    update ${file} f
    set table_name = l.table_name
    from ${loadTable(schema)} l
    where l.load_id = f.load_id;

    update ${file}
    set table_name = stream
    where table_name is null;

    alter table ${file}
      alter column table_name set not null,
      drop constraint _file_pkey,
      drop constraint _file_source_stream_path_checksum_key,
      add primary key (source, stream, table_name, path, version),
      add unique (source, stream, table_name, path, checksum)`;
}

export function ledgerExists(client: Client, schema: string): Promise<boolean> {
  // The table that came last.
  return relationExists(client, driftTable(schema));
}

function ledgerStatements(schema: string): Sql {
  const [load, rejected, file, drift] = [loadTable, rejectedTable, fileTable, driftTable].map((table) => table(schema));
  const tables = sql`
    create table if not exists ${load!} (
      load_id bigint generated always as identity primary key,
      source text not null,
      stream text not null,
      table_name text not null,
      status text not null,
      started_at timestamptz not null,
      finished_at timestamptz,
      rows bigint not null default 0,
      rejected bigint not null default 0,
      cursor jsonb,
      details jsonb
    );

    alter table ${load!}
      add column if not exists batch text not null default 'log',
      add column if not exists as_of text,
      add column if not exists file text,
      add column if not exists version integer,
      add column if not exists replay_of bigint,
      add column if not exists is_gone boolean not null default false;

    create index if not exists ${id(LOADS_OF_STREAM)} on ${load!} (table_name, source, stream, load_id);

    create index if not exists ${id(NOT_LOADED)} on ${load!} (load_id) where status <> 'loaded';

    update ${load!}
    set file = details ->> 'file', version = (details ->> 'version')::integer
    where file is null and details ->> 'file' is not null;

    create table if not exists ${rejected!} (
      load_id bigint not null,
      source text not null,
      stream text not null,
      row_no bigint not null,
      position text not null,
      reason text not null,
      record text not null,
      rejected_at timestamptz not null default now(),
      primary key (load_id, row_no)
    );

    alter table ${rejected!}
      add column if not exists file text,
      add column if not exists line bigint,
      add column if not exists byte bigint,
      add column if not exists replayed_by bigint,
      add column if not exists dismissed_at timestamptz;

    create table if not exists ${file!} (
      source text not null,
      stream text not null,
      path text not null,
      version integer not null,
      checksum text not null,
      bytes bigint not null,
      modified_at timestamptz,
      tag text,
      load_id bigint not null,
      landed_at timestamptz not null default now(),
      table_name text not null,
      primary key (source, stream, table_name, path, version),
      unique (source, stream, table_name, path, checksum)
    );

    create table if not exists ${drift!} (
      load_id bigint not null,
      source text not null,
      stream text not null,
      kind text not null,
      field text not null,
      records bigint,
      noticed_at timestamptz not null default now(),
      primary key (load_id, kind, field)
    );

    alter table ${drift!}
      add column if not exists filled_at timestamptz`;
  return join([tables, ...ledgerComments(schema)], ";\n");
}

function ledgerComments(schema: string): Sql[] {
  const table = (name: Identifier, text: string) => sql`comment on table ${name} is ${literal(text)}`;
  const column = (name: string, column: string, text: string) =>
    sql`comment on column ${id(schema, name, column)} is ${literal(text)}`;
  return [
    table(loadTable(schema), "Every load of every stream, written in the transaction that landed its rows"),
    column(
      "_load",
      "status",
      "loaded; loading while it is open and its rows are coming; failed (nothing was landed); struck (it counts not)",
    ),
    column("_load", "cursor", "Where the next load begins"),
    column("_load", "batch", "What the load says about records it does not hold: log, partial, full or slice"),
    column("_load", "file", "The path of the file that it landed"),
    column("_load", "version", "Counts the contents of the path, from 1"),
    column("_load", "replay_of", "The load whose rejects it landed"),
    column("_load", "is_gone", "Whether its table was dropped since"),
    column("_load", "as_of", "The date or time the batch is of, from the path of its file"),
    table(rejectedTable(schema), "Records that do not meet their schema, with the reason and the record"),
    column("_rejected", "position", "Where the source had the record"),
    column("_rejected", "replayed_by", "The load that landed the record later, after a replay"),
    column("_rejected", "dismissed_at", "When a person said that it need not land"),
    table(fileTable(schema), "Files that landed, each version of each path once for each table"),
    column("_file", "checksum", "SHA-256 of the file as stored"),
    table(driftTable(schema), "Fields that came or went without the schema knowing"),
    column("_drift", "filled_at", "When the rows of the load gave the field to its column, which the schema had got"),
  ];
}
