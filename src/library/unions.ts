import { relation } from "../sql/authored.ts";
import { ids } from "../sql/identifiers.ts";
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
  const selects = options.from.map(
    (one) => sql`select ${join(ids(columns), ", ")} from ${relation(one, `${caller}: from`)}`,
  );
  return join(selects, "\nunion all\n").toString();
}
