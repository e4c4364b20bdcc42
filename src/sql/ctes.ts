import { id } from "./identifiers.ts";
import { commentLine, join, type Sql, sql } from "./sql.ts";

/** A common table expression. */
export interface Cte {
  readonly name: string;
  readonly query: Sql;
  /**
   * Told to the planner.
   * @default what the planner decides
   */
  readonly materialized?: boolean | undefined;
  /** A line above it, for whoever reads the compiled SQL. */
  readonly comment?: string | undefined;
}

export function cte(name: string, query: Sql, more: Pick<Cte, "materialized" | "comment"> = {}): Cte {
  return { name, query, ...more };
}

/** The common table expressions without `with`, to stand in an author's own list of them. */
function cteList(ctes: readonly Cte[]): Sql {
  return join(
    ctes.map((one, index) => sql`${cteOf(one)}${index < ctes.length - 1 ? sql`,` : sql``}`),
    "\n\n",
  );
}

/** `with … select`. */
export function withCtes(ctes: readonly Cte[], query: Sql, options: { readonly recursive?: boolean } = {}): Sql {
  return sql`
    with${options.recursive ? sql` recursive` : sql``}

    ${cteList(ctes)}

    ${query}`;
}

function cteOf({ name, query, materialized, comment }: Cte): Sql {
  const how = materialized === undefined ? sql`` : materialized ? sql`materialized ` : sql`not materialized `;
  return sql`
    ${comment === undefined ? sql`` : commentLine(comment)}
    ${id(name)} as ${how}(
      ${query}
    )`;
}
