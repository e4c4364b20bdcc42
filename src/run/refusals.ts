import { sql } from "../sql/sql.ts";

/** What can refuse a row. */
export interface Refusal {
  /**
   * `column`: that may not be NULL. `check`: a check constraint. `within`: an index over some rows, by its condition. `alike`:
   * an index of which two rows may not be alike, by its condition. `long`: columns that an index holds. `key`: the index by
   * which rows are replaced. `other`: whatever only writing tells. `doubt`: why the new rows do not tell of the rest; by
   * itself it refuses nothing, as a key.
   */
  readonly kind: "column" | "check" | "within" | "alike" | "long" | "key" | "other" | "doubt";
  /** A condition, as the server spells it. */
  readonly condition: string | null;
  /** The columns that it is about, of `alike` and `key` as they are computed; as JSON. */
  readonly columns: string | null;
  /** When rows `a` and `b` are alike, whose columns are called c1, c2 …; of `key` those of `b` k1, k2 … */
  readonly alike: string | null;
  /** Of an exclusion: the numbers of its columns that have to be equal, as JSON. */
  readonly equal: string | null;
}

/**
 * What on the table can refuse a row, besides the types that its new rows have as well. A condition that calls what an author
 * made may mean anything; one over columns that the new rows have otherwise is not the same of them.
 */
export const refusals = sql`
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
        parts.*,
        x.indnullsnotdistinct and x.indpred is null and parts.names = $5::text[] as is_key
      from storage as s
      join pg_index as x
        on x.indrelid = s.oid
      left join pg_constraint as c
        on c.conindid = x.indexrelid and c.contype = 'x'
      cross join lateral (
        select
          array_agg(a.attname::text order by place) as names,
          jsonb_agg(pg_get_indexdef(x.indexrelid, place, true) order by place) as computed,
          string_agg(
            format('a.c%1$s operator(%2$I.%3$s) b.c%1$s', place, n.nspname, o.oprname), ' and ' order by place
          ) as alike,
          string_agg(
            format('a.c%1$s operator(%2$I.%3$s) b.k%1$s', place, n.nspname, o.oprname), ' and ' order by place
          ) as replaces,
          jsonb_agg(place order by place) filter (where o.oprcanmerge) as equal,
          count(o.oid) = x.indnkeyatts as have_operators,
          coalesce(bool_and(l.collisdeterministic), true) as are_exact
        from generate_series(1, x.indnkeyatts::integer) as place
        join pg_opclass as oc
          on oc.oid = x.indclass[place - 1]
        left join pg_attribute as a
          on a.attrelid = x.indrelid and a.attnum = x.indkey[place - 1]
        left join pg_collation as l
          on l.oid = x.indcollation[place - 1]
        left join pg_amop as equality
          on equality.amopfamily = oc.opcfamily and equality.amopstrategy = 3 and c.oid is null
          and equality.amoplefttype = oc.opcintype and equality.amoprighttype = oc.opcintype
        left join pg_operator as o
          on o.oid = coalesce(c.conexclop[place], equality.amopopr)
        left join pg_namespace as n
          on n.oid = o.oprnamespace
      ) as parts
    ),
    authored as (
      select distinct classid, objid, refclassid
      from pg_depend
      where refclassid in ('pg_proc'::regclass, 'pg_operator'::regclass, 'pg_opclass'::regclass)
        and not exists (
          select from pg_depend as of
          join pg_extension as e
            on of.refclassid = 'pg_extension'::regclass and of.refobjid = e.oid and e.extname = 'btree_gist'
          where (of.classid, of.objid) = (pg_depend.refclassid, pg_depend.refobjid)
        )
        and (classid, objid) in (
          select 'pg_class'::regclass, indexrelid from indexes
          union all
          select 'pg_constraint'::regclass, c.oid from storage as s join pg_constraint as c on c.conrelid = s.oid
        )
    ),
    refusals (kind, condition, columns, alike, equal) as (
      select 'other', null::text, null::jsonb, null::text, null::jsonb
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
        null, null, null
      from storage as s
      join pg_constraint as c
        on c.conrelid = s.oid and c.contype <> all ('{n,p,u,x}')
      union all
      select 'column', null, jsonb_agg(attname), null, null
      from columns
      where attnotnull
      having count(*) > 0
      union all
      select
        case
          when x.is_key then 'key'
          when exists (
            select from authored
            where classid = 'pg_class'::regclass and objid = x.indexrelid and refclassid <> 'pg_opclass'::regclass
          ) then 'other'
          when x.indisexclusion then case when x.have_operators and x.equal is not null then 'alike' else 'other' end
          when x.indexprs is not null or x.indnullsnotdistinct then 'other'
          when x.indisunique then case when x.have_operators and x.are_exact then 'alike' else 'other' end
          when x.indpred is not null then 'within'
        end,
        pg_get_expr(x.indpred, x.indrelid),
        x.computed, case when x.is_key then x.replaces else x.alike end, case when x.indisexclusion then x.equal end
      from indexes as x
      union all
      select 'long', null, jsonb_agg(c.attname), null, null
      from indexes as x
      join columns as c
        on c.attnum = any (x.indkey) and c.attlen = -1
      group by x.indexrelid
      union all
      select 'doubt', null, null, null, null
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
  select kind, condition, columns::text as columns, alike, equal::text as equal from refusals where kind is not null`;
