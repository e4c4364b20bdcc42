import type { ColumnName, FlowKind, Lineage, LineageRelation, LineageSource } from "./lineage.ts";
import { targetKey } from "./target.ts";

/** One use of a column: by a column of another relation, or, without one, by its rows, or only by its query's text. */
interface Use {
  readonly relation: string;
  readonly column?: string;
  /** Empty: it is named and not used. */
  readonly kinds: readonly FlowKind[];
  readonly wholeRow?: true;
  readonly only?: LineageSource["only"];
}

/** A lineage that can be asked from both ends. */
export interface LineageIndex {
  readonly relations: ReadonlyMap<string, LineageRelation>;
  /** What reads each relation. */
  readonly readers: ReadonlyMap<string, readonly string[]>;
  /** What uses a column of a relation. */
  uses(column: ColumnName): readonly Use[];
  /** What a column comes from. */
  sources(column: ColumnName): readonly LineageSource[];
}

export function indexLineage({ relations }: Lineage): LineageIndex {
  const byKey = new Map(relations.map((one) => [targetKey(one.target), one]));
  const readers = new Map<string, string[]>();
  const uses = new Map<string, Use[]>();
  const use = ({ relation, column }: ColumnName, one: Use) => push(uses, `${relation}\0${column}`, one);
  for (const [key, { columns, rowsBy, unused, reads }] of byKey) {
    for (const read of reads) if (read !== key) push(readers, read, key);
    for (const { name, from } of columns) for (const source of from) use(source, useOf(source, key, name));
    for (const source of rowsBy) use(source, useOf(source, key));
    for (const named of unused) use(named, { relation: key, kinds: [] });
  }
  return {
    relations: byKey,
    readers,
    uses: ({ relation, column }) => uses.get(`${relation}\0${column}`) ?? [],
    sources: ({ relation, column }) => byKey.get(relation)?.columns.find(({ name }) => name === column)?.from ?? [],
  };
}

function useOf({ kinds, wholeRow, only }: LineageSource, relation: string, column?: string): Use {
  return {
    relation,
    ...(column === undefined ? {} : { column }),
    kinds,
    ...(wholeRow ? { wholeRow } : {}),
    ...(only ? { only } : {}),
  };
}

function push<T>(lists: Map<string, T[]>, key: string, one: T): void {
  const list = lists.get(key);
  if (list) list.push(one);
  else lists.set(key, [one]);
}
