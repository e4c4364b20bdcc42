import { type Cte, cte } from "../../sql/ctes.ts";
import { id, ids } from "../../sql/identifiers.ts";
import { empty, type Sql, sql } from "../../sql/sql.ts";
import { columnsOf, own } from "../shared/check-options.ts";
import { comparable } from "../shared/values.ts";
import { changeHash, heldFrom, isDeletion, moment, sourceTime, toldAt } from "./expressions.ts";
import type { Timeline } from "./options.ts";

// From one record for each key and moment (`winners`) to versions.

const isBack = own("is_back");
const goneAt = own("gone_at");
const next = own("next_listing");
const effectiveAt = own("effective_at");
const endsAt = own("ends_at");
const isChange = own("is_change");
const isSeen = own("is_seen");
const isTold = own("is_told");

/** The CTEs that end in `versions`: key, attributes, the columns of a history but for its hash, and the record it came from. */
export function versionsCtes(timeline: Timeline, hasBatches: boolean, isStored = false): Cte[] {
  // Only a state can say that it holds from a time that another state has passed already.
  const canStall = hasBatches && timeline.effectiveAt !== undefined;
  return [
    observedCte(timeline, canStall),
    comparedCte(canStall, isStored),
    ...changesCtes(timeline, canStall),
    datedCte(timeline, canStall),
    boundedCte(timeline),
    cte("versions", versionsQuery(timeline, isStored)),
  ];
}

function along({ key }: Timeline, frame = empty): Sql {
  return sql`window timeline as (partition by ${ids(key)} order by ${moment}${frame})`;
}

/** Only what a function takes over a frame, and not lag and lead, sees no more than the rows before. */
const rowsBefore = sql` rows between unbounded preceding and 1 preceding`;

/** What a listing does not have, between two records of a key or after the last, is gone. */
function observedCte(timeline: Timeline, canStall: boolean): Cte {
  const now = comparable(timeline.attributes, (column) => id(column));
  const before = comparable(timeline.attributes, (column) => sql`lag(${id(column)}) over timeline`);
  const latest = canStall ? sql`max(${sourceTime}) over timeline as ${own("latest_source_time")},` : empty;
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
      ${along(timeline, canStall ? rowsBefore : empty)}`,
    { comment: "what a listing does not have, between two records of a key or after the last, is gone" },
  );
}

/** Equal neighbours collapse; A, B, A keeps three versions. A source time is believed while it moves forward. */
function comparedCte(canStall: boolean, isStored: boolean): Cte {
  const begin = canStall
    ? sql`
        case
          when ${isBack} or ${sourceTime} <= ${own("latest_source_time")} then ${moment}
          else least(${sourceTime}, ${moment})
        end`
    : moment;
  return cte(
    "compared",
    sql`
      select
        *,
        coalesce(${isBack}, false) or ${own("is_other")} as ${isChange},
        ${isStored ? sql`coalesce(${heldFrom}, ${begin})` : begin} as ${effectiveAt}
      from observed`,
    { comment: `equal neighbours collapse${canStall ? "; a source time is believed while it moves forward" : ""}` },
  );
}

/**
 * The changes. Between two of them stands at most one record that is none: the last one before its key was gone. Where a change
 * can stall: whether it is not after the change before it even where that took effect when the source says (it is seen), and
 * whether it is after that even where it was only seen (it is told).
 */
function changesCtes(timeline: Timeline, canStall: boolean): Cte[] {
  const before = (column: Sql) =>
    sql`case when lag(${isChange}) over timeline then lag(${column}) over timeline else lag(${column}, 2) over timeline end`;
  const paced = [
    sql`${effectiveAt} <= ${before(effectiveAt)} as ${isSeen}`,
    sql`(${effectiveAt} <= ${before(moment)}) is not true as ${isTold}`,
  ];
  const end = sql`coalesce(${goneAt}, case when not lead(${isChange}) over timeline then lead(${goneAt}) over timeline end) as ${endsAt}`;
  return [
    cte(
      "numbered",
      sql`
        select
          *,
          ${[end, ...(canStall ? paced : [])]}
        from compared
        where ${isChange} or ${goneAt} is not null
        ${along(timeline)}`,
    ),
    cte("changes", sql`select * from numbered where ${isChange}`),
  ];
}

/**
 * A change takes effect when the source says, if that is after the change before it; else when it was seen. So the last of the
 * changes up to it decides that is surely the one or the other.
 */
function datedCte(timeline: Timeline, canStall: boolean): Cte {
  if (!canStall) return cte("dated", sql`select *, ${effectiveAt} as valid_from from changes`);
  const latest = (kind: Sql) => sql`coalesce(max(${moment}) filter (where ${kind}) over timeline, '-infinity')`;
  return cte(
    "dated",
    sql`
      select
        *,
        case when ${latest(isSeen)} > ${latest(isTold)} then ${moment} else ${effectiveAt} end as valid_from
      from changes
      ${along(timeline)}`,
    { comment: "where a source's clock stands still or goes back, a change holds from when it was seen" },
  );
}

function boundedCte(timeline: Timeline): Cte {
  return cte(
    "bounded",
    sql`
      select
        *,
        count(*) filter (where not ${isDeletion}) over timeline as version_no,
        coalesce(${endsAt}, lead(valid_from) over timeline) as valid_to,
        ${endsAt} is not null or lead(${isDeletion}) over timeline as ${own("ends_by_deletion")}
      from dated
      ${along(timeline)}`,
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

function versionsQuery(timeline: Timeline, isStored: boolean): Sql {
  const { key, attributes, loadOrder } = timeline;
  return sql`
    select
      ${ids([...key, ...attributes.keys()])},
      version_no,
      valid_from,
      valid_to,
      valid_to is null as is_current,
      case when ${own("ends_by_deletion")} then 'delete' when valid_to is not null then 'change' end as ended_by,
      ${[...ids(loadOrder), ...(isStored ? [toldAt] : [])]}
    from bounded
    where not ${isDeletion}`;
}
