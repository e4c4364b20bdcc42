import type { ColumnName, LineageColumn, LineageSource, Untold } from "../model/lineage.ts";
import type { Analysed } from "./analysed.ts";
import type { Flow } from "./flow.ts";
import type { Described, Named, Relations } from "./relations.ts";

/** What one query says, by names. JSON: it is what is kept from one time to the next. */
export interface Draft {
  /** Types are "" where only the query was looked at. */
  readonly columns: readonly LineageColumn[];
  readonly rowsBy: readonly LineageSource[];
  readonly unused: readonly ColumnName[];
  readonly reads: readonly string[];
  readonly writes: readonly DraftWrite[];
  readonly untold: readonly Untold[];
}

interface DraftWrite {
  readonly relation: string;
  readonly columns: readonly { readonly name: string; readonly from: readonly LineageSource[] }[];
  readonly rowsBy: readonly LineageSource[];
}

/** Columns, and nothing that they come from. */
export function withoutSources(columns: readonly Named[]): Draft {
  const named = columns.map(({ name, type }) => ({ name, type, from: [] }));
  return { columns: named, rowsBy: [], unused: [], reads: [], writes: [], untold: [] };
}

/** Nothing is known but why. */
export function untoldDraft(why: string, columns: readonly Named[] = []): Draft {
  return { ...withoutSources(columns), untold: [{ why }] };
}

/** The columns that a relation has, with what the query says of them by their names. */
export function withColumns(draft: Draft, columns: readonly Named[]): Draft {
  const from = new Map(draft.columns.map((column) => [column.name, column.from]));
  return { ...draft, columns: columns.map(({ name, type }) => ({ name, type, from: from.get(name) ?? [] })) };
}

/** What relations are called in the lineage: private objects as their models. Undefined: it is no part of it. */
export type NameOf = (relation: Described) => string | undefined;

/** The same by names, of relations that are `known`. */
export function draftOf(query: Analysed, known: Relations, nameOf: NameOf, functions: readonly string[]): Draft {
  const words = new Words(known, nameOf);
  const columns = query.columns.map(({ name, from }) => ({ name, type: "", from: words.sources(from) }));
  const rowsBy = words.sources(query.rows);
  const writes = query.writes.flatMap(({ relation, columns: changed, rows }): DraftWrite[] => {
    const described = known.get(relation);
    const name = described && nameOf(described);
    if (name === undefined) return [];
    const assigned = [...changed].flatMap(([number, from]) => {
      const column = described!.columns.get(number)?.name;
      return column === undefined ? [] : [{ name: column, from: words.sources(from) }];
    });
    return [{ relation: name, columns: assigned, rowsBy: words.sources(rows) }];
  });
  const used = new Set(
    [...columns, ...writes.flatMap((one) => one.columns), ...writes].flatMap((one) =>
      ("from" in one ? one.from : one.rowsBy).map(keyOf),
    ),
  );
  for (const one of rowsBy) used.add(keyOf(one));
  return {
    columns,
    rowsBy,
    unused: words.names(query.named).filter((one) => !used.has(keyOf(one))),
    reads: words.relations(query.relations),
    writes,
    untold: [
      ...words.temporary.map((name) => ({ why: `where the rows of the temporary table ${name} come from` })),
      ...functions.map((name) => ({ why: `what the function ${name} reads inside of its body` })),
    ],
  };
}

function keyOf({ relation, column }: ColumnName): string {
  return `${relation}\0${column}`;
}

/** Turns numbers into names. */
class Words {
  readonly #known: Relations;
  readonly #nameOf: NameOf;
  readonly #temporary = new Set<string>();

  constructor(known: Relations, nameOf: NameOf) {
    this.#known = known;
    this.#nameOf = nameOf;
  }

  /** Temporary tables that were met: nobody can look into them afterwards. */
  get temporary(): string[] {
    return [...this.#temporary];
  }

  relations(oids: ReadonlySet<string>): string[] {
    return [...new Set([...oids].flatMap((oid) => this.#relation(oid)?.name ?? []))].sort();
  }

  /** Those that are named themselves: a row as a whole names none. */
  names(columns: ReadonlySet<string>): ColumnName[] {
    const found = [...columns].flatMap((column) =>
      this.#columns(column).flatMap(({ relation, name, isWhole }) => (isWhole ? [] : [{ relation, column: name }])),
    );
    return [...new Map(found.map((one) => [keyOf(one), one])).values()];
  }

  sources(flow: Flow): LineageSource[] {
    const found = new Map<string, LineageSource>();
    for (const [id, kinds] of flow.entries())
      for (const { relation, name, isWhole } of this.#columns(id)) {
        const key = `${relation}\0${name}`;
        const before = found.get(key);
        const all = before ? KINDS.filter((kind) => kinds.includes(kind) || before.kinds.includes(kind)) : kinds;
        const whole = isWhole || before?.wholeRow;
        found.set(key, { relation, column: name, kinds: all, ...(whole ? { wholeRow: true as const } : {}) });
      }
    return [...found.values()];
  }

  #relation(oid: string): { readonly name: string; readonly described: Described } | undefined {
    const described = this.#known.get(oid);
    const name = described && this.#nameOf(described);
    if (name !== undefined) return { name, described: described! };
    if (described?.isTemporary) this.#temporary.add(described.target.name);
    return undefined;
  }

  /** A row as a whole is all of its columns; what PostgreSQL itself adds to a row is none. */
  #columns(id: string): { readonly relation: string; readonly name: string; readonly isWhole: boolean }[] {
    const dot = id.indexOf(".");
    const found = this.#relation(id.slice(0, dot));
    if (!found) return [];
    const number = Number(id.slice(dot + 1));
    const isWhole = number === 0;
    const columns = isWhole ? [...found.described.columns.values()] : [found.described.columns.get(number)];
    return columns.flatMap((column) => (column ? [{ relation: found.name, name: column.name, isWhole }] : []));
  }
}

const KINDS = ["copied", "computed", "rows"] as const;
