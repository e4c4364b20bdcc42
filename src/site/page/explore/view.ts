import {
  type Condition,
  FIGURES,
  type Figure,
  type Group,
  OPERATORS,
  type Picked,
  type Sorting,
  UNITS,
} from "../../../model/explore.ts";

export const CHARTS = ["table", "bar", "line", "area", "scatter", "heat", "number"] as const;
export type Chart = (typeof CHARTS)[number];

/** What is asked and how it is shown, as it stands in the address: a link that is handed on shows the same. */
export interface View {
  /** What is picked; absent where nothing is yet, or a select is written. */
  readonly picked?: Picked;
  /** One select, where it is written. */
  readonly sql?: string;
  /** What suits the answer, where it is not said. */
  readonly chart?: Chart;
  /** Of a select: what stands along the chart, what tells lines apart, the figures. What suits, where it is not said. */
  readonly x?: string;
  readonly series?: string;
  readonly y?: readonly string[];
  /** Of a select: what its rows are sorted by; as they come, where it is not said. */
  readonly sort?: Sorting;
  readonly limit: number;
}

export const LIMITS = [100, 1_000, 5_000] as const;

export function viewIn(query: URLSearchParams): View {
  const limit = Number(query.get("limit"));
  const said: Omit<View, "picked" | "sql"> = {
    limit: Number.isSafeInteger(limit) && limit > 0 ? limit : 1_000,
    ...one("chart", oneOf(CHARTS, query.get("chart"))),
    ...one("x", query.get("x") ?? undefined),
    ...one("series", query.get("series") ?? undefined),
    ...(query.has("y") ? { y: query.getAll("y") } : {}),
  };
  const sort = one("sort", sortingIn(query.get("sort")));
  const sql = query.get("sql");
  if (sql !== null) return { ...said, ...sort, sql };
  const from = query.get("from")?.split("/").map(decoded);
  if (from?.length !== 2) return said;
  return {
    ...said,
    picked: {
      from: { schema: from[0]!, name: from[1]! },
      groups: query.getAll("by").flatMap(groupIn),
      figures: query.getAll("figure").flatMap(figureIn),
      where: query.getAll("where").flatMap(conditionIn),
      ...sort,
    },
  };
}

/** Names of what the address says and nobody can ask, as it was cut or mistyped: the answer is without it. */
export function notUnderstood(query: URLSearchParams): readonly string[] {
  const understood = queryOf(viewIn(query));
  const isCut = (name: string) => query.getAll(name).length > understood.getAll(name).length;
  return [...new Set(query.keys())].filter((name) => name !== "limit" && isCut(name));
}

export function queryOf({ picked, sql, chart, x, series, y, limit, ...view }: View): URLSearchParams {
  const query = new URLSearchParams();
  if (picked) {
    query.set("from", [picked.from.schema, picked.from.name].map(encodeURIComponent).join("/"));
    for (const { column, unit } of picked.groups) query.append("by", `${unit ?? ""}:${column}`);
    for (const { of, column } of picked.figures) query.append("figure", column === undefined ? of : `${of}:${column}`);
    for (const { column, operator, value } of picked.where)
      query.append("where", JSON.stringify(value === undefined ? [column, operator] : [column, operator, value]));
  }
  if (sql !== undefined) query.set("sql", sql);
  const sort = picked?.sort ?? view.sort;
  if (sort) query.set("sort", `${sort.descending ? "desc" : "asc"}:${sort.column}`);
  if (chart) query.set("chart", chart);
  if (x !== undefined) query.set("x", x);
  if (series !== undefined) query.set("series", series);
  for (const figure of y ?? []) query.append("y", figure);
  if (limit !== 1_000) query.set("limit", String(limit));
  return query;
}

const one = <Name extends string, Value>(name: Name, value: Value | undefined): { readonly [N in Name]?: Value } =>
  (value === undefined ? {} : { [name]: value }) as { readonly [N in Name]?: Value };

function oneOf<T extends string>(all: readonly T[], text: string | null | undefined): T | undefined {
  return all.find((each) => each === text);
}

/** What stands before the first colon, and behind it. */
function halves(text: string): readonly [string, string | undefined] {
  const at = text.indexOf(":");
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

function groupIn(text: string): readonly Group[] {
  const [unit, column] = halves(text);
  if (!column) return [];
  const known = oneOf(UNITS, unit);
  return [known ? { column, unit: known } : { column }];
}

function figureIn(text: string): readonly Figure[] {
  const [word, column] = halves(text);
  const of = oneOf(FIGURES, word);
  if (!of || (of === "count") !== !column) return [];
  return [column ? { of, column } : { of }];
}

function sortingIn(text: string | null): Sorting | undefined {
  const [direction, column] = halves(text ?? "");
  return column ? { column, descending: direction === "desc" } : undefined;
}

/** An address that was cut or mistyped is no error of the page. */
function conditionIn(text: string): readonly Condition[] {
  try {
    const [column, word, value] = JSON.parse(text) as unknown[];
    const operator = oneOf(OPERATORS, word as string);
    if (typeof column !== "string" || !operator) return [];
    return [typeof value === "string" ? { column, operator, value } : { column, operator }];
  } catch {
    return [];
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
