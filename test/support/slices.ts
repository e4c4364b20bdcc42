import { id } from "../../src/sql/identifiers.ts";
import { literal } from "../../src/sql/literals.ts";

/** A ledger with what reports that are read again need of it. */
export const makeSliceLedger = `
  create schema if not exists raw;
  create table raw._load (
    load_id bigint primary key, source text, stream text, table_name text, status text, finished_at timestamptz,
    rejected bigint, batch text, details jsonb);`;

/** Columns as they are named, each with its value; entries, for names that an object cannot have. */
export type Cells = readonly (readonly [column: string, value: string | null])[];

export interface SliceLoad {
  readonly id: number;
  /** First and last day that were asked for; none: those of the rows. */
  readonly days?: readonly [string, string];
  readonly rows: readonly Cells[];
}

/** A raw table whose columns are texts, but for those of `types`. */
export function makeTextFeed(
  table: string,
  columns: readonly string[],
  types: Readonly<Record<string, string>>,
): string {
  const shape = columns.map((name) => `${id(name)} ${Object.hasOwn(types, name) ? types[name] : "text"}`);
  return `create table raw.${id(table)} (${shape.join(", ")}, _load_id bigint, _row_no bigint);`;
}

/** The statements that land a load an hour after the one before. */
export function landSlice(table: string, { id: loadId, days, rows }: SliceLoad): string {
  const details = days ? JSON.stringify({ days: { start: days[0], end: days[1] } }) : "{}";
  const statements = rows.map((cells, index) => {
    const columns = [...cells.map(([name]) => id(name)), "_load_id", "_row_no"];
    const values = [...cells.map(([, value]) => (value === null ? "null" : literal(value))), loadId, index + 1];
    return `insert into raw.${id(table)} (${columns.join()}) values (${values.join()});`;
  });
  return `${statements.join("\n")}
    insert into raw._load values (${loadId}, 'src', 's', ${literal(table)}, 'loaded',
      timestamptz '2026-02-01Z' + ${loadId} * interval '1 hour', 0, 'slice', ${literal(details)});`;
}
