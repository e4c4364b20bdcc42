import { cte, withCtes } from "../../sql/ctes.ts";
import { id } from "../../sql/identifiers.ts";
import { literal } from "../../sql/literals.ts";
import { empty, join, type Sql, sql } from "../../sql/sql.ts";
import { columnsOf, own } from "../shared/check-options.ts";
import { comparable } from "../shared/values.ts";
import { incoming } from "./incoming.ts";
import type { StoreInput } from "./input.ts";
import { timeline } from "./timeline.ts";

// The incremental table under a report's versions: the versions, and which loads they were computed from, in one table, so
// that both are published, held back and rolled back together. The column `row_kind` says what a row is:
// - version: a row of the report in one version;
// - load: a load that has been worked in; `load_id` is its number, `row_hash` what it meant then;
// - void: a tombstone for what is no more, because a load that counted does not count now.

/** The columns of a version that readers see beside the report's, in the store's order. */
const SHARED = ["feed", "load_id", "known_from", "known_to", "ended_by"];

/**
 * The select of the rows that new loads add or change; of all rows where there is no store yet. New loads are compared with
 * what the store holds open for their days, so the work grows with them and not with the history.
 */
export function storeRows(input: StoreInput): Sql {
  const { self } = input;
  const rows = [
    self ? changedVersions(input) : allVersions(input),
    loadRows(input, sql`new_loads`, "load", empty),
    self ? loadRows(input, sql`worked_in`, "void", noLoadAnyMore) : loadRows(input, sql`undone`, "void", empty),
  ];
  // so that a guard does not miss them
  const undone = cte(
    "undone",
    sql`select loads.load_id, loads.feed, null as meaning from ${input.loads} as loads where not loads.counts`,
  );
  return withCtes([...incoming(input), ...(self ? [] : [undone]), ...timeline(input)], join(rows, "\nunion all\n"));
}

function allVersions({ report, columns }: StoreInput): Sql {
  return sql`
    select
      ${columnsOf(sql`recomputed`, [...report.key, ...report.values.keys(), ...SHARED])},
      null::text as ${columns.meaning},
      'version' as ${columns.kind},
      recomputed.${own("row_id")} as ${columns.id}
    from recomputed`;
}

/** Versions that are not in the store as they were computed, and those in it that are no more. */
function changedVersions({ report, columns }: StoreInput): Sql {
  const key = report.key.map(
    (column) => sql`coalesce(recomputed.${id(column)}, touched_rows.${id(column)}) as ${id(column)}`,
  );
  const state = (relation: Sql) => [
    ...columnsOf(relation, ["known_from", "known_to", "ended_by"]),
    ...comparable(report.values, (column) => sql`${relation}.${id(column)}`),
  ];
  return sql`
    select
      ${key},
      ${columnsOf(sql`recomputed`, [...report.values.keys(), ...SHARED])},
      null::text as ${columns.meaning},
      case when recomputed.${own("row_id")} is null then 'void' else 'version' end as ${columns.kind},
      coalesce(recomputed.${own("row_id")}, touched_rows.${own("row_id")}) as ${columns.id}
    from recomputed
    full join touched_rows on touched_rows.${own("row_id")} = recomputed.${own("row_id")}
    where (${state(sql`recomputed`)}) is distinct from (${state(sql`touched_rows`)})`;
}

/** A row for each load of a relation with load_id, feed and meaning. */
function loadRows({ report, columns }: StoreInput, relation: Sql, kind: "load" | "void", where: Sql): Sql {
  return sql`
    select
      ${[...report.key, ...report.values.keys()].map((column) => sql`null as ${id(column)}`)},
      ${relation}.feed,
      ${relation}.load_id,
      null::timestamptz as known_from,
      null::timestamptz as known_to,
      null as ended_by,
      ${relation}.meaning as ${columns.meaning},
      ${literal(kind)} as ${columns.kind},
      md5('load ' || ${relation}.load_id)::uuid as ${columns.id}
    from ${relation}
    ${where}`;
}

const noLoadAnyMore = sql`where not worked_in.is_gone and worked_in.load_id not in (select loads.load_id from loads)`;
