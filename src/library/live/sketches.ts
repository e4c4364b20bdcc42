import { dollarQuoted, literal } from "../../sql/literals.ts";
import { type Sql, sql } from "../../sql/sql.ts";

/** A statement that ends with what is missing where the extension hll is not there: nothing else counts without being asked. */
export function needsSketches(caller: string): Sql {
  const said = `${caller}: distinct with approximate: "hll" needs the extension hll in this database: create extension hll, or count exactly`;
  const body = sql`
    begin
      if not exists (select from pg_catalog.pg_extension where extname = 'hll') then
        raise exception using errcode = 'feature_not_supported', message = ${literal(said)};
      end if;
    end`;
  return sql`do ${dollarQuoted(body)}`;
}
