import { type Exact, isWrittenAs, number } from "./exact.ts";

/** A row as read from a raw table: each value as PostgreSQL writes it in a session of UTC. */
export type RawRow = Readonly<Record<string, string | null>>;
/** Rows of `raw.*` by table, with the ledger as `_load`. */
export type Raw = Readonly<Record<string, readonly RawRow[]>>;

/** Days and moments are texts, as PostgreSQL writes them. */
export type Cell = string | boolean | Exact | Near | Said | Any | null;

/** Something, which others say what: not NULL. */
interface Any {
  readonly any: true;
}
export const ANY: Any = { any: true };

/** What a JSON of a row or of several says in these fields, whatever else it says, and in no order. */
interface Said {
  readonly said: readonly Readonly<Record<string, string | Exact | null>>[];
}

/** What no fraction is, a root: compared with 12 digits. */
export interface Near {
  readonly near: number;
}
export type Row = Readonly<Record<string, Cell>>;

/** What a relation must hold. */
export interface Expected {
  /** Rows that have all of it in common are told apart by their place alone. */
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
  const example = new Map(
    known.map((column) => {
      const cells = rows.map((row) => row[column]!);
      return [column, cells.find((cell) => isExact(cell) || (isSaid(cell) && cell.said.length > 0)) ?? cells[0]!];
    }),
  );
  const found = new Map<string, Readonly<Record<string, string | null>>>();
  const place = places();
  for (const row of actual.rows) {
    const named = Object.fromEntries(actual.columns.map((column, index) => [column, row[index] ?? null]));
    const own = key.map((column) => {
      const [text, like] = [named[column]!, example.get(column)];
      if (text === null) return null;
      if (isSaid(like)) return shown(heard(text, like));
      return isExact(like) ? shown(number(text)) : text;
    });
    found.set(place(own), named);
  }
  const placeOf = places();
  for (const row of rows) {
    const at = placeOf(key.map((column) => shown(row[column]!)));
    const other = found.get(at);
    found.delete(at);
    if (!other)
      tell(
        `${at}: expected ${JSON.stringify(row, (_, cell) => (isExact(cell) || isNear(cell) || isSaid(cell) || isAny(cell) ? shown(cell) : cell))}, found no row`,
      );
    else
      for (const column of known)
        if (column in other && !isSame(row[column]!, other[column]!))
          tell(`${at} ${column}: expected ${shown(row[column]!)}, found ${other[column]}`);
  }
  for (const [at, row] of found) tell(`${at}: expected no row, found ${JSON.stringify(row)}`);
  return told;
}

/** Names rows by their key, and those that have one key by their place. */
function places(): (key: readonly (string | null)[]) => string {
  const seen = new Map<string, number>();
  return (key) => {
    const name = JSON.stringify(key);
    const place = (seen.get(name) ?? 0) + 1;
    seen.set(name, place);
    return place === 1 ? name : `${name}, number ${place}`;
  };
}

function isExact(cell: unknown): cell is Exact {
  return typeof cell === "object" && cell !== null && "under" in cell;
}

function isSaid(cell: unknown): cell is Said {
  return typeof cell === "object" && cell !== null && "said" in cell;
}

/** The same of a JSON. */
function heard(text: string, like: Said): Said {
  const fields = Object.keys(like.said[0] ?? {});
  const rows = [JSON.parse(text)].flat() as Record<string, string | number | null>[];
  const value = (one: string | number | null) => (typeof one === "number" ? number(String(one)) : one);
  return { said: rows.map((row) => Object.fromEntries(fields.map((field) => [field, value(row[field]!)]))) };
}

function isNear(cell: unknown): cell is Near {
  return typeof cell === "object" && cell !== null && "near" in cell;
}

function isAny(cell: unknown): cell is Any {
  return typeof cell === "object" && cell !== null && "any" in cell;
}

function isSame(cell: Cell, text: string | null): boolean {
  if (isAny(cell)) return text !== null;
  if (isNear(cell))
    return text !== null && Math.abs(Number(text) - cell.near) <= 1e-12 * Math.max(1, Math.abs(cell.near));
  if (isSaid(cell)) return text !== null && shown(heard(text, cell)) === shown(cell);
  return isExact(cell) ? text !== null && isWrittenAs(cell, text) : shown(cell) === text;
}

function shown(cell: Cell): string | null {
  if (typeof cell === "boolean") return cell ? "t" : "f";
  if (isAny(cell)) return "(something)";
  if (isNear(cell)) return String(cell.near);
  if (isSaid(cell))
    return cell.said
      .map((row) => JSON.stringify(Object.values(row).map(shown)))
      .sort()
      .join();
  if (!isExact(cell)) return cell;
  return cell.under === 1n ? String(cell.over) : `${cell.over}/${cell.under}`;
}
