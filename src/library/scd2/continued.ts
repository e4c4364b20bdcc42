import { type Cte, cte } from "../../sql/ctes.ts";
import { id } from "../../sql/identifiers.ts";
import { empty, type Identifier, type Sql, sql } from "../../sql/sql.ts";
import { columnsOf, own } from "../shared/check-options.ts";
import { asType, comparable } from "../shared/values.ts";
import { changeHash, isDeletion, sameKey, sourceTime, toldAt } from "./expressions.ts";
import { rowKind, sourceUntil } from "./kept.ts";
import type { Timeline } from "./options.ts";
import { stored } from "./store-rows.ts";

// Most keys of most loads go on: their current version ends, another one begins, and nothing before it changes; or they are
// new. That much is known from the new record and the current version, so what else is known of them is not read.

const asOf = own("as_of");
const loadOf = own("load_id");
const startsAt = own("starts_at");
const isKnown = own("is_known");
const goesOn = own("goes_on");

// Of the current version, beside the columns of the new record.
const heldNo = own("held_version_no");
const heldHash = own("held_change_hash");
const heldSince = own("held_valid_from");
const heldTold = own("held_told_at");

/**
 * Whether keys of such a history can go on at all: a value that is filled for the time before changes earlier versions, and
 * a slice says of keys by what they were.
 */
export function canGoOn({ by, since }: Timeline): boolean {
  return !by.length && !since.size;
}

/**
 * `next_load`: the one that is new, if it is later than all before it, and none of those is a log or is gone; `decided`: each
 * key of it whose state is another one than before, with its current version, and whether it goes on.
 */
export function decidedCtes(timeline: Timeline): Cte[] {
  return [
    cte("next_load", nextLoad, { materialized: true }),
    ...(timeline.effectiveAt ? [clockCte] : []),
    cte("newest", newestRecords(timeline), { materialized: true }),
    cte("judged", judgedRecords(timeline), { materialized: true }),
    cte("told_before", toldBefore(timeline)),
    cte("decided", decidedKeys(timeline), { materialized: true }),
  ];
}

/** The rows of the store, without `run_no`, of the keys that go on: the version that ends and the one that begins. */
export function continuedRows(timeline: Timeline): Sql {
  return sql`
    select
      ${endedVersion(timeline)}
    from decided
    where ${goesOn} and ${heldNo} is not null
    union all
    select
      ${begunVersion(timeline)}
    from decided
    where ${goesOn}`;
}

/** The keys that do not go on. */
export function otherKeys({ key }: Timeline): Sql {
  return sql`select ${columnsOf(sql`decided`, key)} from decided where not ${goesOn}`;
}

const nextLoad = sql`
  select load_id, as_of, loaded_at
  from new_loads
  where (select count(*) = 1 from new_loads)
    and kind in ('full', 'partial')
    and as_of > coalesce((select latest from scope), '-infinity')
    and not (select is_everything from scope)
    and (select count(*) = 0 from gone_loads)
    and (select count(*) = 0 from loads where kind = 'log')`;

/** The latest time of the source that a record of the loads before has; NULL where that is not known of each of them. */
const clockCte = cte(
  "clock",
  sql`
    select case when bool_and(worked_in.${sourceUntil} is not null) then max(worked_in.${sourceUntil}) end as until
    from loads
    left join worked_in on worked_in.load_id = loads.load_id and worked_in.meaning = loads.meaning
    where loads.load_id not in (select load_id from next_load)`,
  { materialized: true },
);

/** The record of each key that counts in that load. */
function newestRecords({ key, loadOrder }: Timeline): Sql {
  const keys = columnsOf(sql`new_records`, key);
  return sql`
    select distinct on (${keys}) new_records.*, next_load.loaded_at as ${toldAt}
    from new_records
    cross join next_load
    order by ${keys}, new_records.${id(loadOrder[1]!)} desc`;
}

function held(column: string, { key, attributes, loadOrder }: Timeline): Identifier {
  return own(`held_${[...key, ...attributes.keys(), ...loadOrder].indexOf(column) + 1}`);
}

/** They beside their current versions. What is as it was is left out: it changes nothing. */
function judgedRecords(timeline: Timeline): Sql {
  const { key, attributes, loadOrder } = timeline;
  const value = (column: string) => {
    const [type, kept] = [attributes.get(column), sql`store.${id(column)}`];
    return type ? asType(kept, type, column) : kept;
  };
  const known = sql`(not newest.${isDeletion} and held.${heldSince} < newest.${asOf})`;
  return sql`
    select newest.*, held.*, ${known} is true as ${isKnown}
    from newest
    -- offset 0: key by key, by the index
    left join lateral (
      select
        ${[...key, ...attributes.keys(), ...loadOrder].map((column) => sql`${value(column)} as ${held(column, timeline)}`)},
        store.version_no as ${heldNo},
        store.change_hash as ${heldHash},
        store.valid_from as ${heldSince},
        store.${toldAt} as ${heldTold}
      from _dataform_store as store
      where ${sameKey(timeline, sql`store`, sql`newest`)} and store.${rowKind} = 'version' and store.is_current
      offset 0
    ) as held on true
    where ${known} is not true
      or (
        ${comparable(attributes, (column) => sql`newest.${id(column)}`)}
      ) is distinct from (
        ${comparable(attributes, (column) => sql`held.${held(column, timeline)}`)}
      )`;
}

/**
 * Keys of which another record is told that counts: one of a key that is not there, or one that holds from the same time of its
 * source or a later one. Where the latest time of each load before is known, and the record is later, none is looked for.
 */
function toldBefore(timeline: Timeline): Sql {
  const keys = columnsOf(sql`judged`, timeline.key);
  const isLater = sql`(not judged.${isKnown} or feed.${sourceTime} >= judged.${sourceTime})`;
  const mayBe = timeline.effectiveAt
    ? sql`(judged.${heldNo} is null or judged.${isKnown} and judged.${sourceTime} <= coalesce((select until from clock), 'infinity'))`
    : sql`judged.${heldNo} is null`;
  return sql`
    select distinct ${keys}
    from judged
    inner join _dataform_feed as feed on ${sameKey(timeline, sql`feed`, sql`judged`)}
    where ${mayBe}
      and feed.${id(timeline.loadOrder[0]!)} <> judged.${loadOf}
      ${timeline.effectiveAt ? sql`and ${isLater}` : empty}`;
}

function decidedKeys(timeline: Timeline): Sql {
  const [source, moment] = [sql`judged.${sourceTime}`, sql`judged.${asOf}`];
  const told = sql`least(${source}, ${moment})`;
  const begin = timeline.effectiveAt
    ? sql`case when ${told} <= judged.${heldSince} then ${moment} else ${told} end`
    : moment;
  return sql`
    select
      judged.*,
      ${begin} as ${startsAt},
      case
        when told_before.${id(timeline.key[0]!)} is not null or judged.${isDeletion} then false
        when judged.${isKnown} then judged.${heldTold} is not null
        else judged.${heldNo} is null
      end as ${goesOn}
    from judged
    left join told_before on ${sameKey(timeline, sql`told_before`, sql`judged`)}`;
}

function endedVersion(timeline: Timeline): Sql {
  const { key, attributes, loadOrder } = timeline;
  const before = (column: string, name = column) => sql`decided.${held(column, timeline)} as ${id(name)}`;
  return sql`
    ${[
      ...[...key, ...attributes.keys()].map((column) => before(column, stored(column))),
      sql`decided.${heldNo} as version_no`,
      sql`decided.${heldHash} as change_hash`,
      sql`decided.${heldSince} as valid_from`,
      sql`decided.${startsAt} as valid_to`,
      sql`false as is_current`,
      sql`'change' as ended_by`,
      ...loadOrder.map((column) => before(column)),
      sql`'version' as row_kind`,
      sql`decided.${heldTold} as ${toldAt}`,
    ]}`;
}

function begunVersion(timeline: Timeline): Sql {
  const { key, attributes, loadOrder } = timeline;
  return sql`
    ${[
      ...columnsOf(sql`decided`, [...key, ...attributes.keys()]),
      sql`coalesce(decided.${heldNo}, 0) + 1`,
      changeHash(timeline, sql`decided`),
      sql`decided.${startsAt}`,
      sql`null`,
      sql`true`,
      sql`null`,
      ...columnsOf(sql`decided`, loadOrder),
      sql`'version'`,
      sql`decided.${toldAt}`,
    ]}`;
}
