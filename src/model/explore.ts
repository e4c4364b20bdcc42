import type { Target } from "./target.ts";

// What the page that explores sends and gets, and what both sides of it must agree on.

/** What a key or a token must have to explore. */
export const EXPLORE_SCOPE = "explore";

/** What the reader may read, and what it means. */
export interface ExploreCatalogue {
  /** Null: nothing is published yet. */
  readonly release: number | null;
  readonly relations: readonly ExploreRelation[];
  /** Rows that one answer gives at most. */
  readonly mostRows: number;
}

export interface ExploreRelation extends Target {
  readonly kind: string;
  /** The folder that it is in: marts, staging. */
  readonly group: string;
  readonly summary: string;
  readonly columns: readonly ExploreColumn[];
}

export interface ExploreColumn {
  readonly name: string;
  /** As `format_type` writes it. */
  readonly type: string;
  readonly description: string;
}

export const UNITS = ["day", "week", "month", "quarter", "year"] as const;
export const FIGURES = ["count", "distinct", "sum", "average", "min", "max"] as const;
export const OPERATORS = ["=", "<>", "<", "<=", ">", ">=", "contains", "is null", "is not null"] as const;

export interface Group {
  readonly column: string;
  /** The day that the week, month … begins with, which it is in; days of moments are those of UTC. */
  readonly unit?: (typeof UNITS)[number];
}

export interface Figure {
  /** count: rows, without a column; distinct: different values. */
  readonly of: (typeof FIGURES)[number];
  readonly column?: string;
}

export interface Condition {
  readonly column: string;
  readonly operator: (typeof OPERATORS)[number];
  /** As the server reads a value of the column. */
  readonly value?: string;
}

export interface Sorting {
  /** Of the answer. */
  readonly column: string;
  readonly descending: boolean;
}

/** What somebody picks. Without groups and figures: the rows as they are. */
export interface Picked {
  readonly from: Target;
  readonly groups: readonly Group[];
  readonly figures: readonly Figure[];
  readonly where: readonly Condition[];
  /** Of the answer's columns: which rows are the first. */
  readonly sort?: Sorting;
}

/** What is sent: what is picked, or one select. */
export interface Asked {
  readonly picked?: Picked;
  readonly select?: string;
  /** What the answer's rows are sorted by once they are there; as they come where there is none. */
  readonly order: readonly Sorting[];
  /** Then by the texts of these, so that rows come in one order. */
  readonly ties: readonly string[];
  readonly limit: number;
}

export interface Explored {
  readonly release: number | null;
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  /** As the server writes them. */
  readonly rows: readonly (readonly (string | null)[])[];
  /** Why it is not all of it; absent where it is. */
  readonly cut?: string;
  /** Values that are cut, each with an ellipsis at its end. */
  readonly cutValues: number;
  /** Of what is picked the select, as a person may go on with it. */
  readonly sql: string;
  /** The same for a dashboard: names of the project are `${ref(…)}`. */
  readonly kept:
    | {
        readonly select: string;
        /** With a column that says in which place each row comes. */
        readonly placed: { readonly select: string; readonly column: string };
      }
    | { readonly why: string };
}

/** What columns of the answer are called: those of the groups, then those of the figures. */
export function namesOf({ groups, figures }: Pick<Picked, "groups" | "figures">): readonly string[] {
  const wanted = [
    ...groups.map(({ column, unit }) => (unit ? `${unit}_of_${column}` : column)),
    ...figures.map(({ of, column }) => (column === undefined ? "count" : `${of}_of_${column}`)),
  ];
  const names: string[] = [];
  for (const [at, name] of wanted.entries()) {
    let free = new TextEncoder().encode(name).length <= LONGEST_NAME ? name : `column_${at + 1}`;
    for (let n = at + 1; names.includes(free); n++) free = `column_${n}`;
    names.push(free);
  }
  return names;
}

/** Figures that make one value of several. */
const OF_SEVERAL: readonly Figure["of"][] = ["sum", "average", "min", "max"];
const CURRENCY = /(?:^|_)currency(?:_code)?$/i;

/** The columns that say of a relation's amounts what they are in, where figures would be made of amounts in several. */
export function mixedCurrencies(
  { groups, figures, where }: Picked,
  columns: readonly Pick<ExploreColumn, "name" | "type">[],
): readonly string[] {
  const typeOf = (name: string | undefined) => columns.find((one) => one.name === name)?.type ?? "";
  if (!figures.some(({ of, column }) => OF_SEVERAL.includes(of) && isNumber(typeOf(column)))) return [];
  const isOne = (name: string) =>
    groups.some(({ column }) => column === name) ||
    where.some(({ column, operator, value }) => column === name && operator === "=" && value !== "");
  return columns
    .filter(({ name, type }) => CURRENCY.test(name) && !isNumber(type) && !isOne(name))
    .map(({ name }) => name);
}

/** Bytes: PostgreSQL cuts longer ones. */
const LONGEST_NAME = 63;

const NUMBER = /^(?:smallint|integer|bigint|numeric|real|double precision)\b(?!.*\[\])/;
const MOMENT = /^(?:date|timestamp)\b(?!.*\[\])/;

/** Whether values of a type are added up. */
export const isNumber = (type: string): boolean => NUMBER.test(type);
/** Whether values of a type have a day. */
export const isMoment = (type: string): boolean => MOMENT.test(type);
