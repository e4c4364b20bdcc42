import { relation } from "../sql/authored.ts";
import { id } from "../sql/identifiers.ts";
import { join, sql } from "../sql/sql.ts";
import { checkKnown, columnNames, fail, foundOf } from "./shared/check-options.ts";

export interface UnionOptions {
  /** The columns, by name: each relation has them, in whatever order. */
  readonly columns: readonly string[];
  /** The relations, as `ref()` gives them. */
  readonly from: readonly string[];
}

/**
 * All rows of several relations. By names: `select *` of each would put what stands in the same place into one column.
 * @throws Error that names a wrong option
 */
export function all(options: UnionOptions): string {
  const caller = "unions.all";
  checkKnown(caller, options, ["columns", "from"]);
  const columns = columnNames(caller, options.columns, "columns");
  if (!Array.isArray(options.from) || !options.from.length)
    fail(caller, `needs from: [relation, …], found ${foundOf(options.from)}`);
  // Alone, a name that no column has may be the relation's, which is a whole row.
  const united = join(
    columns.map((name) => id("part", name)),
    ", ",
  );
  const selects = options.from.map((one) => sql`select ${united} from ${relation(one, `${caller}: from`)} as part`);
  return join(selects, "\nunion all\n").toString();
}
