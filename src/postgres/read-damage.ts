import type { Manifest } from "../model/catalog.ts";
import { GONE_IN, PRIVATE_SCHEMA, WRITTEN_BY } from "../sql/names.ts";
import { sql } from "../sql/sql.ts";
import { type Client, withNames } from "./client.ts";

/** Of what is not there under its name. */
export const GONE = "somebody dropped or renamed it";

/**
 * What somebody did by hand to the private objects of a release, in words, by their name: they are not there, or lack a column that
 * a run needs. Nothing of those that are as they were made.
 */
export async function readDamage(client: Client, manifest: Manifest): Promise<Record<string, string>> {
  const wanted = Object.values(manifest).flatMap(({ object, storage, columns }) => {
    const names = columns.map(({ name }) => name);
    if (!storage) return [{ object, columns: names }];
    return [
      { object, columns: names },
      { object: storage.table, columns: [...names, WRITTEN_BY] },
      { object: storage.undo, columns: [...names, WRITTEN_BY, GONE_IN] },
    ];
  });
  if (!wanted.length) return {};
  const { rows } = await withNames(client, "ours", () =>
    client.query<{ object: string; lacks: string | null }>(damageQuery, [JSON.stringify(wanted), PRIVATE_SCHEMA]),
  );
  return Object.fromEntries(
    rows.map(({ object, lacks }) => [
      object,
      lacks === null ? GONE : `somebody dropped or renamed its column ${lacks}`,
    ]),
  );
}

const damageQuery = sql`
select w.object, lacking.columns as lacks
from jsonb_to_recordset($1::jsonb) as w(object text, columns text[])
left join pg_class as c
  on c.relnamespace = to_regnamespace($2) and c.relname = w.object
cross join lateral (
  select string_agg(name, ', ') as columns
  from unnest(w.columns) as name
  where not exists (
    select from pg_attribute as a
    where a.attrelid = c.oid and a.attname = name and a.attnum > 0 and not a.attisdropped
  ) and c.oid is not null
) as lacking
where c.oid is null or lacking.columns is not null`;
