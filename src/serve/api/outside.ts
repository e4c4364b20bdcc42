import type { DeclaredEndpoint } from "../../model/api.ts";
import { UserError } from "../../model/errors.ts";
import { targetKey } from "../../model/target.ts";
import type { Client } from "../../postgres/client.ts";
import { relationId } from "../../sql/identifiers.ts";
import { sql } from "../../sql/sql.ts";
import type { Columns } from "./sources.ts";

/**
 * The columns of a relation that is in no release; undefined where it is not there.
 * @throws UserError where no unique index of columns that are not null names its rows by the endpoint's order
 */
export async function describeOutside(client: Client, endpoint: DeclaredEndpoint): Promise<Columns | undefined> {
  const name = relationId(endpoint.reads).toString();
  const { rows } = await client.query<{ name: string; type: string }>(
    sql`
      select attname as name, pg_catalog.format_type(atttypid, atttypmod) as type
      from pg_catalog.pg_attribute
      where attrelid = pg_catalog.to_regclass($1)::pg_catalog.oid and attnum > 0 and not attisdropped
      order by attnum`,
    [name],
  );
  if (!rows.length) return undefined;
  const order = endpoint.order.map(({ column }) => column);
  const { rows: keys } = await client.query<{ columns: string; named: string }>(
    sql`
      select
        pg_catalog.string_agg(a.attname, ', ' order by k.place) as columns,
        pg_catalog.bool_and(a.attnotnull and a.attname = any ($2::pg_catalog.text[])) as named
      from pg_catalog.pg_index as i
      cross join lateral pg_catalog.unnest(i.indkey) with ordinality as k (number, place)
      join pg_catalog.pg_attribute as a
        on a.attrelid = i.indrelid and a.attnum = k.number
      where i.indrelid = pg_catalog.to_regclass($1)::pg_catalog.oid
        and i.indisunique and i.indisvalid and i.indpred is null and i.indexprs is null and k.place <= i.indnkeyatts
      group by i.indexrelid`,
    [name, order],
  );
  if (keys.some(({ named }) => named === "t")) return rows;
  throw new UserError({
    message: `nothing names a row of ${targetKey(endpoint.reads)} by ${order.join(", ")}, the order of ${endpoint.path}`,
    expected: "an order that ends in the columns of a unique index that are not null",
    found: keys.length ? `unique indexes of ${keys.map(({ columns }) => columns).join("; of ")}` : "no unique index",
    hint: "pages go on behind a row: give the table a primary key, and end the order in it",
  });
}
