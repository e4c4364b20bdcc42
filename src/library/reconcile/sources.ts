import { type Cte, cte } from "../../sql/ctes.ts";
import type { Identifier, Sql } from "../../sql/sql.ts";
import { sql } from "../../sql/sql.ts";
import { own, ownName } from "../shared/check-options.ts";
import type { Side } from "./options.ts";

// Relations of the author are read in the first common table expressions, under names that no relation of his can have. So
// the plain names of those that follow never take the place of one.

/** An author's relation, by the name that it is imported under. */
export function source(name: string): Identifier {
  return own(name);
}

export function otherSide(side: Side): Side {
  return side === "ours" ? "theirs" : "ours";
}

/** The imports: name → relation. */
export function imports(relations: Readonly<Record<string, Sql>>): Cte[] {
  return Object.entries(relations).map(([name, relation]) =>
    cte(ownName(name), sql`select * from ${relation} as ${own(name)}`, { materialized: false }),
  );
}
