import { id } from "./identifiers.ts";
import { dollarQuoted, literal } from "./literals.ts";
import { join, type Relation, type Sql, sql } from "./sql.ts";

/**
 * A check that no two rows of a relation have the same key. What it raises says how many do and shows some. NULL is a key
 * like any other.
 * @param key columns that the relation has; none: at most one row may be there
 * @param words what is being refused, for the beginning of the message, and what to do
 */
export function refuseDuplicates(
  relation: Relation,
  key: readonly string[],
  words: { readonly what: string; readonly hint: string },
): Sql {
  const columns = key.map((name) => id("rows", name));
  const shown = key.map((name) => sql`${literal(`${name} = `)} || quote_nullable(doubled.${id(name)})`);
  const example = key.length ? sql`concat_ws(', ', ${join(shown, ", ")})` : sql`'every row'`;
  const body = sql`
    declare
      found record;
    begin
      with doubled as (
        select ${[...columns, sql`count(*) as _dataform_rows`]}
        from ${relation} as rows
        group by ${key.length ? columns : sql`()`}
        having count(*) > 1
      )
      select
        count(*) as keys,
        sum(doubled._dataform_rows) as rows,
        (
          select string_agg(format('%s (%s rows)', ${example}, doubled._dataform_rows), '; ')
          from (select * from doubled order by _dataform_rows desc limit 3) as doubled
        ) as examples
      into found
      from doubled;
      if found.keys > 0 then
        raise exception using
          errcode = 'unique_violation',
          message = ${literal(`${words.what}: `)} || found.keys || case found.keys when 1 then ' key is' else ' keys are' end || ' there more than once, in ' || found.rows || ' rows',
          detail = found.examples,
          hint = ${literal(words.hint)};
      end if;
    end`;
  return sql`do ${dollarQuoted(body)}`;
}
