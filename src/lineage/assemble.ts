import type { Action } from "../model/graph.ts";
import type { LineageRelation, LineageSource } from "../model/lineage.ts";
import { type Target, targetKey } from "../model/target.ts";
import { type Draft, withColumns, withoutSources } from "./draft.ts";
import { united } from "./merge.ts";
import { columnsOf, type Described } from "./relations.ts";

/** What was found, from which the relations of the lineage are put together. */
export interface Findings {
  readonly actions: readonly Action[];
  /** Relations outside of the project that were met. */
  readonly met: ReadonlyMap<string, Target>;
  /** What queries say, by the keys of the relations whose they are. */
  readonly drafts: ReadonlyMap<string, Draft>;
  /** What is there in the database, where the project does not make it. */
  described(key: string): Described | undefined;
}

/** The relations of a lineage: each behind what it reads, where no circle is in the way. */
export function assemble(findings: Findings): LineageRelation[] {
  const { actions, met, drafts } = findings;
  const relations = new Map<string, LineageRelation>();
  for (const [key, target] of met) relations.set(key, foreignRelation(key, target, findings));
  for (const action of actions) relations.set(targetKey(action.target), relationOf(action, findings));
  for (const { writes } of drafts.values())
    for (const write of writes) {
      const relation = relations.get(write.relation);
      if (!relation) continue;
      const from = new Map(write.columns.map((one) => [one.name, one.from]));
      relations.set(write.relation, {
        ...relation,
        columns: relation.columns.map((column) => ({ ...column, from: more(column.from, from.get(column.name)) })),
        rowsBy: more(relation.rowsBy, write.rowsBy),
        reads: [...new Set([...relation.reads, ...sourcesOf(write)])].sort(),
      });
    }
  return inOrder(relations);
}

function sourcesOf({ columns, rowsBy }: Draft["writes"][number]): string[] {
  return [...columns.flatMap(({ from }) => from), ...rowsBy].map(({ relation }) => relation);
}

function more(before: readonly LineageSource[], then: readonly LineageSource[] = []): readonly LineageSource[] {
  return then.length ? united([...before, ...then]) : before;
}

function relationOf(action: Action, { drafts, described }: Findings): LineageRelation {
  const { target, kind, file } = action;
  const key = targetKey(target);
  const found = kind === "declaration" || kind === "operations" ? described(key) : undefined;
  const own = drafts.get(key);
  const draft = found ? withColumns(own ?? withoutSources([]), columnsOf(found)) : (own ?? withoutSources([]));
  return {
    target,
    kind,
    ...(found && found.kind !== "other" ? { relation: found.kind } : {}),
    file,
    ...partsOf(draft),
    untold: kind === "declaration" && !found ? [{ why: "its columns: it is not there" }] : draft.untold,
  };
}

function foreignRelation(key: string, target: Target, { drafts, described }: Findings): LineageRelation {
  const found = described(key);
  const columns = found ? columnsOf(found) : [];
  return {
    target,
    kind: "foreign",
    ...(found && found.kind !== "other" ? { relation: found.kind } : {}),
    ...partsOf(withColumns(drafts.get(key) ?? withoutSources([]), columns)),
  };
}

function partsOf({ columns, rowsBy, unused, reads, untold }: Draft) {
  return { columns, rowsBy, unused, reads, untold };
}

function inOrder(relations: ReadonlyMap<string, LineageRelation>): LineageRelation[] {
  const done = new Set<string>();
  const ordered: LineageRelation[] = [];
  for (const start of relations.keys()) {
    // An explicit stack: a chain of thousands must not end the call stack.
    const stack = [start];
    const open = new Set<string>();
    while (stack.length) {
      const key = stack.at(-1)!;
      const next = open.has(key)
        ? undefined
        : relations.get(key)?.reads.filter((one) => !done.has(one) && !open.has(one));
      open.add(key);
      if (next?.length && !done.has(key)) stack.push(...next.toReversed());
      else {
        stack.pop();
        const relation = relations.get(key);
        if (relation && !done.has(key)) ordered.push(relation);
        done.add(key);
      }
    }
  }
  return ordered;
}
