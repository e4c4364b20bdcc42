import { type Cte, cte, withCtes } from "../../sql/ctes.ts";
import { id, ids } from "../../sql/identifiers.ts";
import { literal } from "../../sql/literals.ts";
import { and, join, type Sql, sql } from "../../sql/sql.ts";
import { own } from "../shared/check-options.ts";
import type { Comparison, Side } from "./options.ts";
import { asJson, keyList, measureOf, sidesOf } from "./sides.ts";
import { imports, source } from "./sources.ts";
import type { Relations } from "./store.ts";
import { areComparable, isCompared, typesOf } from "./types.ts";

const rowHash = own("row_hash");
const side = own("side");
const content = own("content");

/**
 * The rows of keys that are there more than once, one result for each different content: nobody can know which of them
 * belong together, but of equal ones there are as many pairs as both sides have.
 */
export function duplicatesOf(comparison: Comparison, relations: Relations, stored: Sql): Sql {
  const keys = join(keyList(comparison), ", ");
  const ctes: Cte[] = [
    ...imports({ ...relations, stored }),
    ...typesOf(comparison),
    ...sidesOf(comparison),
    cte("repeated", sql`select ${keys} from ${source("stored")} where n_ours > 1 or n_theirs > 1`),
    cte(
      "repeated_rows",
      sql`
      ${rowsOf(comparison, "ours")}
      union all
      ${rowsOf(comparison, "theirs")}`,
    ),
    cte("contents", contents(comparison)),
  ];
  return withCtes(
    ctes,
    sql`
    select * from contents
    ${isCompared(comparison) ? sql`where ${areComparable}` : sql``}`,
  );
}

/** Amount and currency of the rows, of which the summary makes sums. */
function money(comparison: Comparison): string[] {
  const measure = measureOf(comparison);
  return measure ? [measure.amount, measure.currency] : [];
}

function rowsOf(comparison: Comparison, one: Side): Sql {
  const names = [...comparison.key, ...comparison.columns].map(({ name }) => name);
  const same = comparison.key.map(({ name }) => sql`${id("repeated", name)} = ${id(one, name)}`);
  return sql`
    select
      ${names.map((name) => id(one, name))},
      ${literal(one)} as ${side},
      ${id(one)}.${rowHash},
      ${asJson(comparison, one, (name) => id(one, name))} as ${content}
    from ${id(one)}
    inner join repeated on ${and(same)}
    where ${id(one)}.${own("has_key")}`;
}

function contents(comparison: Comparison): Sql {
  const of = (one: Side) => sql`filter (where ${side} = ${literal(one)})`;
  const amounts = ids(money(comparison)).map((name) => sql`min(${name}) as ${name},`);
  // Not by the checksum: PostgreSQL's folds what has 64 bits to 32, and two contents may have one.
  const values = ids([...comparison.key, ...comparison.columns].map(({ name }) => name));
  return sql`
    select
      ${keyList(comparison)},
      min(${rowHash}) as row_hash,
      (count(*) ${of("ours")})::int as n_ours,
      (count(*) ${of("theirs")})::int as n_theirs,
      least(count(*) ${of("ours")}, count(*) ${of("theirs")})::int as n_equal,
      ${join(amounts, "\n")}
      coalesce(jsonb_agg(${content}) ${of("ours")}, '[]') as ours,
      coalesce(jsonb_agg(${content}) ${of("theirs")}, '[]') as theirs
    from repeated_rows
    group by ${join(values, ", ")}`;
}
