import type { Client } from "../../postgres/client.ts";
import { id } from "../../sql/identifiers.ts";
import { literal } from "../../sql/literals.ts";
import { PRIVATE_SCHEMA } from "../../sql/names.ts";
import { type Identifier, type Sql, sql } from "../../sql/sql.ts";

// No number is given twice: models know a load by its number, also when the ledger is another by now.
//
// Dropped and made anew, restored from a copy, or emptied with its numbers begun anew, the ledger's sequence has another file,
// and its comment tells of the old one. Numbers then go on behind all that a ledger here can have given: with the clock, in
// milliseconds, since no load takes less than one. A first ledger, which nothing can remember, begins with 1.

const TOLD = "Numbers of loads, none given twice; of file ";

/** Whether there is a ledger that goes on with its own numbers. */
export function numbersGoOn(schema: string): Sql {
  const ledger = literal(id(schema, "_load").toString());
  return sql`
    exists (
      select
      from pg_depend d
      join pg_class c
        on c.oid = d.objid and c.relkind = 'S'
      where d.classid = 'pg_class'::regclass
        and d.refclassid = 'pg_class'::regclass
        and d.refobjid = to_regclass(${ledger})
        and obj_description(c.oid, 'pg_class') = ${literal(TOLD)} || pg_relation_filenode(c.oid)
    )`;
}

/** Lets a ledger that is new here begin behind what earlier ones gave. For the transaction that makes it. */
export async function continueNumbers(client: Client, schema: string): Promise<void> {
  const name = await sequenceOf(client, schema);
  await client.query(
    sql`
      select setval(
        to_regclass($1),
        greatest(
          (select last_value from ${name}),
          (select max(load_id) from ${id(schema, "_load")}),
          case when ${mayBeRemembered} then (extract(epoch from clock_timestamp()) * 1000)::bigint end
        ),
        (select is_called from ${name}) or ${mayBeRemembered} or exists (select from ${id(schema, "_load")})
      )`,
    [name.toString()],
  );
  const { rows } = await client.query<{ file: string }>(sql`select pg_relation_filenode(to_regclass($1)) as file`, [
    name.toString(),
  ]);
  await client.script(sql`comment on sequence ${name} is ${literal(`${TOLD}${rows[0]!.file}`)}`);
}

/** Whether there is anything that may know loads of another ledger: rows that landed, or what was built of them. */
const mayBeRemembered: Sql = sql`(
  to_regnamespace(${literal(PRIVATE_SCHEMA)}) is not null
  or exists (
    select
    from pg_attribute a
    join pg_class c on c.oid = a.attrelid
    where a.attname = '_load_id' and not a.attisdropped and c.relkind in ('r', 'p')
  )
)`;

async function sequenceOf(client: Client, schema: string): Promise<Identifier> {
  const { rows } = await client.query<{ schema: string; name: string }>(
    sql`
      select n.nspname as schema, c.relname as name
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
      where c.oid = pg_get_serial_sequence($1, 'load_id')::regclass`,
    [id(schema, "_load").toString()],
  );
  const { schema: within, name } = rows[0]!;
  return id(within, name);
}
