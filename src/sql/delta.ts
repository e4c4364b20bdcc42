import type { Column, Storage } from "../model/catalog.ts";
import { quoteIdentifier, quoteList, quoteLiteral } from "./identifiers.ts";
import { GONE_IN, quotePrivate, WRITTEN_BY } from "./names.ts";

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
  /** The release that the delta belongs to. */
  readonly release: number;
}

/** A column of the result, and whether each side has it. What a side lacks is NULL there. */
export interface DeltaColumn extends Column {
  readonly inStorage: boolean;
  readonly inDelta: boolean;
}

const written = quoteIdentifier(WRITTEN_BY);
const gone = quoteIdentifier(GONE_IN);

/**
 * What the table will be: earlier rows that the delta does not replace, plus the delta. The same before the delta is
 * applied and after it, so that a reader's snapshot may be from either side.
 */
export function candidateQuery(delta: Delta): string {
  const { storage, table, columns, release } = delta;
  const kept = sameKeys(delta)
    .map((same) => `\n  and not exists (select from ${quotePrivate(table)} d where ${same})`)
    .join("");
  return `select ${cast(columns, "s", "inStorage")} from ${quotePrivate(storage.table)} s
where s.${written} < ${release}${kept}
union all
select ${cast(columns, "d", "inDelta")} from ${quotePrivate(table)} d`;
}

/** The statements that make the storage equal to the candidate, and keep what they replace. */
export function applyDelta(delta: Delta): string[] {
  const { storage, table, columns, release } = delta;
  const names = quoteList(columns.map(({ name }) => name));
  const insert = `insert into ${quotePrivate(storage.table)} (${names}, ${written}) select ${cast(columns, "d", "inDelta")}, ${release} from ${quotePrivate(table)} d`;
  return [
    ...sameKeys(delta).map((same) => moveAway(storage, names, `using ${quotePrivate(table)} d where ${same}`, release)),
    insert,
  ];
}

/** What the table is, quickest to read. True for snapshots that have all its rows. */
export function currentQuery(storage: Storage, columns: readonly Column[]): string {
  return `select ${quoteList(columns.map(({ name }) => name))} from ${quotePrivate(storage.table)}`;
}

/** What the table was at an earlier release. True for ever: later releases change only what it leaves out. */
export function historicalQuery(storage: Storage, columns: readonly Column[], release: number): string {
  const names = quoteList(columns.map(({ name }) => name));
  return `select ${names} from ${quotePrivate(storage.table)} where ${written} <= ${release}
union all
select ${names} from ${quotePrivate(storage.undo)} where ${written} <= ${release} and ${gone} > ${release}`;
}

/** The statements that give the storage the rows of an earlier release again, as a release of its own. */
export function revertStorage(storage: Storage, columns: readonly Column[], to: number, release: number): string[] {
  const names = quoteList(columns.map(({ name }) => name));
  return [
    moveAway(storage, names, `where s.${written} > ${to}`, release),
    `insert into ${quotePrivate(storage.table)} (${names}, ${written}) select ${names}, ${release} from ${quotePrivate(storage.undo)} where ${written} <= ${to} and ${gone} > ${to}`,
  ];
}

/** Adds to a table as its query made it what a storage needs besides, and makes its undo table. */
export function makeStorage(storage: Storage, release: number): string[] {
  return [
    // A constant default: the table is not rewritten.
    `alter table ${quotePrivate(storage.table)} add column ${written} bigint not null default ${release}`,
    `create table ${quotePrivate(storage.undo)} (like ${quotePrivate(storage.table)}, ${gone} bigint not null)`,
  ];
}

function moveAway(storage: Storage, names: string, which: string, release: number): string {
  return `with gone as (delete from ${quotePrivate(storage.table)} s ${which} returning s.*)
insert into ${quotePrivate(storage.undo)} (${names}, ${written}, ${gone}) select ${names}, ${written}, ${release} from gone`;
}

function cast(columns: readonly DeltaColumn[], alias: string, side: "inStorage" | "inDelta"): string {
  return columns
    .map((column) => {
      const name = quoteIdentifier(column.name);
      return `${column[side] ? `${alias}.${name}` : "null"}::${column.type} as ${name}`;
    })
    .join(", ");
}

/**
 * Conditions under which a row of the table has the key of a new row. Equality alone can be hashed and looked up by an
 * index, `is not distinct from` cannot: so one condition for keys without NULL, and one for each way to have some.
 */
function sameKeys({ uniqueKey, nullKeys }: Delta): string[] {
  if (!uniqueKey.length) return [];
  return [[], ...nullKeys].map((nulls) =>
    uniqueKey
      .map((key) => ({ key, name: quoteIdentifier(key) }))
      .map(({ key, name }) =>
        nulls.includes(key) ? `s.${name} is null and d.${name} is null` : `s.${name} = d.${name}`,
      )
      .join(" and "),
  );
}

/** The columns of the key that are NULL, for each way in which rows of the table have some. */
export function nullKeysQuery(table: string, uniqueKey: readonly string[]): string {
  const nulls = uniqueKey.map((key) => `case when ${quoteIdentifier(key)} is null then ${quoteLiteral(key)} end`);
  return `select distinct array_to_json(array_remove(array[${nulls.join(", ")}], null))::text as columns from ${quotePrivate(table)} where ${uniqueKey.map((key) => `${quoteIdentifier(key)} is null`).join(" or ")}`;
}
