import type { ColumnName, LineageSource } from "../model/lineage.ts";
import type { Draft } from "./draft.ts";

const keyOf = ({ relation, column }: ColumnName) => `${relation}\0${column}`;

/** An incremental model is filled by two queries: what either of them says, and which of them. */
export function bothOf(first: Draft, increment: Draft): Draft {
  const untold = [
    ...first.untold,
    ...increment.untold.map(({ why, ...rest }) => ({ why: `${why} (the query of its increments)`, ...rest })),
  ];
  // Where only one of them is known, nobody can say what the other has not.
  if (!increment.columns.length || !first.columns.length) return { ...first, untold };
  const later = new Map(increment.columns.map(({ name, from }) => [name, from]));
  const columns = first.columns.map(({ from, ...column }) => ({
    ...column,
    from: marked(from, later.get(column.name) ?? []),
  }));
  const rowsBy = marked(first.rowsBy, increment.rowsBy);
  const used = new Set([...columns.flatMap(({ from }) => from), ...rowsBy].map(keyOf));
  const named = new Map([...first.unused, ...increment.unused].map((one) => [keyOf(one), one]));
  return {
    columns,
    rowsBy,
    unused: [...named].flatMap(([key, one]) => (used.has(key) ? [] : [one])),
    reads: [...new Set([...first.reads, ...increment.reads])].sort(),
    writes: [],
    untold,
  };
}

function marked(first: readonly LineageSource[], increment: readonly LineageSource[]): LineageSource[] {
  const others = new Map(increment.map((one) => [keyOf(one), one]));
  const both = first.map((one): LineageSource => {
    const other = others.get(keyOf(one));
    others.delete(keyOf(one));
    return other ? together(one, other) : { ...one, only: "first" };
  });
  return [...both, ...[...others.values()].map((one): LineageSource => ({ ...one, only: "increment" }))];
}

/** What a query says, as of a statement that makes a relation of its rows. */
export function asWritten(query: Draft, relation: string | undefined): Draft {
  if (relation === undefined || query.untold.length) return query;
  const { columns, rowsBy } = query;
  return { ...query, columns: [], rowsBy: [], writes: [{ relation, columns, rowsBy }] };
}

/** What statements in a row say; all that they use decides what the action does. */
export function inARow(drafts: readonly Draft[], texts: readonly string[]): Draft {
  const used = drafts.flatMap(({ columns, rowsBy, writes }) => [
    ...columns.flatMap(({ from }) => from),
    ...rowsBy,
    ...writes.flatMap((one) => [...one.rowsBy, ...one.columns.flatMap(({ from }) => from)]),
  ]);
  const rowsBy = united(used);
  const known = new Set(rowsBy.map(keyOf));
  const unused = new Map(drafts.flatMap((one) => one.unused).map((one) => [keyOf(one), one]));
  return {
    columns: [],
    rowsBy,
    unused: [...unused].flatMap(([key, one]) => (known.has(key) ? [] : [one])),
    reads: [...new Set(drafts.flatMap(({ reads }) => reads))].sort(),
    writes: drafts.flatMap(({ writes }) => writes),
    untold: drafts.flatMap(({ untold }, index) => untold.map(({ why }) => ({ why, statement: texts[index]! }))),
  };
}

/** Each column once, with all that it is. */
export function united(sources: readonly LineageSource[]): LineageSource[] {
  const found = new Map<string, LineageSource>();
  for (const one of sources) {
    const before = found.get(keyOf(one));
    found.set(keyOf(one), before ? together(before, one) : one);
  }
  return [...found.values()];
}

const KINDS = ["copied", "computed", "rows"] as const;

function together(one: LineageSource, other: LineageSource): LineageSource {
  const whole = one.wholeRow || other.wholeRow;
  return {
    relation: one.relation,
    column: one.column,
    kinds: KINDS.filter((kind) => one.kinds.includes(kind) || other.kinds.includes(kind)),
    ...(whole ? { wholeRow: true as const } : {}),
    ...(one.only && one.only === other.only ? { only: one.only } : {}),
  };
}
