// What worlds are made of: loads that arrive day by day, chosen by a seed.

export type Choose = (below: number) => number;
export type Value = string | number | boolean | null;

/** One load as landing leaves it: its row of `raw._load`, and the rows of its table. */
export interface Landed {
  readonly table: string;
  readonly rows: readonly Readonly<Record<string, Value>>[];
  /** When; on the morning of its day, unless it says so. */
  readonly loaded?: string;
  /** The file that it read: a version of it, the first unless it says so. */
  readonly file?: { readonly path: string; readonly checksum: string; readonly version?: number };
  /** Columns of its row in the ledger that are not as usual. */
  readonly ledger?: Readonly<Record<string, Value>>;
}

/**
 * What happens on a day, one after the other; a run follows. `strike`, `undo` and `end`, of a load that was open till now, name
 * the first load by 1, the next by 2. `anew` says why the page asks for a full refresh now.
 */
export type Event =
  | Landed
  | { readonly strike: number }
  | { readonly undo: number }
  | { readonly end: number }
  | Asked
  | { readonly anew: string };

/** What a person lands who looked at a relation: rows in the order of these columns, values as PostgreSQL writes them. */
export interface Asked {
  readonly ask: string;
  readonly by: readonly string[];
  land(rows: readonly Readonly<Record<string, string | null>>[]): Landed;
}

export interface World {
  /** Columns of each raw table, without `_load_id` and `_row_no`. */
  readonly tables: Readonly<Record<string, string>>;
  /** The date by which a raw table is partitioned. */
  readonly partitioned?: Readonly<Record<string, string>>;
  readonly days: readonly (readonly Event[])[];
}

export function pick<T>(choose: Choose, from: readonly T[]): T {
  return from[choose(from.length)]!;
}

/** Once in so many times. */
export const oneIn = (choose: Choose, times: number): boolean => choose(times) === 0;

/** Loads as they land, and which of them are struck. */
export class Ledger {
  readonly days: Event[][] = [];
  private readonly tables: string[] = [];
  private readonly struck = new Set<number>();

  day(): void {
    this.days.push([]);
  }

  add(event: Event): void {
    this.days.at(-1)!.push(event);
    if ("table" in event) this.tables.push(event.table);
  }

  /** Now and then one of the loads so far is struck, or one that was struck counts again: the table it is of. */
  strikes(choose: Choose): string | undefined {
    if (this.tables.length === 0 || !oneIn(choose, 4)) return undefined;
    const load = 1 + choose(this.tables.length);
    const again = this.struck.delete(load);
    if (!again) this.struck.add(load);
    this.add(again ? { undo: load } : { strike: load });
    return this.tables[load - 1];
  }
}
