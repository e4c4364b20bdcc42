import { type Cte, cte } from "../../sql/ctes.ts";
import { id, ids } from "../../sql/identifiers.ts";
import { type Sql, sql } from "../../sql/sql.ts";
import { own } from "../options.ts";
import { comparable } from "../values.ts";
import type { Timeline } from "./options.ts";
import { changeHash, isDeletion, moment, sourceTime } from "./values.ts";

// From one record for each key and moment (`winners`) to versions.

const isBack = own("is_back");
const goneAt = own("gone_at");
const effectiveAt = own("effective_at");
const effectiveBefore = own("effective_before");
const step = own("step");
const startsAt = own("starts_at");

/** The CTEs that end in `versions`: key, attributes, the columns of a history, and the record each version came from. */
export function versionsCtes(timeline: Timeline, hasBatches: boolean): Cte[] {
  // Only a state can say that it holds from a time that another state has passed already.
  const canStall = hasBatches && timeline.effectiveAt !== undefined;
  return [
    observedCte(timeline),
    returnedCte(timeline),
    comparedCte(timeline),
    numberedCte(timeline),
    changesCte(timeline, canStall),
    ...(canStall ? [clocksCte(timeline)] : []),
    datedCte(timeline, canStall),
    boundedCte(timeline),
    cte("versions", versionsQuery(timeline)),
  ];
}

function along({ key }: Timeline, order: Sql): Sql {
  return sql`window timeline as (partition by ${ids(key)} order by ${order})`;
}

/** What a listing does not have, between two records of a key or after the last, is gone. */
function observedCte(timeline: Timeline): Cte {
  const now = comparable(timeline.attributes, (column) => id(column));
  const before = comparable(timeline.attributes, (column) => sql`lag(${id(column)}) over timeline`);
  return cte(
    "observed",
    sql`
      select
        *,
        case
          when lag(${isDeletion}) over timeline is distinct from ${isDeletion} then true
          when ${isDeletion} then false
          else (
            ${now}
          ) is distinct from (
            ${before}
          )
        end as ${own("is_other")},
        max(${sourceTime}) over timeline as ${own("latest_source_time")},
        case
          when not ${isDeletion} and ${own("next_listing")} < coalesce(lead(${moment}) over timeline, 'infinity') then ${own("next_listing")}
        end as ${goneAt}
      from winners
      ${along(timeline, moment)}`,
    { comment: "what a listing does not have, between two records of a key or after the last, is gone" },
  );
}

function returnedCte(timeline: Timeline): Cte {
  return cte(
    "returned",
    sql`
      select
        *,
        lag(${goneAt}) over timeline is not null as ${isBack},
        lag(${own("latest_source_time")}) over timeline as ${own("source_time_before")}
      from observed
      ${along(timeline, moment)}`,
  );
}

/** Equal neighbours collapse; A, B, A keeps three versions. A source time is believed while it moves forward. */
function comparedCte(_: Timeline): Cte {
  return cte(
    "compared",
    sql`
      select
        *,
        ${isBack} or ${own("is_other")} as ${own("is_change")},
        case
          when ${isBack} or ${sourceTime} <= ${own("source_time_before")} then ${moment}
          else least(${sourceTime}, ${moment})
        end as ${effectiveAt}
      from returned`,
    { comment: "equal neighbours collapse; a source time is believed while it moves forward" },
  );
}

function numberedCte(timeline: Timeline): Cte {
  return cte(
    "numbered",
    sql`
      select *, count(*) filter (where ${own("is_change")}) over timeline as ${step}
      from compared
      where ${own("is_change")} or ${goneAt} is not null
      ${along(timeline, moment)}`,
  );
}

function changesCte({ key }: Timeline, canStall: boolean): Cte {
  const before = canStall
    ? sql`, lag(${effectiveAt}) over (partition by ${ids(key)} order by ${step}) as ${effectiveBefore}`
    : sql``;
  return cte(
    "changes",
    sql`
      select *${before}
      from (
        select *, max(${goneAt}) over (partition by ${ids(key)}, ${step}) as ${own("ends_at")}
        from numbered
      ) as steps
      where ${own("is_change")}`,
  );
}

/**
 * A change takes effect when the source says, if that is after the change before it; else when it was seen. Each step
 * depends on the one before, so keys where this ever happens are walked through, the others are right already.
 */
function clocksCte({ key }: Timeline): Cte {
  const keys = ids(key);
  return cte(
    "clocks",
    sql`
      select ${keys.map((column) => sql`stalled.${column}`)}, walked.step as ${step}, walked.starts_at as ${startsAt}
      from (
        select
          ${keys},
          array_agg(${effectiveAt} order by ${step}) as ${own("effective")},
          array_agg(${moment} order by ${step}) as ${own("moments")}
        from changes
        where (${keys}) in (select ${keys} from changes where ${effectiveAt} <= ${effectiveBefore})
        group by ${keys}
      ) as stalled
      cross join lateral (
        with recursive walked as (
          select 1::bigint as step, stalled.${own("effective")}[1] as starts_at
          union all
          select
            walked.step + 1,
            case
              when stalled.${own("effective")}[walked.step + 1] > walked.starts_at then stalled.${own("effective")}[walked.step + 1]
              else stalled.${own("moments")}[walked.step + 1]
            end
          from walked
          where walked.step < cardinality(stalled.${own("effective")})
        )

        select walked.step, walked.starts_at from walked
      ) as walked`,
    { comment: "where a source's clock stands still or goes back, a change holds from when it was seen" },
  );
}

/** Each row of `clocks` is of a change; they are joined by a full join only because that is never done row by row. */
function datedCte({ key }: Timeline, canStall: boolean): Cte {
  const query = canStall
    ? sql`
        select changes.*, coalesce(clocks.${startsAt}, changes.${effectiveAt}) as valid_from
        from changes
        full join clocks using (${ids(key)}, ${step})`
    : sql`select *, ${effectiveAt} as valid_from from changes`;
  return cte("dated", query);
}

function boundedCte(timeline: Timeline): Cte {
  return cte(
    "bounded",
    sql`
      select
        *,
        coalesce(${own("ends_at")}, lead(valid_from) over timeline) as valid_to,
        ${own("ends_at")} is not null or lead(${isDeletion}) over timeline as ${own("ends_by_deletion")}
      from dated
      ${along(timeline, sql`valid_from`)}`,
  );
}

function versionsQuery(timeline: Timeline): Sql {
  const { key, attributes, loadOrder } = timeline;
  return sql`
    select
      ${ids([...key, ...attributes.keys()])},
      row_number() over timeline as version_no,
      ${changeHash(timeline, sql`bounded`)} as change_hash,
      valid_from,
      valid_to,
      valid_to is null as is_current,
      case when ${own("ends_by_deletion")} then 'delete' when valid_to is not null then 'change' end as ended_by,
      ${ids(loadOrder)}
    from bounded
    where not ${isDeletion}
    ${along(timeline, sql`valid_from`)}`;
}
