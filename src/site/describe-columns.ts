import type { Action } from "../model/graph.ts";
import { isModel } from "../model/graph.ts";
import type { ColumnFacts, RelationFacts, SiteColumn, SiteSample } from "../model/site.ts";

export interface Column extends SiteColumn {
  readonly name: string;
  readonly type: string;
  readonly description: string;
}

/** As the server has them, with what the code says of each; where nothing is built, what the code says. */
export function columnsOf(action: Action | undefined, facts: RelationFacts | undefined): Column[] {
  const said = new Map(action?.columns.map((column) => [column.name, column]));
  const key = new Set(action && isModel(action) ? action.key : []);
  const there: readonly ColumnFacts[] =
    facts?.columns ?? (action?.columns ?? []).map(({ name }) => ({ name, type: "", isNotNull: false }));
  return there.map(({ name, type, comment = "", isNotNull, about }) => {
    const tags = said.get(name)?.tags ?? [];
    return {
      name,
      type,
      description: said.get(name)?.description || comment,
      ...(tags.length ? { tags } : {}),
      ...(key.has(name) ? { isKey: true as const } : {}),
      ...(isNotNull ? { isNotNull: true as const } : {}),
      ...(about ? { about: bounded(about, tags) } : {}),
    };
  });
}

/** What is personal shows no value: the bounds of the planner's sample are values of the table. */
function bounded({ low, high, ...about }: NonNullable<SiteColumn["about"]>, tags: readonly string[]) {
  if (isPersonal(tags)) return about;
  return { ...about, ...(low === undefined ? {} : { low }), ...(high === undefined ? {} : { high }) };
}

/** Tag of columns whose values no page shows. */
export const isPersonal = (tags: readonly string[]): boolean => tags.some((tag) => tag.toLowerCase() === "pii");

export function withoutPersonal({ columns, rows }: SiteSample, known: readonly Column[]): SiteSample {
  const hidden = new Set(known.filter(({ tags = [] }) => isPersonal(tags)).map(({ name }) => name));
  const kept = columns.flatMap((name, index) => (hidden.has(name) ? [] : [index]));
  return { columns: kept.map((index) => columns[index]!), rows: rows.map((row) => kept.map((index) => row[index]!)) };
}
