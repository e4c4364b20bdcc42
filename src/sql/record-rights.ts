import { id } from "./identifiers.ts";
import { dollarQuoted, literal } from "./literals.ts";
import { type Sql, sql } from "./sql.ts";

/**
 * Lets a role read what `dataform serve` needs of the record: which release readers have, what it consists of, and the keys.
 * Nothing where either is not there yet. Rows of models (`failing_row`) and what went wrong in runs are not among it.
 */
export function serverReadsRecord(role: string): Sql {
  const name = id(role);
  const body = sql`
    begin
      if pg_catalog.to_regrole(${literal(name.toString())}) is not null and pg_catalog.to_regclass('_dataform.api_key') is not null then
        grant select on _dataform.metadata, _dataform.environment, _dataform.release, _dataform.api_key to ${name};
        grant select (environment, finished_at) on _dataform.run to ${name};
      end if;
    end`;
  return sql`do ${dollarQuoted(body)}`;
}
