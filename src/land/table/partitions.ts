import { counted } from "../../model/counted.ts";
import { RAW_LOAD_DATE } from "../../model/declarations.ts";
import type { UserError } from "../../model/errors.ts";
import type { Client } from "../../postgres/client.ts";
import { withTransaction } from "../../postgres/client.ts";
import { relationExists } from "../../postgres/relations.ts";
import { SQLSTATE, sqlState } from "../../postgres/sqlstate.ts";
import { cutToBytes, id, relationId, suffixed } from "../../sql/identifiers.ts";
import { literal } from "../../sql/literals.ts";
import { empty, type Identifier, join, type Sql, sql } from "../../sql/sql.ts";
import { archivePartition, type Lake, type OldPartition } from "./archive.ts";
import type { RawTable } from "./raw-table.ts";

/** The technical date of a row: the UTC day of its load. */
const LOAD_DATE = RAW_LOAD_DATE.name;

/** The clause of `create table`, empty where the table is not split. */
export function partitionClause({ partition }: RawTable): Sql {
  if (!partition) return empty;
  if (partition.by === "load_date") return sql` partition by range (${id(LOAD_DATE)})`;
  return sql` partition by list (${id(partition.column!)})`;
}

/** Partitions that are there from the beginning: one for each value, one for all others. */
export function firstPartitions(table: RawTable): Sql[] {
  const { partition } = table;
  if (partition?.by !== "column") return [];
  const suffixes = new Set(["default"]);
  const parts = partition.values!.map((value, index) => {
    const plain = value.toLowerCase().replace(/[^a-z0-9_]/g, "_");
    const suffix = plain === "" || suffixes.has(plain) ? `${plain}${index}` : plain;
    suffixes.add(suffix);
    return sql`create table ${partitionName(table, suffix)} partition of ${relationId(table)} for values in (${literal(value)})`;
  });
  const others = sql`create table ${partitionName(table, "default")} partition of ${relationId(table)} default`;
  return [...parts, others];
}

function partitionName(table: RawTable, suffix: string): Identifier {
  return id(table.schema, suffixed(`${cutToBytes(table.name, 50)}_${suffix}`, ""));
}

/**
 * Makes the partition of today's load, inside its transaction.
 * @param ahead seconds: the partition of the day that it is then
 */
export async function preparePartition(client: Client, table: RawTable, ahead = 0): Promise<void> {
  const { partition } = table;
  if (partition?.by !== "load_date") return;
  const [unit, step, form] =
    partition.every === "month"
      ? [literal("month"), sql`interval '1 month'`, literal("YYYYMM")]
      : [literal("day"), sql`interval '1 day'`, literal("YYYYMMDD")];
  const { rows } = await client.query<Record<"first" | "next" | "name", string>>(sql`
    select
      date_trunc(${unit}, today)::date as first,
      (date_trunc(${unit}, today) + ${step})::date as next,
      to_char(today, ${form}) as name
    from (select (now() + make_interval(secs => ${literal(ahead)})) at time zone 'UTC' as today) as now_there`);
  const { first, next, name } = rows[0]!;
  const part = partitionName(table, name);
  if (await relationExists(client, part)) return;
  const [from, to] = [literal(first), literal(next)];
  // Made aside and attached: `partition of` would lock out the table's readers until the load commits.
  await client.script(sql`
    create table ${part} (like ${relationId(table)} including defaults including constraints);

    alter table ${part} add check (${id(LOAD_DATE)} >= ${from} and ${id(LOAD_DATE)} < ${to});

    alter table ${relationId(table)} attach partition ${part} for values from (${from}) to (${to})`);
}

/**
 * After a load: drops old partitions, and tells the indexes about the pages it filled. An index of page ranges (BRIN) knows
 * nothing of new ones till a vacuum, so that whoever looks for the newest load reads all that came since. Both wait for
 * locks only shortly; what is left is for next time. Returns warnings.
 * @param lake where partitions are archived to, of a table that is to be; without one they stay
 */
export async function tend(client: Client, table: RawTable, lake: Lake | undefined): Promise<readonly string[]> {
  const told = await removeOldPartitions(client, table, lake);
  await withTransaction(client, async () => {
    await client.query(sql`set local lock_timeout = '3s'`);
    await client.query(
      sql`
        select brin_summarize_new_values(i.indexrelid)
        from pg_index i
        join pg_class c on c.oid = i.indexrelid
        join pg_am a on a.oid = c.relam
        where a.amname = 'brin'
          and c.relkind = 'i'
          and i.indisvalid
          and i.indrelid in (
            select to_regclass($1)
            union all
            select relid from pg_partition_tree(to_regclass($1))
          )`,
      [relationId(table).toString()],
    );
  }).catch((error: { code?: string }) => {
    // a vacuum is at work, which does the same
    if (error.code !== SQLSTATE.lockNotAvailable) throw error;
  });
  return told;
}

/** Drops partitions whose rows are all older than the table keeps, archived where it says so. Those in use stay for next time. */
async function removeOldPartitions(
  client: Client,
  table: RawTable,
  lake: Lake | undefined,
): Promise<readonly string[]> {
  const { keepDays, archive } = table.partition ?? {};
  if (!keepDays) return [];
  const gone: string[] = [];
  const stay: string[] = [];
  for (const part of await oldPartitions(client, table, keepDays)) {
    try {
      if (!archive) gone.push(...(await drop(client, part)));
      else if (lake) gone.push(...[(await archivePartition(client, table, part, lake)) ?? []].flat());
      else stay.push(`${part.schema}.${part.name} stays: nobody here archives it`);
    } catch (error) {
      // Somebody uses it, or was quicker.
      if (sqlState(error) === SQLSTATE.lockNotAvailable || sqlState(error) === SQLSTATE.undefinedTable) continue;
      stay.push(`${part.schema}.${part.name} is not archived, and stays: ${mistakeOf(error)}`);
    }
  }
  const done = archive ? "archived and dropped" : "dropped";
  const told = gone.length ? [`partitions ${done}, older than ${counted(keepDays, "day")}: ${gone.join(", ")}`] : [];
  return [...told, ...stay];
}

function mistakeOf(error: unknown): string {
  const { message } = error as Error;
  const { hint } = error as UserError;
  return hint ? `${message} (${hint})` : message;
}

/** Partitions whose days are all older than so many. */
async function oldPartitions(client: Client, table: RawTable, keepDays: number): Promise<readonly OldPartition[]> {
  const { rows } = await client.query<OldPartition>(
    sql`
      with

      parts as (
        select
          n.nspname as schema,
          c.relname as name,
          substring(pg_get_expr(c.relpartbound, c.oid) from $pattern$FROM \('([0-9-]+)'\)$pattern$) as "from",
          substring(pg_get_expr(c.relpartbound, c.oid) from $pattern$TO \('([0-9-]+)'\)$pattern$) as until
        from pg_inherits i
        join pg_class c on c.oid = i.inhrelid
        join pg_namespace n on n.oid = c.relnamespace
        where i.inhparent = to_regclass($1)
      )

      select schema, name, "from", until
      from parts
      where until <= ((now() at time zone 'UTC')::date - $2::int)::text
      order by until`,
    [relationId(table).toString(), keepDays],
  );
  return rows;
}

/** Returns its name; none where it is in use. */
async function drop(client: Client, { schema, name }: OldPartition): Promise<readonly string[]> {
  const statements = [sql`set local lock_timeout = '1s'`, sql`drop table ${id(schema, name)}`];
  return withTransaction(client, () => client.script(join(statements, ";\n"))).then(
    () => [`${schema}.${name}`],
    () => [],
  );
}
