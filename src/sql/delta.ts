import type { Column, Storage } from "../model/catalog.ts";
import { comparableValue, differ } from "./compare.ts";
import { asBefore, lookUpFew } from "./few-rows.ts";
import { isGone, isPlace, placeColumns, refuseOthersGone } from "./gone.ts";
import { id, ids } from "./identifiers.ts";
import { dollarQuoted, literal } from "./literals.ts";
import { GONE_IN, privateId, WRITTEN_BY } from "./names.ts";
import { and, empty, join, type Sql, sql } from "./sql.ts";
import { embeds, hasOwnOperators, serverName } from "./types.ts";

/** An incremental table, the table of its new rows, and the key by which new rows replace old ones. */
export interface Delta {
  readonly storage: Storage;
  /** The private table of new rows. */
  readonly table: string;
  /** The model's columns: the delta is read by these names, never by position. */
  readonly columns: readonly DeltaColumn[];
  readonly uniqueKey: readonly string[];
  /** For each way in which new rows have NULLs in their key: the columns that are NULL. */
  readonly nullKeys: readonly (readonly string[])[];
  /** The table of the rows that the author's own statements deleted, where there are any. */
  readonly gone?: string | undefined;
  /** The release that the delta belongs to. */
  readonly release: number;
}

/** A column of the result, and as each side has it. What a side lacks is NULL there. */
export interface DeltaColumn extends Column {
  readonly inStorage?: Column | undefined;
  readonly inDelta?: Column | undefined;
}

const written = id(WRITTEN_BY);
const gone = id(GONE_IN);

/**
 * What the table will be: earlier rows that the delta does not replace, plus the delta. The same before the delta is
 * applied and after it, so that a reader's snapshot may be from either side.
 */
export function candidateQuery(delta: Delta): Sql {
  return candidate(delta, () => []);
}

/** The same with the place of each row. */
export function candidateWithPlaces(delta: Delta): Sql {
  return candidate(delta, placeColumns);
}

/** What the table is without the rows that are gone, with the place of each. */
export function currentWithPlaces(storage: Storage, columns: readonly Column[], gone: string): Sql {
  return sql`
    select
      ${[...columns.map(({ name }) => id("s", name)), ...placeColumns(storage.table, "s")]}
    from ${privateId(storage.table)} as s
    where not ${isGone(gone, storage.table, "s")}`;
}

function candidate(delta: Delta, places: (table: string, side: Side) => readonly Sql[]): Sql {
  const { storage, table, columns, gone } = delta;
  return sql`
    select
      ${[...columns.map((column) => named(column, "s")), ...places(storage.table, "s")]}
    from ${privateId(storage.table)} as s
    where ${kept(delta)}
    union all
    select
      ${[...columns.map((column) => named(column, "d")), ...places(table, "d")]}
    from ${privateId(table)} as d${gone === undefined ? empty : sql` where not ${isGone(gone, table, "d")}`}`;
}

/** Of the storage's rows, called `s`: those that stay. */
function kept(delta: Delta): Sql {
  const { storage, gone } = delta;
  const earlier = sql`s.${written} < ${literal(delta.release)}`;
  const deleted = gone === undefined ? [] : [sql`not ${isGone(gone, storage.table, "s")}`];
  const replaced = sameKeys({ ...delta, nullKeys: [] }).map(
    (same) => sql`not exists (select from ${privateId(delta.table)} as d where ${same})`,
  );
  return and([earlier, ...deleted, ...replaced, ...withHalfKey(delta), ...withoutKey(delta)]);
}

/** Where some columns of a key are NULL: only rows that have them so are looked up, and not each row of the table once more. */
function withHalfKey(delta: Delta): Sql[] {
  const { table, uniqueKey, columns } = delta;
  return delta.nullKeys
    .filter((nulls) => !isWhole(nulls, uniqueKey))
    .map((nulls) => {
      const areNull = (side: Side) => nulls.map((name) => sql`${id(side, name)} is null`);
      const others = columns.filter(({ name }) => uniqueKey.includes(name) && !nulls.includes(name));
      const same = others.map((key) => sql`${valueIn(key, "s")} ${equals(key)} ${valueIn(key, "d")}`);
      return sql`not (${and([...areNull("s"), sql`exists (select from ${privateId(table)} as d where ${and([...areNull("d"), ...same])})`])})`;
    });
}

/**
 * A key that is NULL as a whole compares nothing, and as a join would be looked up for each row of the table: it is asked for once.
 * @returns nothing where no new row has such a key
 */
function withoutKey({ table, uniqueKey, nullKeys }: Delta): Sql[] {
  if (!nullKeys.some((nulls) => isWhole(nulls, uniqueKey))) return [];
  const areNull = (side: Side) => uniqueKey.map((name) => sql`${id(side, name)} is null`);
  return [
    sql`not (${and([...areNull("s"), sql`exists (select from ${privateId(table)} as d where ${and(areNull("d"))})`])})`,
  ];
}

function isWhole(nulls: readonly string[], uniqueKey: readonly string[]): boolean {
  return nulls.length === uniqueKey.length;
}

/**
 * The statements that make the storage equal to the candidate, and keep what they replace.
 * @param what the model, for messages
 */
export function applyDelta(delta: Delta, what: string): Sql[] {
  const { storage, table, columns, gone, release } = delta;
  const names = namesOf(columns);
  const replaced = sameKeys(delta).map((same) =>
    moveAway(storage, names, sql`using ${privateId(table)} as d where ${same}`, release),
  );
  return [
    ...(gone === undefined ? [] : [moveDeleted(delta, gone, what)]),
    ...(replaced.length ? [lookUpFew(table, storage.table), ...replaced, ...asBefore] : []),
    sql`
      insert into ${privateId(storage.table)} (${[...names, written]})
      select
        ${columns.map((column) => valueIn(column, "d"))},
        ${literal(release)}
      from ${privateId(table)} as d${gone === undefined ? empty : sql` where not ${isGone(gone, table, "d")}`}`,
  ];
}

function moveDeleted({ storage, table, columns, release }: Delta, gone: string, what: string): Sql {
  const move = moveAway(
    storage,
    namesOf(columns),
    sql`using ${privateId(gone)} as g where ${isPlace(storage.table, "s")}`,
    release,
  );
  const body = sql`
    declare
      moved bigint;
    begin
      ${move};
      get diagnostics moved = row_count;
      ${refuseOthersGone(gone, table, what)}
    end`;
  return sql`do ${dollarQuoted(body)}`;
}

/**
 * Where columns take another type: a check that no earlier row that stays gets another value by it.
 * @param what the model, for the message
 */
export function refuseBent(delta: Delta, what: string): Sql[] {
  return delta.columns.flatMap((column) => {
    const { name, type, inStorage } = column;
    if (!inStorage || !column.inDelta || embeds(inStorage.type, type)) return [];
    const back = sql`(${valueIn(column, "s")})::${serverName(inStorage.type)}`;
    // 0.1 as real is 0.10000000149 as double precision, and back again 0.1.
    const isFloat = /^(?:real|double precision)/.test(inStorage.type) && /^(?:real|double precision)/.test(type);
    const looksBent = isFloat ? sql`or ${id("s", name)}::text is distinct from (${valueIn(column, "s")})::text` : empty;
    const message = literal(`${what}: column "${name}" has values that would not be the same as ${type}`);
    const hint = literal(
      `the table has it as ${inStorage.type}: --full-refresh starts afresh, or cast in the query to the type of the table`,
    );
    const body = sql`
      declare
        bent boolean;
      begin
        begin
          select exists (
            -- The offset keeps rows that are replaced from being cast.
            select from (select s.* from ${privateId(delta.storage.table)} as s where ${kept(delta)} offset 0) as s
            where ${differ(comparableValue(id("s", name), inStorage.type), comparableValue(back, inStorage.type))}
              ${looksBent}
          ) into bent;
        exception when data_exception or integrity_constraint_violation or cannot_coerce then
          raise exception using errcode = 'data_exception', message = ${message}, detail = sqlerrm, hint = ${hint};
        end;
        if bent then
          raise exception using errcode = 'data_exception', message = ${message}, hint = ${hint};
        end if;
      end`;
    return [sql`do ${dollarQuoted(body)}`];
  });
}

/** What the table is, quickest to read. True for snapshots that have all its rows. */
export function currentQuery(storage: Storage, columns: readonly Column[]): Sql {
  return sql`
    select
      ${namesOf(columns)}
    from ${privateId(storage.table)}`;
}

/** What the table was at an earlier release. True for ever: later releases change only what it leaves out. */
export function historicalQuery(storage: Storage, columns: readonly Column[], release: number): Sql {
  const names = namesOf(columns);
  return sql`
    select
      ${names}
    from ${privateId(storage.table)}
    where ${written} <= ${literal(release)}
    union all
    select
      ${names}
    from ${privateId(storage.undo)}
    where ${written} <= ${literal(release)} and ${gone} > ${literal(release)}`;
}

/** The statements that give the storage the rows of an earlier release again, as a release of its own. */
export function revertStorage(storage: Storage, columns: readonly Column[], to: number, release: number): Sql[] {
  const names = namesOf(columns);
  return [
    moveAway(storage, names, sql`where s.${written} > ${literal(to)}`, release),
    sql`
      insert into ${privateId(storage.table)} (${[...names, written]})
      select
        ${names},
        ${literal(release)}
      from ${privateId(storage.undo)}
      where ${written} <= ${literal(to)} and ${gone} > ${literal(to)}`,
  ];
}

/** Adds to a table as its query made it what a storage needs besides, and makes its undo table. */
export function makeStorage(storage: Storage, release: number): Sql[] {
  const [table, undo] = [privateId(storage.table), privateId(storage.undo)];
  return [
    // A constant default: the table is not rewritten.
    sql`alter table ${table} add column ${written} bigint not null default ${literal(release)}`,
    sql`create table ${undo} (like ${table}, ${gone} bigint not null)`,
    replicaIdentity(storage.undo),
  ];
}

/** The table as its query and its author made it. */
export function withoutRelease(table: string): Sql {
  return sql`alter table ${privateId(table)} drop column ${written}`;
}

/**
 * A table without a primary key that a publication has (`for all tables`, `for tables in schema`) can be neither updated nor
 * deleted from, unless it says what its rows are told by. Without a publication it costs nothing.
 */
export function replicaIdentity(table: string): Sql {
  return sql`alter table ${privateId(table)} replica identity full`;
}

function moveAway(storage: Storage, names: readonly Sql[], which: Sql, release: number): Sql {
  return sql`
    with gone as (
      delete from ${privateId(storage.table)} as s
      ${which}
      returning s.*
    )
    insert into ${privateId(storage.undo)} (${[...names, written, gone]})
    select
      ${[...names, written]},
      ${literal(release)}
    from gone`;
}

function namesOf(columns: readonly Column[]): Sql[] {
  return ids(columns.map(({ name }) => name));
}

type Side = "s" | "d";

function named(column: DeltaColumn, side: Side): Sql {
  return sql`${valueIn(column, side)} as ${id(column.name)}`;
}

/**
 * A column's value of one side, in the type of the result. Where the types differ every value of the one is one of the
 * other (`embeds`), or was looked at (`refuseBent`): a cast bends without a word.
 */
function valueIn(column: DeltaColumn, side: Side): Sql {
  const given = side === "s" ? column.inStorage : column.inDelta;
  const type = serverName(column.type);
  const collate =
    given?.collation === column.collation ? sql`` : sql` collate ${serverName(column.collation ?? '"default"')}`;
  if (!given) return sql`null::${type}${collate}`;
  const value = id(side, column.name);
  return given.type === column.type ? sql`${value}${collate}` : sql`${value}::${type}${collate}`;
}

/**
 * Conditions under which a row of the table has the key of a new row. Equality alone can be hashed and looked up by an
 * index, `is not distinct from` cannot: so one condition for keys without NULL, and one for each way to have some.
 */
function sameKeys({ uniqueKey, nullKeys, columns }: Delta): Sql[] {
  if (!uniqueKey.length) return [];
  const keys = columns.filter(({ name }) => uniqueKey.includes(name));
  return [[], ...nullKeys].map((nulls: readonly string[]) =>
    join(
      keys.map((key) =>
        nulls.includes(key.name)
          ? sql`${id("s", key.name)} is null and ${id("d", key.name)} is null`
          : sql`${valueIn(key, "s")} ${equals(key)} ${valueIn(key, "d")}`,
      ),
      " and ",
    ),
  );
}

/**
 * The equality of a type: the one that the unique index has, which need not be the one that the session's search_path finds.
 * Where PostgreSQL has one for just this type nothing else is found.
 */
function equals({ type, equality }: Column): Sql {
  if (equality === undefined && hasOwnOperators(type)) return sql`=`;
  return sql`operator(${id(equality ?? "pg_catalog")}.=)`;
}

/** The columns of the key that are NULL, for each way in which rows of the table have some. */
export function nullKeysQuery(table: string, uniqueKey: readonly string[]): Sql {
  const nulls = uniqueKey.map((key) => sql`case when ${id(key)} is null then ${literal(key)} end`);
  return sql`
    select distinct array_to_json(array_remove(array[${join(nulls, ", ")}], null))::text as columns
    from ${privateId(table)}
    where ${join(
      uniqueKey.map((key) => sql`${id(key)} is null`),
      " or ",
    )}`;
}
