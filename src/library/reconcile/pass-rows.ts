import { literal } from "../../sql/literals.ts";
import { join, type Sql, sql } from "../../sql/sql.ts";
import type { Comparison } from "./options.ts";
import { mostSums, type Pass } from "./passes.ts";

/** The passes as rows. */
export function passRows({ passes }: Comparison): Sql {
  const names = sql`position, match_pass, by_what, confidence, amount_column, same_columns, group_columns, date_column, days, most_rows, most_candidates, most_sums`;
  return sql`
    select
      ${names}
    from (
      values
        ${passes.map(rowOf)}
    ) as passes (${names})`;
}

function rowOf(pass: Pass, index: number): Sql {
  const isSum = pass.by === "sum";
  const number = (value: number | undefined) => (value === undefined ? sql`null::int` : literal(value));
  const list = (names: readonly string[]) => sql`array[${join(names.map(literal), ", ")}]::text[]`;
  const cells = [
    ...[index + 1, pass.name, pass.by, pass.confidence, pass.amount].map(literal),
    list(pass.same),
    list(pass.group),
    pass.date === undefined ? sql`null::text` : literal(pass.date),
    number(pass.days),
    number(isSum ? pass.most : undefined),
    number(isSum ? pass.candidates : undefined),
    number(mostSums(pass)),
  ];
  return sql`(${join(cells, ", ")})`;
}
