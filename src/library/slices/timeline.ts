import { type Cte, cte } from "../../sql/ctes.ts";
import { id, ids } from "../../sql/identifiers.ts";
import { join, type Sql, sql } from "../../sql/sql.ts";
import { columnsOf, own } from "../shared/check-options.ts";
import { comparable } from "../shared/values.ts";
import type { StoreInput } from "./input.ts";

// From rows in the order of their loads to versions: equal neighbours are one, a day that is replaced ends what it lacks.

const place = own("place");
const gone = own("gone_place");
const step = own("step");

/** The common table expressions up to `recomputed`: the versions that new loads make or end. */
export function timeline(input: StoreInput): Cte[] {
  return [
    ...before(input),
    cte("observed", observed(input)),
    cte("placed", placed(input)),
    cte("compared", compared(input)),
    cte("numbered", numbered(input)),
    cte("ended", ended(input)),
    cte("versions", versions(input)),
    cte("recomputed", recomputed(input)),
  ];
}

/** The versions that new loads may end, or, where everything is computed anew, those that may be no more. */
function before(input: StoreInput): Cte[] {
  const { self, report } = input;
  if (!self) return [cte("open_versions", sql`select records.* from records where false`)];
  const shape = ["feed", ...names(input), "load_id", "known_from", "known_to", "ended_by"];
  const columns = [...columnsOf(sql`held`, shape), sql`held.${own("row_id")}`];
  const day = sql`held.${id(report.day)}`;
  const touched = sql`
    select
      ${columns}
    from held
    inner join (select distinct covered.feed, covered.day from covered) as days
      on days.feed = held.feed and days.day = ${day}
    where held.known_to is null
      and not (select scope.is_everything from scope)
      and ${day} >= (select min(covered.day) from covered)
    union all
    select
      ${columns}
    from held
    where (select scope.is_everything from scope)`;
  return [
    cte("held", held(input, self), { materialized: false }),
    cte("touched_rows", touched, { materialized: true }),
    cte(
      "open_versions",
      sql`select touched_rows.* from touched_rows where not (select scope.is_everything from scope)`,
    ),
  ];
}

/** The store's versions. A column that it does not have yet is NULL: its name then means that of `missing`. */
function held(input: StoreInput, self: Sql): Sql {
  const { columns } = input;
  return sql`
    select versions.*
    from (select records.* from (select) as one left join records on false) as missing
    cross join lateral (
      select
        store.feed,
        ${ids(names(input))},
        store.load_id,
        store.known_from,
        store.known_to,
        store.ended_by,
        store.${columns.id} as ${own("row_id")}
      from ${self} as store
      where store.${columns.kind} = 'version'
    ) as versions`;
}

function observed(input: StoreInput): Sql {
  const shared = (relation: Sql) => columnsOf(relation, ["feed", ...names(input), "load_id", "known_from"]);
  return sql`
    select
      ${shared(sql`records`)},
      records.${place}
    from records
    union all
    select
      ${shared(sql`open_versions`)},
      0::bigint
    from open_versions`;
}

/** Where a later load says all of the day, before one that tells the row again. */
function placed({ report }: StoreInput): Sql {
  return sql`
    select
      observed.*,
      case
        when slices.next_place < coalesce(lead(observed.${place}) over timeline, 9223372036854775807) then slices.next_place
      end as ${gone}
    from observed
    inner join slices
      on slices.feed = observed.feed
      and slices.day = observed.${id(report.day)}
      and slices.place = observed.${place}
    window timeline as (partition by ${sameRow(report.key, sql`observed`)} order by observed.${place})`;
}

/** What a row says differs from what it said before, it is the first, or it had vanished. */
function compared({ report }: StoreInput): Sql {
  const now = comparable(report.values, (column) => sql`placed.${id(column)}`);
  const before = comparable(report.values, (column) => sql`lag(placed.${id(column)}) over timeline`);
  return sql`
    select
      placed.*,
      lag(placed.${place}) over timeline is null
        or (${now}) is distinct from (${before})
        or lag(placed.${gone}) over timeline is not null as ${own("is_new")}
    from placed
    window timeline as (partition by ${sameRow(report.key, sql`placed`)} order by placed.${place})`;
}

function numbered({ report }: StoreInput): Sql {
  return sql`
    select compared.*, count(*) filter (where compared.${own("is_new")}) over timeline as ${step}
    from compared
    window timeline as (partition by ${sameRow(report.key, sql`compared`)} order by compared.${place})`;
}

function ended({ report }: StoreInput): Sql {
  return sql`
    select
      numbered.*,
      max(numbered.${gone}) over (partition by ${sameRow(report.key, sql`numbered`)}, numbered.${step}) as ${own("ends_at")}
    from numbered`;
}

function versions(input: StoreInput): Sql {
  return sql`
    select
      ${columnsOf(sql`ended`, ["feed", ...names(input), "load_id", "known_from"])},
      coalesce(ends.loaded_at, lead(ended.known_from) over timeline) as known_to,
      case
        when ends.loaded_at is not null then 'vanished'
        when lead(ended.${place}) over timeline is not null then 'restated'
      end as ended_by
    from ended
    left join loads as ends on ends.feed = ended.feed and ends.place = ended.${own("ends_at")}
    where ended.${own("is_new")}
    window timeline as (partition by ${sameRow(input.report.key, sql`ended`)} order by ended.${place})`;
}

function recomputed(input: StoreInput): Sql {
  const rowId = columnsOf(sql`versions`, ["feed", ...input.report.key, "load_id"]);
  return sql`
    select
      versions.*,
      md5(jsonb_build_array(${rowId})::text)::uuid as ${own("row_id")}
    from versions`;
}

function names({ report }: StoreInput): string[] {
  return [...report.key, ...report.values.keys()];
}

/** What makes rows of several loads one row of the report. */
function sameRow(key: readonly string[], relation: Sql): Sql {
  return join(columnsOf(relation, ["feed", ...key]), ", ");
}
