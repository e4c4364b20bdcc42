import type { Client } from "../../postgres/client.ts";
import { relationExists } from "../../postgres/relations.ts";
import { createSchemaOnce } from "../../sql/ddl.ts";
import { id } from "../../sql/identifiers.ts";
import { literal } from "../../sql/literals.ts";
import { sql } from "../../sql/sql.ts";

// How far what a collector kept on its disk has landed. As of a topic, the place moves in the transaction of the events, and only from
// where it was when they were read.

const placeTable = (schema: string) => id(schema, "_spool_place");

/** A spool, and what it is of. */
export interface SpoolKey {
  readonly schema: string;
  readonly source: string;
  /** A UUID. */
  readonly spool: string;
}

export async function prepareSpoolPlaces(client: Client, schema: string): Promise<void> {
  const table = placeTable(schema);
  if (await relationExists(client, table)) return;
  await client.script(sql`
    ${createSchemaOnce(schema)};

    create table if not exists ${table} (
      spool uuid primary key,
      source text not null,
      next_byte bigint not null,
      moved_at timestamptz not null default now()
    );

    comment on table ${table} is ${literal("How far spools of collectors have landed: it moves in the transaction of the events, and only from where it was when they were read")};
    comment on column ${id(schema, "_spool_place", "next_byte")} is ${literal("The first byte that has not landed")}`);
}

/** The first byte that has not landed. */
export async function spoolPlace(client: Client, { schema, spool }: SpoolKey): Promise<number> {
  const { rows } = await client.query<{ next_byte: string }>(
    sql`select next_byte from ${placeTable(schema)} where spool = $1`,
    [spool],
  );
  return Number(rows[0]?.next_byte ?? 0);
}

/** Moves the place on, in the transaction of the events. Returns whether it stood where it was when they were read. */
export async function moveSpoolPlace(
  client: Client,
  { schema, source, spool }: SpoolKey,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<boolean> {
  const { rows } = await client.query(
    sql`
      insert into ${placeTable(schema)} as known (spool, source, next_byte)
      values ($1, $2, $4)
      on conflict (spool) do update
      set next_byte = excluded.next_byte, moved_at = now()
      where known.next_byte = $3
      returning 1 as moved`,
    [spool, source, String(from), String(to)],
  );
  return rows.length === 1;
}

/** All of it has landed, and its files are gone. */
export async function forgetSpool(client: Client, { schema, spool }: SpoolKey): Promise<void> {
  await client.query(sql`delete from ${placeTable(schema)} where spool = $1`, [spool]);
}
