import type { Client } from "../postgres/client.ts";
import { sqlState } from "../postgres/sqlstate.ts";
import { expression } from "../sql/authored.ts";
import { id } from "../sql/identifiers.ts";
import { literal } from "../sql/literals.ts";
import { PRIVATE_SCHEMA, privateId, WRITTEN_BY } from "../sql/names.ts";
import { join, or, type Sql, sql } from "../sql/sql.ts";

/** What can refuse a row. */
interface Refusal {
  /**
   * `column`: that may not be NULL. `check`: a check constraint. `within`: an index over some rows, by its condition. `unique`:
   * one that takes no two alike of them. `long`: columns that an index holds. `other`: whatever only writing tells. `doubt`:
   * why the new rows do not tell of the rest; by itself it refuses nothing.
   */
  readonly kind: "column" | "check" | "within" | "unique" | "long" | "other" | "doubt";
  /** A condition, as the server spells it. */
  readonly condition: string | null;
  /** The columns that it is about, as JSON. */
  readonly columns: string | null;
}

const TABLE = "a condition of the table";

/** An index cannot hold a row of more than a third of a page, as it is once packed. Bytes. */
const SURELY_SHORT = 2000;

/**
 * Whether a table surely takes new rows, by what can be read of both. False where it does not, and where only writing tells.
 * @param storage the private table
 * @param delta the private table of the new rows
 * @param uniqueKey by which they replace rows: an index over it refuses nothing that is replaced
 */
export async function takes(
  client: Client,
  storage: string,
  delta: string,
  uniqueKey: readonly string[],
): Promise<boolean> {
  const { rows } = await client.query<Refusal>(refusals, [PRIVATE_SCHEMA, storage, delta, WRITTEN_BY, uniqueKey]);
  if (rows.every(({ kind }) => kind === "doubt")) return true;
  if (rows.some(({ kind }) => kind === "other" || kind === "doubt")) return false;
  try {
    const answer = await client.query<{ refused: string }>(refusedRows(delta, rows));
    return answer.rows[0]?.refused === "f";
  } catch (error) {
    // A condition cannot be computed of some row. What the table says of that is what its author is told.
    if (/^(?:2[23]|42)/.test(sqlState(error) ?? "")) return false;
    throw error;
  }
}

function refusedRows(delta: string, refusals: readonly Refusal[]): Sql {
  const within = refusals.filter(({ kind }) => kind === "within");
  return sql`
    select
      ${[
        sql`coalesce(bool_or(${or([sql`false`, ...refusals.flatMap(refused)])}), false) as refused`,
        // Nothing is asked of them but that they can be computed.
        ...within.map(({ condition }) => sql`count(*) filter (where ${expression(condition!, TABLE)})`),
      ]}
    from ${privateId(delta)}`;
}

function refused({ kind, condition, columns }: Refusal): Sql[] {
  const names = (JSON.parse(columns ?? "[]") as string[]).map((name) => id(name));
  if (kind === "column") return [or(names.map((name) => sql`${name} is null`))];
  if (kind === "check") return [sql`${expression(condition!, TABLE)} is false`];
  if (kind === "unique") return [sql`${expression(condition!, TABLE)} is true`];
  if (kind === "long")
    return [
      sql`${join(
        names.map((name) => sql`coalesce(pg_column_size(${name}), 0)`),
        " + ",
      )} > ${literal(SURELY_SHORT)}`,
    ];
  return [];
}

/**
 * What on the table can refuse a row, besides the types that its new rows have as well. A condition that calls what an author
 * made may mean anything; one over columns that the new rows have otherwise is not the same of them.
 */
const refusals = sql`
  with
    storage as (
      select * from pg_class where relnamespace = $1::regnamespace and relname = $2
    ),
    columns as (
      select a.*
      from storage as s
      join pg_attribute as a
        on a.attrelid = s.oid and a.attnum > 0 and not a.attisdropped and a.attname <> $4
    ),
    indexes as (
      select
        x.*,
        array(
          select a.attname::text
          from unnest(x.indkey) with ordinality as k (number, place)
          join pg_attribute as a
            on a.attrelid = x.indrelid and a.attnum = k.number
          order by k.place
        ) as names
      from storage as s
      join pg_index as x
        on x.indrelid = s.oid
    ),
    authored as (
      select distinct classid, objid, refclassid
      from pg_depend
      where refclassid in ('pg_proc'::regclass, 'pg_operator'::regclass, 'pg_opclass'::regclass)
        and (classid, objid) in (
          select 'pg_class'::regclass, indexrelid from indexes
          union all
          select 'pg_constraint'::regclass, c.oid from storage as s join pg_constraint as c on c.conrelid = s.oid
        )
    ),
    refusals (kind, condition, columns) as (
      select 'other', null::text, null::jsonb
      from storage as s
      where s.relkind <> 'r'
        or s.relrowsecurity
        or exists (select from pg_trigger where tgrelid = s.oid)
        or exists (select from pg_rewrite where ev_class = s.oid)
        or exists (select from columns where attgenerated <> '')
      union all
      select
        case
          when c.contype = 'c' and 0 < all (c.conkey)
            and not exists (select from authored where classid = 'pg_constraint'::regclass and objid = c.oid)
            then 'check'
          else 'other'
        end,
        pg_get_expr(c.conbin, c.conrelid),
        null
      from storage as s
      join pg_constraint as c
        on c.conrelid = s.oid and c.contype <> 'n'
      union all
      select 'column', null, jsonb_agg(attname)
      from columns
      where attnotnull
      having count(*) > 0
      union all
      select
        case
          when x.indexprs is not null then 'other'
          when x.indpred is null then case when x.indisunique then 'other' end
          when exists (
            select from authored
            where classid = 'pg_class'::regclass and objid = x.indexrelid and refclassid <> 'pg_opclass'::regclass
          ) then 'other'
          when x.indisunique then 'unique'
          else 'within'
        end,
        pg_get_expr(x.indpred, x.indrelid),
        null
      from indexes as x
      where not (x.indnullsnotdistinct and x.indexprs is null and x.indpred is null and x.names = $5::text[])
      union all
      select 'long', null, jsonb_agg(c.attname)
      from indexes as x
      join columns as c
        on c.attnum = any (x.indkey) and c.attlen = -1
      group by x.indexrelid
      union all
      select 'doubt', null, null
      where exists (select from authored where refclassid = 'pg_opclass'::regclass)
        or exists (
          select from columns as c
          where not exists (
            select from pg_class as d
            join pg_attribute as a
              on a.attrelid = d.oid and a.attnum > 0 and not a.attisdropped
            where d.relnamespace = $1::regnamespace and d.relname = $3
              and (a.attname, a.atttypid, a.atttypmod, a.attcollation) = (c.attname, c.atttypid, c.atttypmod, c.attcollation)
          )
        )
    )
  select kind, condition, columns::text as columns from refusals where kind is not null`;
