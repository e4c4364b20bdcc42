import type { Client } from "../postgres/client.ts";
import { withTransaction } from "../postgres/client.ts";
import { quoteIdentifier, quoteLiteral, quoteTarget } from "../sql/identifiers.ts";
import type { RawTable } from "./raw-table.ts";

/** The technical date of a row: the UTC day of its load. */
export const LOAD_DATE = "_load_date";

/** SQLSTATE of a statement that has waited for a lock for as long as it may. */
const LOCK_NOT_AVAILABLE = "55P03";

/** The clause of `create table`, empty where the table is not split. */
export function partitionClause({ partition }: RawTable): string {
  if (!partition) return "";
  if (partition.by === "load_date") return ` partition by range (${LOAD_DATE})`;
  return ` partition by list (${quoteIdentifier(partition.column!)})`;
}

/** Partitions that are there from the beginning: one for each value, one for all others. */
export function firstPartitions(table: RawTable): string[] {
  const { partition } = table;
  if (partition?.by !== "column") return [];
  const parts = partition.values!.map((value, index) => {
    const name = partitionName(table, value.toLowerCase().replace(/[^a-z0-9_]/g, "_") || String(index));
    return `create table ${name} partition of ${quoteTarget(table)} for values in (${quoteLiteral(value)})`;
  });
  return [...parts, `create table ${partitionName(table, "default")} partition of ${quoteTarget(table)} default`];
}

function partitionName(table: RawTable, suffix: string): string {
  return quoteTarget({ schema: table.schema, name: `${table.name.slice(0, 50)}_${suffix}`.slice(0, 63) });
}

/** Makes the partition of today's load, inside its transaction. */
export async function preparePartition(client: Client, table: RawTable): Promise<void> {
  const { partition } = table;
  if (partition?.by !== "load_date") return;
  const unit = partition.every === "month" ? "month" : "day";
  const { rows } = await client.query<Record<"first" | "next" | "name", string>>(
    `select date_trunc('${unit}', now() at time zone 'UTC')::date as first,
       (date_trunc('${unit}', now() at time zone 'UTC') + interval '1 ${unit}')::date as next,
       to_char(now() at time zone 'UTC', '${unit === "month" ? "YYYYMM" : "YYYYMMDD"}') as name`,
  );
  const { first, next, name } = rows[0]!;
  const part = partitionName(table, name);
  const { rows: found } = await client.query<{ found: string }>("select to_regclass($1) is not null as found", [part]);
  if (found[0]!.found === "t") return;
  // Made aside and attached: `partition of` would lock out the table's readers until the load commits.
  await client.script(
    `create table ${part} (like ${quoteTarget(table)} including defaults including constraints);
     alter table ${part} add check (${LOAD_DATE} >= '${first}' and ${LOAD_DATE} < '${next}');
     alter table ${quoteTarget(table)} attach partition ${part} for values from ('${first}') to ('${next}')`,
  );
}

/**
 * After a load: drops old partitions, and tells the indexes about the pages it filled. An index of page ranges (BRIN) knows
 * nothing of new ones till a vacuum, so that whoever looks for the newest load reads all that came since. Both wait for
 * locks only shortly; what is left is for next time. Gives warnings.
 */
export async function tend(client: Client, table: RawTable): Promise<readonly string[]> {
  const dropped = await dropOldPartitions(client, table);
  await withTransaction(client, async () => {
    await client.script("set local lock_timeout = '3s'");
    await client.query(
      `select brin_summarize_new_values(i.indexrelid)
       from pg_index i join pg_class c on c.oid = i.indexrelid join pg_am a on a.oid = c.relam
       where a.amname = 'brin' and c.relkind = 'i' and i.indisvalid
         and i.indrelid in (select to_regclass($1) union all select relid from pg_partition_tree(to_regclass($1)))`,
      [quoteTarget(table)],
    );
  }).catch((error: { code?: string }) => {
    // a vacuum is at work, which does the same
    if (error.code !== LOCK_NOT_AVAILABLE) throw error;
  });
  return dropped.length
    ? [`partitions dropped, older than ${table.partition!.keepDays} days: ${dropped.join(", ")}`]
    : [];
}

/** Drops partitions whose rows are all older than the table keeps. Gives their names; those in use stay for next time. */
async function dropOldPartitions(client: Client, table: RawTable): Promise<readonly string[]> {
  const { partition } = table;
  if (!partition?.keepDays) return [];
  const { rows } = await client.query<{ name: string; until: string }>(
    `select format('%I.%I', n.nspname, c.relname) as name,
       substring(pg_get_expr(c.relpartbound, c.oid) from 'TO \\(''([0-9-]+)''\\)') as until
     from pg_inherits i join pg_class c on c.oid = i.inhrelid join pg_namespace n on n.oid = c.relnamespace
     where i.inhparent = to_regclass($1)`,
    [quoteTarget(table)],
  );
  const { rows: limit } = await client.query<{ day: string }>(
    "select ((now() at time zone 'UTC')::date - $1::int)::text as day",
    [partition.keepDays],
  );
  const dropped: string[] = [];
  for (const { name } of rows.filter(({ until }) => until !== null && until <= limit[0]!.day)) {
    const done = await withTransaction(client, () =>
      client.script(`set local lock_timeout = '1s'; drop table ${name}`),
    ).then(
      () => true,
      () => false,
    );
    if (done) dropped.push(name);
  }
  return dropped;
}
