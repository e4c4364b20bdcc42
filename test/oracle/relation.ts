import { type Exact, isWrittenAs } from "./exact.ts";

/** A row as read from a raw table: each value as PostgreSQL writes it in a session of UTC. */
export type RawRow = Readonly<Record<string, string | null>>;
/** Rows of `raw.*` by table, with the ledger as `_load`. */
export type Raw = Readonly<Record<string, readonly RawRow[]>>;

/** Days and moments are texts, as PostgreSQL writes them. */
export type Cell = string | boolean | Exact | Near | null;

/** What no fraction is, a root: compared with 12 digits. */
export interface Near {
  readonly near: number;
}
export type Row = Readonly<Record<string, Cell>>;

/** What a relation must hold. */
export interface Expected {
  readonly key: readonly string[];
  readonly rows: readonly Row[];
  /** Columns that say how it was computed, and nothing about the world. */
  readonly without?: readonly string[];
}

/** From what landed to what every relation holds, by its name with the schema. */
export type Oracle = (raw: Raw) => Readonly<Record<string, Expected>>;

export interface Actual {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | null)[])[];
}

/** Rows of one group each, in their order. */
export function grouped<T>(all: readonly T[], key: (one: T) => string): T[][] {
  const found = new Map<string, T[]>();
  for (const one of all) {
    const own = found.get(key(one));
    if (own) own.push(one);
    else found.set(key(one), [one]);
  }
  return [...found.values()];
}

/** Differences told of one relation. */
const TOLD = 5;

/** The first cells that are not as expected, a line each. */
export function differences(name: string, { key, rows, without = [] }: Expected, actual: Actual): string[] {
  const told: string[] = [];
  const tell = (line: string) => told.length < TOLD && told.push(`${name} ${line}`);
  const columns = actual.columns.filter((column) => !without.includes(column));
  const known = Object.keys(rows[0] ?? {});
  const strange = rows.length ? columns.filter((column) => !known.includes(column)) : [];
  const missing = rows.length ? known.filter((column) => !actual.columns.includes(column)) : [];
  if (strange.length || missing.length) tell(`columns: expected also ${missing}, the oracle does not know ${strange}`);
  const found = new Map<string, Readonly<Record<string, string | null>>>();
  for (const row of actual.rows) {
    const named = Object.fromEntries(actual.columns.map((column, index) => [column, row[index] ?? null]));
    const at = JSON.stringify(key.map((column) => named[column]));
    if (found.has(at)) tell(`${at}: twice`);
    found.set(at, named);
  }
  for (const row of rows) {
    const at = JSON.stringify(key.map((column) => shown(row[column]!)));
    const other = found.get(at);
    found.delete(at);
    if (!other)
      tell(
        `${at}: expected ${JSON.stringify(row, (_, cell) => (isExact(cell) || isNear(cell) ? shown(cell) : cell))}, found no row`,
      );
    else
      for (const column of known)
        if (column in other && !isSame(row[column]!, other[column]!))
          tell(`${at} ${column}: expected ${shown(row[column]!)}, found ${other[column]}`);
  }
  for (const [at, row] of found) tell(`${at}: expected no row, found ${JSON.stringify(row)}`);
  return told;
}

function isExact(cell: unknown): cell is Exact {
  return typeof cell === "object" && cell !== null && "under" in cell;
}

function isNear(cell: unknown): cell is Near {
  return typeof cell === "object" && cell !== null && "near" in cell;
}

function isSame(cell: Cell, text: string | null): boolean {
  if (isNear(cell))
    return text !== null && Math.abs(Number(text) - cell.near) <= 1e-12 * Math.max(1, Math.abs(cell.near));
  return isExact(cell) ? text !== null && isWrittenAs(cell, text) : shown(cell) === text;
}

function shown(cell: Cell): string | null {
  if (typeof cell === "boolean") return cell ? "t" : "f";
  if (isNear(cell)) return String(cell.near);
  if (!isExact(cell)) return cell;
  return cell.under === 1n ? String(cell.over) : `${cell.over}/${cell.under}`;
}
