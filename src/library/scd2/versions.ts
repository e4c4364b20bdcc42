import { type Cte, cte } from "../../sql/ctes.ts";
import { id, ids } from "../../sql/identifiers.ts";
import { type Sql, sql } from "../../sql/sql.ts";
import { columnsOf, own } from "../shared/check-options.ts";
import { comparable } from "../shared/values.ts";
import { changeHash, heldFrom, isDeletion, moment, sourceTime, toldAt } from "./expressions.ts";
import type { Timeline } from "./options.ts";

// From one record for each key and moment (`winners`) to versions.

const isBack = own("is_back");
const goneAt = own("gone_at");
const next = own("next_listing");
const effectiveAt = own("effective_at");
const effectiveBefore = own("effective_before");
const step = own("step");
const startsAt = own("starts_at");

/** The CTEs that end in `versions`: key, attributes, the columns of a history but for its hash, and the record it came from. */
export function versionsCtes(timeline: Timeline, hasBatches: boolean, isStored = false): Cte[] {
  // Only a state can say that it holds from a time that another state has passed already.
  const canStall = hasBatches && timeline.effectiveAt !== undefined;
  return [
    observedCte(timeline, canStall),
    comparedCte(timeline, canStall, isStored),
    numberedCte(timeline, canStall),
    cte("changes", sql`select * from numbered where ${own("is_change")}`),
    ...(canStall ? [clocksCte(timeline)] : []),
    datedCte(timeline, canStall),
    boundedCte(timeline, canStall),
    cte("versions", versionsQuery(timeline, canStall, isStored)),
  ];
}

function along({ key }: Timeline, order: Sql): Sql {
  return sql`window timeline as (partition by ${ids(key)} order by ${order})`;
}

/** What a listing does not have, between two records of a key or after the last, is gone. */
function observedCte(timeline: Timeline, canStall: boolean): Cte {
  const now = comparable(timeline.attributes, (column) => id(column));
  const before = comparable(timeline.attributes, (column) => sql`lag(${id(column)}) over timeline`);
  const latest = canStall ? sql`max(${sourceTime}) over timeline as ${own("latest_source_time")},` : sql``;
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
        ${latest}
        not lag(${isDeletion}) over timeline and lag(${next}) over timeline < ${moment} as ${isBack},
        case when not ${isDeletion} and ${next} < coalesce(lead(${moment}) over timeline, 'infinity') then ${next} end as ${goneAt}
      from winners
      ${along(timeline, moment)}`,
    { comment: "what a listing does not have, between two records of a key or after the last, is gone" },
  );
}

/** Equal neighbours collapse; A, B, A keeps three versions. A source time is believed while it moves forward. */
function comparedCte(timeline: Timeline, canStall: boolean, isStored: boolean): Cte {
  const held = (begin: Sql) => (isStored ? sql`coalesce(${heldFrom}, ${begin})` : begin);
  const isChange = sql`coalesce(${isBack}, false) or ${own("is_other")} as ${own("is_change")}`;
  const query = canStall
    ? sql`
        select
          *,
          ${isChange},
          ${held(sql`
            case
              when ${isBack} or ${sourceTime} <= lag(${own("latest_source_time")}) over timeline then ${moment}
              else least(${sourceTime}, ${moment})
            end`)} as ${effectiveAt}
        from observed
        ${along(timeline, moment)}`
    : sql`select *, ${isChange}, ${held(moment)} as ${effectiveAt} from observed`;
  return cte("compared", query, {
    comment: `equal neighbours collapse${canStall ? "; a source time is believed while it moves forward" : ""}`,
  });
}

/** Between two changes stands at most one record that is none: the last one before its key was gone. */
function numberedCte(timeline: Timeline, canStall: boolean): Cte {
  const isChange = own("is_change");
  const before = sql`case when lag(${isChange}) over timeline then lag(${effectiveAt}) over timeline else lag(${effectiveAt}, 2) over timeline end`;
  return cte(
    "numbered",
    sql`
      select
        *,
        coalesce(${goneAt}, case when not lead(${isChange}) over timeline then lead(${goneAt}) over timeline end) as ${own("ends_at")}${canStall ? sql`,` : sql``}
        ${canStall ? sql`count(*) filter (where ${isChange}) over timeline as ${step},` : sql``}
        ${canStall ? sql`${before} as ${effectiveBefore}` : sql``}
      from compared
      where ${isChange} or ${goneAt} is not null
      ${along(timeline, moment)}`,
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

/** Changes come after each other by their moments, too, and that is how they are sorted already. */
function order(canStall: boolean): Sql {
  return canStall ? step : moment;
}

function boundedCte(timeline: Timeline, canStall: boolean): Cte {
  return cte(
    "bounded",
    sql`
      select
        *,
        coalesce(${own("ends_at")}, lead(valid_from) over timeline) as valid_to,
        ${own("ends_at")} is not null or lead(${isDeletion}) over timeline as ${own("ends_by_deletion")}
      from dated
      ${along(timeline, order(canStall))}`,
  );
}

/** What a history shows of `versions`. The hash is made here, of rows that are written, not of all that are looked at. */
export function shownColumns(timeline: Timeline): Sql[] {
  const versions = sql`versions`;
  return [
    ...columnsOf(versions, [...timeline.key, ...timeline.attributes.keys(), "version_no"]),
    sql`${changeHash(timeline, versions)} as change_hash`,
    ...columnsOf(versions, ["valid_from", "valid_to", "is_current", "ended_by", ...timeline.loadOrder]),
  ];
}

/** The plain last select of a history. */
export function shownVersions(timeline: Timeline): Sql {
  return sql`
    select
      ${shownColumns(timeline)}
    from versions`;
}

function versionsQuery(timeline: Timeline, canStall: boolean, isStored: boolean): Sql {
  const { key, attributes, loadOrder } = timeline;
  return sql`
    select
      ${ids([...key, ...attributes.keys()])},
      row_number() over timeline as version_no,
      valid_from,
      valid_to,
      valid_to is null as is_current,
      case when ${own("ends_by_deletion")} then 'delete' when valid_to is not null then 'change' end as ended_by,
      ${[...ids(loadOrder), ...(isStored ? [toldAt] : [])]}
    from bounded
    where not ${isDeletion}
    ${along(timeline, order(canStall))}`;
}
