import { dollarQuoted, literal, sqlLiteral } from "./literals.ts";
import { privateId } from "./names.ts";
import { type Sql, sql } from "./sql.ts";

// Whether statements into which nobody can look changed rows of a table, by what the server counts of the transaction.

const NOTED = literal("_dataform.counted");

/** Remembers until the end of the transaction how many rows it has changed so far. */
export function noteChanges(table: string): Sql {
  return sql`select pg_catalog.set_config(${NOTED}, ${changesOf(table)}, true)`;
}

/** Does the statement if the transaction has changed rows since then, or where the server does not count. */
export function ifChangedSince(table: string, then: Sql): Sql {
  const body = sql`
    begin
      if pg_catalog.current_setting('track_counts') operator(pg_catalog.<>) 'on'
        or coalesce(pg_catalog.current_setting(${NOTED}, true), '') operator(pg_catalog.<>) ${changesOf(table)}
        or exists (
          -- What has a new file since this transaction began is emptied in place, and the counts begin anew.
          select from pg_catalog.pg_class
          where oid operator(pg_catalog.=) ${oidOf(table)} and pg_catalog.age(xmin) operator(pg_catalog.<=) 0
        )
      then
        ${then};
      end if;
    end`;
  return sql`do ${dollarQuoted(body)}`;
}

/** What is emptied or written anew as a whole has another file. */
function changesOf(table: string): Sql {
  const oid = oidOf(table);
  const changed = (what: Sql) => sql`pg_catalog.${what}(${oid})`;
  return sql`
    pg_catalog.concat_ws(
      ' ',
      ${changed(sql`pg_stat_get_xact_tuples_inserted`)},
      ${changed(sql`pg_stat_get_xact_tuples_updated`)},
      ${changed(sql`pg_stat_get_xact_tuples_deleted`)},
      ${changed(sql`pg_relation_filenode`)}
    )`;
}

function oidOf(table: string): Sql {
  return sql`${sqlLiteral(privateId(table))}::pg_catalog.regclass`;
}
