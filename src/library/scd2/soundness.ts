import { type Cte, cte, withCtes } from "../../sql/ctes.ts";
import { id, ids } from "../../sql/identifiers.ts";
import { literal } from "../../sql/literals.ts";
import { type Identifier, or, type Relation, type Sql, sql } from "../../sql/sql.ts";
import { columnsOf, own } from "../shared/check-options.ts";
import { comparable } from "../shared/values.ts";
import { changeHash, hasKey, idOf, sameKey } from "./expressions.ts";
import { toldKind } from "./kept.ts";
import { latestFullCtes, there } from "./latest-full.ts";
import type { Timeline } from "./options.ts";
import { batchesCte, feedCte } from "./records.ts";
import { RESULTS, stored } from "./store-rows.ts";

/** What a published history is made of. */
export interface Published {
  readonly timeline: Timeline;
  readonly feed: Relation;
  readonly batches: Relation;
  readonly history: Relation;
  readonly store: Relation;
}

/**
 * Every fault of a published history, one row each: it overlaps, has a gap or two equal neighbours, more than one current
 * version, numbers in another order, a hash that is not that of its columns, or differs from the latest full batch at that
 * batch's moment.
 *
 * Looked at are the versions that the last run wrote and the one before them, or all after a computation of all: the others were
 * looked at when they were written, and since numbers follow the time none can reach over them. The full batch is one of the
 * last run, too.
 */
export function soundnessQuery(published: Published): Sql {
  const { timeline } = published;
  return withCtes(
    [...writtenCtes(published), chainedCte(timeline), faultyCte(timeline), ...latestFullCtes(timeline)],
    faults(timeline),
  );
}

function writtenCtes({ timeline, feed, batches, history, store }: Published): Cte[] {
  const { key, attributes } = timeline;
  const columns = [...key, ...attributes.keys(), ...RESULTS];
  return [
    feedCte(timeline, feed),
    batchesCte(batches),
    cte(
      "_dataform_history",
      sql`
        select
          ${columnsOf(sql`history`, columns)}
        from ${history} as history`,
      { materialized: false },
    ),
    cte(
      "_dataform_store",
      sql`
        select
          ${[...key, ...attributes.keys()].map((column) => sql`store.${id(stored(column))} as ${id(column)}`)},
          ${columnsOf(sql`store`, RESULTS)},
          store.row_kind as ${own("row_kind")},
          store.run_no as ${own("run_no")},
          store.valid_from as ${own("as_of")},
          store.is_current is not distinct from false as ${own("is_gone")},
          store.${toldKind}
        from ${store} as store`,
      { materialized: false },
    ),
    cte(
      "last_run",
      sql`select max(${own("run_no")}) as run_no from _dataform_store where ${own("row_kind")} <> 'version'`,
      {
        materialized: true,
      },
    ),
    cte(
      "written",
      sql`
        select store.*
        from _dataform_store as store
        where store.${own("run_no")} = (select run_no from last_run) and ${hasKey(timeline, sql`store`)}`,
      { materialized: true },
    ),
    cte("touched", sql`select ${ids(key)}, min(version_no) - 1 as ${own("first")} from written group by ${ids(key)}`, {
      comment: "with the version before, to which those that were written must fit",
    }),
    cte("versions", lookedAt(timeline)),
  ];
}

/** Only what versions say of each other: their values are looked at by themselves. */
function lookedAt(timeline: Timeline): Sql {
  const columns = columnsOf(sql`history`, [...timeline.key, ...RESULTS]);
  return sql`
    select
      ${columns}
    from _dataform_history as history
    where (select run_no is null from last_run)
    union all
    -- offset 0: key by key, by the index
    select held.*
    from touched
    cross join lateral (
      select
        ${columns}
      from _dataform_history as history
      where ${sameKey(timeline, sql`history`, sql`touched`)} and history.version_no >= touched.${own("first")}
      offset 0
    ) as held`;
}

const next = own("next");
const nextNo = own("next_no");
const nextHash = own("next_hash");
const nextIsCurrent = own("next_is_current");

/** What one version and the next one say of each other, by its name. Two that are current overlap, too. */
const FAULTS: readonly (readonly [fault: string, column: Identifier, is: Sql])[] = [
  ["overlap", own("overlaps"), sql`coalesce(valid_to, 'infinity') > ${next}`],
  [
    "gap, or equal neighbours",
    own("is_broken"),
    sql`ended_by = 'change' and (${next} is distinct from valid_to or ${nextHash} = change_hash)`,
  ],
  ["not in the order of its numbers", own("is_misplaced"), sql`${nextNo} <> version_no + 1`],
  ["empty or backward", own("is_backward"), sql`valid_to <= valid_from`],
  ["several current", own("is_one_of_several"), sql`is_current and ${nextIsCurrent}`],
];

function chainedCte({ key }: Timeline): Cte {
  return cte(
    "chained",
    sql`
      select
        versions.*,
        lead(valid_from) over timeline as ${next},
        lead(version_no) over timeline as ${nextNo},
        lead(change_hash) over timeline as ${nextHash},
        lead(is_current) over timeline as ${nextIsCurrent}
      from versions
      window timeline as (partition by ${ids(key)} order by valid_from)`,
  );
}

function faultyCte(timeline: Timeline): Cte {
  const found = or(FAULTS.map(([, column]) => sql`${column}`));
  return cte(
    "faulty",
    sql`
      select *
      from (
        select
          ${[...ids(timeline.key), sql`valid_from`, sql`valid_to`, ...FAULTS.map(([, column, is]) => sql`${is} as ${column}`)]}
        from chained
      ) as looked_at
      where ${found}`,
  );
}

function faults(timeline: Timeline): Sql {
  const key = ids(timeline.key);
  const hasOtherHash = (version: Sql) => sql`${version}.change_hash is distinct from ${changeHash(timeline, version)}`;
  const values = (relation: Sql) => [
    sql`${relation}.${there}`,
    ...comparable(timeline.attributes, (column) => sql`${relation}.${id(column)}`),
  ];
  return sql`
    select said.fault, ${idOf(timeline, sql`faulty`)} as id, faulty.valid_from, faulty.valid_to
    from faulty
    cross join lateral (
      values ${FAULTS.map(([fault, column]) => sql`(${literal(fault)}, faulty.${column})`)}
    ) as said (fault, is_so)
    where said.is_so
    union all
    select 'hash', ${idOf(timeline, sql`written`)}, written.valid_from, written.valid_to
    from written
    where written.${own("row_kind")} = 'version' and ${hasOtherHash(sql`written`)}
    union all
    select 'hash', ${idOf(timeline, sql`history`)}, history.valid_from, history.valid_to
    from _dataform_history as history
    where (select run_no is null from last_run) and ${hasOtherHash(sql`history`)}
    union all
    select 'not as in the latest full batch', ${idOf(timeline, sql`compared`)}, compared.valid_from, compared.valid_to
    from (
      select ${key}, held.valid_from, held.valid_to
      from batch_versions
      full join held using (${key})
      where (
        ${values(sql`held`)}
      ) is distinct from (
        ${values(sql`batch_versions`)}
      )
    ) as compared`;
}
