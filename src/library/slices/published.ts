import { cte, withCtes } from "../../sql/ctes.ts";
import { id, ids } from "../../sql/identifiers.ts";
import { join, type Sql, sql } from "../../sql/sql.ts";
import { columnsOf, own, ownUnless } from "../shared/check-options.ts";
import { storeColumns } from "./input.ts";
import type { Report } from "./options.ts";

// What people read of a store: the versions, and what cannot be true of them.

/** What the columns beside the report's mean. */
export const COLUMNS = {
  feed: "The source and stream that it was read from.",
  load_id: "The load that said this first.",
  known_from: "When that was loaded.",
  known_to: "When a later load said otherwise; NULL while it holds.",
  is_current: "True for what the report says now.",
  ended_by: "restated or vanished; NULL while it holds.",
};

export function versionsOf(store: Sql, report: Report): Sql {
  const { kind } = storeColumns(report);
  const shown = [...report.key, ...report.values.keys(), "feed", "load_id", "known_from", "known_to"];
  return sql`
    select
      ${columnsOf(sql`store`, shown)},
      store.known_to is null as is_current,
      store.ended_by
    from ${store} as store
    where store.${kind} = 'version'`;
}

/** Versions of one key that are known at the same moment, and what cannot be. */
export function faultsOf(versions: Sql, { key }: Report): Sql {
  const names = join(ids(key), ", ");
  const next = own("next_known_from");
  const fault = id(ownUnless("fault", key));
  const versioned = sql`
    select
      read.*,
      lead(read.known_from) over (partition by read.feed, ${columnsOf(sql`read`, key)} order by read.known_from) as ${next}
    from ${versions} as read`;
  const faults = sql`
    select 'overlap' as ${fault}, ${names}, feed, known_from, known_to
    from versions
    where coalesce(known_to, 'infinity') > ${next}
    union all
    select 'backwards', ${names}, feed, known_from, known_to
    from versions
    where known_from > known_to or (known_to is null) <> (ended_by is null)
    union all
    -- rows without a key are one row here, of which the last is left
    select 'no key', ${names}, feed, known_from, known_to
    from versions
    where num_nulls(${names}) > 0
    union all
    -- one row of the report, told by two feeds: its figures would count twice
    select 'two feeds', ${names}, min(feed), min(known_from), null
    from versions
    where is_current
    group by ${names}
    having count(*) > 1`;
  return withCtes([cte("versions", versioned)], faults);
}

/** What was known at a moment: the rows as the report said then. */
export function knownAt(versions: Sql, moment: Sql): Sql {
  // An alias of ours: the moment may be a column of a relation around this.
  const read = own("versions");
  return sql`
    select ${read}.*
    from ${versions} as ${read}
    where ${read}.known_from <= ${moment} and (${read}.known_to is null or ${moment} < ${read}.known_to)`;
}
