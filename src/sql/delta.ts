import type { Column } from "../model/catalog.ts";
import { quoteIdentifier, quoteList } from "./identifiers.ts";
import { quotePrivate } from "./names.ts";

/** An incremental table, the table of its new rows, and the key by which new rows replace old ones. */
export interface Delta {
  readonly storage: string;
  readonly delta: string;
  /** The storage's columns: the delta is read by these names, never by position. */
  readonly columns: readonly Column[];
  readonly uniqueKey: readonly string[];
}

/** What the table will be: current rows that the delta does not replace, plus the delta. */
export function candidateQuery({ storage, delta, columns, uniqueKey }: Delta): string {
  const kept = uniqueKey.length
    ? `\nwhere not exists (select from ${quotePrivate(delta)} d where ${sameKey(uniqueKey)})\n  and not (${sameNullKey(delta, uniqueKey)})`
    : "";
  return `select ${quoteList(names(columns))} from ${quotePrivate(storage)} s${kept}
union all
select ${castColumns(columns)} from ${quotePrivate(delta)} d`;
}

/** The statements that make the storage equal to the candidate. */
export function applyDelta({ storage, delta, columns, uniqueKey }: Delta): string[] {
  const insert = `insert into ${quotePrivate(storage)} (${quoteList(names(columns))}) select ${castColumns(columns)} from ${quotePrivate(delta)} d`;
  if (!uniqueKey.length) return [insert];
  return [
    `delete from ${quotePrivate(storage)} s using ${quotePrivate(delta)} d where ${sameKey(uniqueKey)}`,
    `delete from ${quotePrivate(storage)} s where ${sameNullKey(delta, uniqueKey)}`,
    insert,
  ];
}

function names(columns: readonly Column[]): string[] {
  return columns.map(({ name }) => name);
}

function castColumns(columns: readonly Column[]): string {
  return columns.map(({ name, type }) => `d.${quoteIdentifier(name)}::${type} as ${quoteIdentifier(name)}`).join(", ");
}

function sameKey(uniqueKey: readonly string[]): string {
  return uniqueKey.map((key) => `s.${quoteIdentifier(key)} = d.${quoteIdentifier(key)}`).join(" and ");
}

/**
 * Rows whose key holds a NULL. `is not distinct from` cannot be hashed, so it is tried only when the delta has
 * such a row: the first `exists` is evaluated once and stops the rest.
 */
function sameNullKey(delta: string, uniqueKey: readonly string[]): string {
  const hasNull = (alias: string) => uniqueKey.map((key) => `${alias}.${quoteIdentifier(key)} is null`).join(" or ");
  const same = uniqueKey
    .map((key) => `s.${quoteIdentifier(key)} is not distinct from d.${quoteIdentifier(key)}`)
    .join(" and ");
  return `exists (select from ${quotePrivate(delta)} n where ${hasNull("n")}) and exists (select from ${quotePrivate(delta)} d where (${hasNull("d")}) and ${same})`;
}
