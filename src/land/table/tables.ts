import { RAW_COLUMNS, RAW_LOAD_DATE, type RawColumn } from "../../model/declarations.ts";
import { UserError } from "../../model/errors.ts";
import type { Client } from "../../postgres/client.ts";
import { withTransaction } from "../../postgres/client.ts";
import { id, ids, relationId } from "../../sql/identifiers.ts";
import { literal } from "../../sql/literals.ts";
import { empty, join, type Sql, sql } from "../../sql/sql.ts";
import { currentView, viewInTheWay } from "./current-view.ts";
import { firstPartitions, partitionClause } from "./partitions.ts";
import type { RawTable } from "./raw-table.ts";
import { typeOf } from "./server-types.ts";
import { type TableWait, withShortLocks } from "./short-locks.ts";
import { judgeLoad, lockToWiden, refuseOtherMeaning, type Widening, widenColumns } from "./widen.ts";

const ownColumns = RAW_COLUMNS.map((column) => ({
  ...column,
  constraint: column.name === "_extra" ? empty : sql` not null`,
}));

const loadDate = { ...RAW_LOAD_DATE, constraint: sql` not null default ((now() at time zone 'UTC')::date)` };

/** All columns a load fills, in the order of `RecordChecker`'s cells, the two numbers first. */
export function landedColumns(table: RawTable): readonly string[] {
  return ["_load_id", "_row_no", ...table.recordSchema.columns.map((column) => column.name), "_extra"];
}

interface ExistingColumn {
  readonly name: string;
  readonly type: string;
  readonly comment: string | null;
}

/** How a table is kept up to its schema. */
interface Evolving {
  /** Waits for loads of the stream: before a column gets another type, or rows get another value. */
  readonly lock: () => Promise<void>;
  /** Fields whose values lie in `_extra` and have a column in the schema. */
  readonly fillings: {
    /** Whether a row may have one. */
    readonly mayBe: (added: readonly string[]) => Promise<boolean>;
    /** Looks at them beside the table, and returns what gives them to their rows and says what to tell. */
    readonly gather: (added: readonly string[]) => Promise<() => Promise<readonly string[]>>;
  };
}

/**
 * Adds the columns and indexes an existing table lacks, and gives columns the wider types that they have in the schema now. A
 * table that does not exist is left to the load. Fields that lie in `_extra` and have a column now are given to it. Returns what to tell.
 * @throws UserError for a type that `judgeTable` refuses, or for a view that could not be made anew
 */
export async function evolveTable(
  client: Client,
  table: RawTable,
  { lock, fillings, ...wait }: TableWait & Evolving,
): Promise<readonly string[]> {
  const judged = await judgeTable(client, table);
  if (judged === undefined) return [];
  const { existing, isWider } = judged;
  const isThere = new Set(existing.map(({ name }) => name));
  const added = table.recordSchema.columns.flatMap(({ name }) => (isThere.has(name) ? [] : [name]));
  const isFilled = await fillings.mayBe(added);
  const missing = await missingIndexes(client, table);
  const statements = [...changes(table, existing), ...missing.map((columns) => createIndex(table, columns))];
  if (!statements.length && !isWider && !isFilled && !(await currentView(client, table)).length) return [];
  // Apart from the load: the table is not locked while records are fetched.
  return withTransaction(client, async () => {
    if (isWider || isFilled) await lock();
    const fill = isFilled ? await fillings.gather(added) : async () => [];
    return withShortLocks(client, table, wait, async () => {
      const told = isWider ? await widen(client, table) : [];
      if (statements.length) await client.script(join(statements, ";\n"));
      const filled = await fill();
      await makeCurrentView(client, table);
      return [...told, ...filled];
    });
  });
}

/**
 * What a table has, and whether a load gives a column a wider type. Undefined where there is no table. Nothing is locked or changed.
 * @throws UserError for a type that a load may not or cannot give
 */
export async function judgeTable(client: Client, table: RawTable) {
  const existing = await readColumns(client, table);
  if (existing === undefined) return undefined;
  requireRaw(table, existing);
  const widenings = wideningsOf(table, existing);
  await judgeLoad(client, table, widenings);
  return { existing, isWider: widenings.length > 0 };
}

async function widen(client: Client, table: RawTable): Promise<readonly string[]> {
  await lockToWiden(client, table);
  // Another load may have done it meanwhile.
  const widenings = wideningsOf(table, (await readColumns(client, table)) ?? []);
  // Of the views that are held now: a view on a view may have come since the load was judged.
  const { views } = await widenColumns(client, table, widenings, (held) => refuseOtherMeaning(table, widenings, held));
  const changed = widenings.map(({ column, from, to }) => `${column} was ${from}, and is ${to} now`).join("; ");
  const anew = views.length ? `; made anew with it: ${views.join(", ")}` : "";
  return widenings.length ? [`${table.schema}.${table.name}: ${changed}${anew}`] : [];
}

/** Columns that have another type in the schema than in the table, called as this session's server calls both. */
function wideningsOf(table: RawTable, existing: readonly ExistingColumn[]): readonly Widening[] {
  const types = new Map(existing.map(({ name, type }) => [name, type]));
  return table.recordSchema.columns.flatMap((column) => {
    const from = types.get(column.name);
    if (from === undefined || from === column.type) return [];
    return [{ column: column.name, from, to: column.type, type: typeOf(column) }];
  });
}

async function makeCurrentView(client: Client, table: RawTable): Promise<void> {
  const statements = await currentView(client, table);
  if (statements.length) await client.script(join(statements, ";\n"));
}

/** Creates the table inside the load's transaction, unless it exists. Returns whether it was created. */
export async function createTable(client: Client, table: RawTable): Promise<boolean> {
  if ((await readColumns(client, table)) !== undefined) return false;
  const inTheWay = await viewInTheWay(client, table);
  if (inTheWay) await client.query(sql`drop view ${inTheWay}`);
  const name = relationId(table);
  const { columns, description } = table.recordSchema;
  const own = table.partition?.by === "load_date" ? [...ownColumns, loadDate] : ownColumns;
  const definitions = [
    ...columns.map((column) => sql`${id(column.name)} ${typeOf(column)}`),
    ...own.map((column) => sql`${id(column.name)} ${typeOf(column)}${column.constraint}`),
  ];
  const comments = [...columns, ...own].flatMap((column) => commentOn(table, column));
  if (description) comments.unshift(sql`comment on table ${name} is ${literal(description)}`);
  const statements = [
    sql`
      create table ${name} (
        ${definitions}
      )${partitionClause(table)}`,
    ...firstPartitions(table),
    // Loads come one after the other, so an index of a few pages finds one: a unique key would halve the speed of COPY.
    sql`create index on ${name} using brin (_load_id)`,
    ...(table.indexes ?? []).map((columns) => createIndex(table, columns)),
    ...comments,
  ];
  await client.script(join(statements, ";\n"));
  await makeCurrentView(client, table);
  return true;
}

function createIndex(table: RawTable, columns: readonly string[]): Sql {
  return sql`create index on ${relationId(table)} (${join(ids(columns), ", ")})`;
}

/** The declared indexes that an existing table lacks. */
async function missingIndexes(client: Client, table: RawTable): Promise<readonly (readonly string[])[]> {
  if (!table.indexes?.length) return [];
  const { rows } = await client.query<{ columns: string }>(
    sql`
      select (
        select json_agg(attname order by place)
        from unnest(i.indkey::int2[]) with ordinality as key(attnum, place)
        join pg_attribute a on a.attrelid = i.indrelid and a.attnum = key.attnum
      )::text as columns
      from pg_index i
      join pg_class c on c.oid = i.indexrelid
      join pg_am m on m.oid = c.relam
      where i.indrelid = to_regclass($1)
        and m.amname = 'btree'
        and i.indisvalid
        and i.indpred is null
        and i.indexprs is null`,
    [relationId(table).toString()],
  );
  const present = new Set(rows.map(({ columns }) => JSON.stringify(JSON.parse(columns))));
  return table.indexes.filter((columns) => !present.has(JSON.stringify(columns)));
}

export async function tableExists(client: Client, table: RawTable): Promise<boolean> {
  return (await readColumns(client, table)) !== undefined;
}

/** Undefined when there is no such table. */
async function readColumns(client: Client, table: RawTable): Promise<readonly ExistingColumn[] | undefined> {
  const name = relationId(table).toString();
  const { rows } = await client.query<ExistingColumn & { readonly relkind: string }>(
    sql`
      select
        c.relkind,
        a.attname as name,
        format_type(a.atttypid, a.atttypmod) as type,
        col_description(c.oid, a.attnum) as comment
      from pg_class c
      left join pg_attribute a
        on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      where c.oid = to_regclass($1)
      order by a.attnum`,
    [name],
  );
  const kind = rows[0]?.relkind;
  if (kind === undefined || (kind === "v" && (await viewInTheWay(client, table)))) return undefined;
  if (kind !== "r" && kind !== "p") {
    throw new UserError({ message: `${table.schema}.${table.name} is not a table`, hint: "name another table" });
  }
  return rows;
}

function requireRaw(table: RawTable, existing: readonly ExistingColumn[]): void {
  const types = new Map(existing.map(({ name, type }) => [name, type]));
  const wrong = RAW_COLUMNS.find(({ name, type }) => types.get(name) !== type);
  if (wrong) throw notRaw(table, wrong.name);
}

function changes(table: RawTable, existing: readonly ExistingColumn[]): Sql[] {
  const byName = new Map(existing.map((column) => [column.name, column]));
  return table.recordSchema.columns.flatMap((column) => {
    const present = byName.get(column.name);
    if (!present) {
      const add = sql`alter table ${relationId(table)} add column if not exists ${id(column.name)} ${typeOf(column)}`;
      return [add, ...commentOn(table, column)];
    }
    return (column.description ?? null) === present.comment ? [] : commentOn(table, column);
  });
}

function commentOn(table: RawTable, { name, description }: RawColumn): Sql[] {
  if (description === undefined) return [];
  return [sql`comment on column ${id(table.schema, table.name, name)} is ${literal(description)}`];
}

function notRaw(table: RawTable, column: string): UserError {
  return new UserError({
    message: `${table.schema}.${table.name} exists and is not a raw table: it has no column ${column} of the right type`,
    hint: "name another table in the declaration, or rename the existing one",
  });
}
