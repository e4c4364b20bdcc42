import { quoteIdentifier } from "./identifiers.ts";

/**
 * Counts the rows that are `added`, `removed` and `changed` from one relation to another, over the given columns.
 * By key where there is one; otherwise rows are compared whole, each as often as it occurs.
 */
export function compareRows(
  before: string,
  after: string,
  columns: readonly string[],
  key: readonly string[] | undefined,
): string {
  // As text: json, xml and geometric types know no equality.
  const values = (alias: string) => columns.map((name) => `${alias}.${quoteIdentifier(name)}::text`).join(", ");
  if (key) {
    const same = key.map((name) => `a.${quoteIdentifier(name)} = b.${quoteIdentifier(name)}`).join(" and ");
    return `select count(*) filter (where a."_dataform_there" is not true) as added, count(*) filter (where b."_dataform_there" is not true) as removed,
  count(*) filter (where a."_dataform_there" and b."_dataform_there" and (${values("a")}) is distinct from (${values("b")})) as changed
from (select *, true as "_dataform_there" from ${before}) a full join (select *, true as "_dataform_there" from ${after}) b on ${same}`;
  }
  const rows = (relation: string) => `select ${values("t")} from ${relation} t`;
  return `select (select count(*) from (${rows(after)} except all ${rows(before)}) d) as added,
  (select count(*) from (${rows(before)} except all ${rows(after)}) d) as removed, 0 as changed`;
}
