import { expression, relation } from "../../sql/authored.ts";
import { ids } from "../../sql/identifiers.ts";
import { type Relation, type Sql, sql } from "../../sql/sql.ts";
import { columnsOf, own } from "../shared/check-options.ts";
import { idOf, sameKey } from "./expressions.ts";

// What a history promises, as queries for the rows that break it, and as constraints.

type Keyed = { readonly key: readonly string[] };

const next = own("next_valid_from");
const nextHash = own("next_hash");

/** Versions of one key that hold at the same moment: id, valid_from, valid_to, next_valid_from. */
export function overlapsQuery(table: Relation, { key }: Keyed): Sql {
  return sql`
    select ${idOf({ key }, sql`timeline`)} as id, valid_from, valid_to, ${next} as next_valid_from
    from (
      select
        ${columnsOf(sql`versions`, [...key, "valid_from", "valid_to"])},
        lead(versions.valid_from) over (partition by ${columnsOf(sql`versions`, key)} order by versions.valid_from) as ${next}
      from ${table} as versions
    ) as timeline
    where coalesce(valid_to, 'infinity') > ${next}`;
}

/** Versions ended by a change that are not followed, at once, by a different version. */
export function brokenChainsQuery(table: Relation, { key }: Keyed): Sql {
  return sql`
    select ${idOf({ key }, sql`timeline`)} as id, valid_from, valid_to, ${next} as next_valid_from
    from (
      select
        ${columnsOf(sql`versions`, [...key, "valid_from", "valid_to", "change_hash", "ended_by"])},
        lead(versions.valid_from) over timeline as ${next},
        lead(versions.change_hash) over timeline as ${nextHash}
      from ${table} as versions
      window timeline as (partition by ${columnsOf(sql`versions`, key)} order by versions.valid_from)
    ) as timeline
    where ended_by = 'change' and (${next} is distinct from valid_to or ${nextHash} = change_hash)`;
}

/** Facts that meet more than one version; `met` is the condition of the join. */
export function fanOutQuery(
  facts: Relation,
  history: Relation,
  { key }: Keyed,
  moment: Sql,
  met: (versions: Sql, moment: Sql) => Sql,
): Sql {
  const at = own("at");
  return sql`
    select ${columnsOf(sql`facts`, key)}, facts.${at} as _at, count(*) as versions
    from (
      select distinct ${columnsOf(sql`facts`, key)}, ${moment} as ${at}
      from ${facts} as facts
    ) as facts
    inner join ${history} as versions
      on ${sameKey({ key }, sql`facts`, sql`versions`)}
      and ${met(sql`versions`, sql`facts.${at}`)}
    group by ${columnsOf(sql`facts`, key)}, facts.${at}
    having count(*) > 1`;
}

export function atCondition(versions: Sql, moment: Sql): Sql {
  return sql`(${versions}.version_no = 1 or ${versions}.valid_from <= ${moment}) and (${versions}.valid_to is null or ${moment} < ${versions}.valid_to)`;
}

export function asOfQuery(table: Relation, moment: Sql): Sql {
  return sql`
    select *
    from ${table} as versions
    where versions.valid_from <= ${moment} and (versions.valid_to is null or ${moment} < versions.valid_to)`;
}

/** An EXCLUDE on key and range would need the extension btree_gist, which not every server has. */
export function constraintsStatement(table: Relation, { key }: Keyed): Sql {
  return sql`
    alter table ${table}
      add primary key (${ids(key)}, valid_from),
      add check (valid_from < valid_to),
      add check (is_current = (valid_to is null)),
      add check (is_current = (ended_by is null)),
      add check (ended_by in ('change', 'delete'))`;
}

export function oneCurrentStatement(table: Relation, { key }: Keyed): Sql {
  return sql`create unique index on ${table} (${ids(key)}) where is_current`;
}

/** A name serves from its version on, the first also before, the last also after a deletion. */
export function namesQuery(table: Relation, { key }: Keyed, columns: readonly string[]): Sql {
  return sql`
    -- a name serves from its version on, the first also before, the last also after a deletion
    select
      ${columnsOf(sql`versions`, [...key, ...columns])},
      case when versions.version_no = 1 then '-infinity' else versions.valid_from end as named_from,
      lead(versions.valid_from, 1, 'infinity') over (
        partition by ${columnsOf(sql`versions`, key)} order by versions.valid_from
      ) as named_until
    from ${table} as versions`;
}

/** A relation as an author gave it to one of these functions. */
export function given(caller: string, what: string, text: string): Relation {
  return relation(text, `${caller}: ${what}`);
}

export function momentOf(caller: string, text: string): Sql {
  return expression(text, `${caller}: moment`);
}
