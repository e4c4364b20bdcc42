import type { OPERATORS } from "../schemas/serve.ts";
import type { Target } from "./target.ts";

type Operator = (typeof OPERATORS)[number];

/** What every endpoint takes in its query. */
export const OF_EVERY_ENDPOINT: readonly string[] = ["limit", "cursor", "release", "format", "numbers"];

/** Whether texts are compared, whatever the type of the column is. */
export function comparesText(operator: Operator): boolean {
  return operator === "starts with" || operator === "contains";
}

/** What a request may say. */
export interface DeclaredParameter {
  readonly name: string;
  readonly in: "path" | "query";
  readonly column: string;
  readonly operator: Operator;
  readonly required: boolean;
  /** JSON Schema of one value; absent: as the type of the column says. */
  readonly schema?: Readonly<Record<string, unknown>>;
  /** Markdown. */
  readonly text?: string;
  /** As it would be written in an address. */
  readonly default?: string;
}

export interface OrderColumn {
  readonly column: string;
  readonly descending: boolean;
  /** Whether something holds that it is never NULL. */
  readonly neverNull: boolean;
}

/** How long an answer may be kept: as long as the release is the published one, not at all, or so many seconds. */
export type CachePolicy = "release" | "none" | { readonly seconds: number };

/** One address, and the rows that it answers. */
export interface DeclaredEndpoint {
  /** Its operation in OpenAPI: of the words of its path. */
  readonly name: string;
  /** `/api/v1/orders/{customer}` */
  readonly path: string;
  readonly title: string;
  /** Markdown. */
  readonly text?: string;
  readonly reads: Target;
  /** Whether releases publish what it reads. */
  readonly released: boolean;
  /** Absent: all of the relation. */
  readonly columns?: readonly string[];
  /** One SQL condition upon columns of `answer`. */
  readonly where?: string;
  readonly parameters: readonly DeclaredParameter[];
  /** Ends in columns that name a row. */
  readonly order: readonly OrderColumn[];
  /** Rows of a page, unless asked; however many are asked for. */
  readonly limit: number;
  readonly most: number;
  readonly stream: boolean;
  readonly cache: CachePolicy;
  readonly access: "key" | "public";
  readonly scope: string;
  /** A query by which the server says whether its columns are there and can be compared as declared. */
  readonly check: string;
}
