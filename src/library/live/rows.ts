import { type Cte, cte } from "../../sql/ctes.ts";
import { id } from "../../sql/identifiers.ts";
import { join, type Sql, sql } from "../../sql/sql.ts";
import { refused } from "../shared/values.ts";
import {
  BUILT_AT,
  FIRST_LOAD,
  LEFT_OUT,
  ROLLED_BEYOND,
  ROLLED_TO,
  ROW_KIND,
  ROW_OF,
  ROWS,
  RUN_AT,
  TAKEN_IN,
} from "./shape.ts";

// The rows of a store, all in one table, so that they are published, held back and rolled back together. ROW_KIND says what
// a row is of: a `group` or a `session`, a `value` of a group, a `stream` (which of its loads are in the store), the `raw` rows
// that it was made of, the last `run`.

/** Columns of ours that people read nowhere, with their types. */
const OURS: ReadonlyMap<string, Sql> = new Map([
  [RUN_AT, sql`timestamptz`],
  [BUILT_AT, sql`timestamptz`],
  [ROLLED_TO, sql`bigint`],
  [ROLLED_BEYOND, sql`bigint[]`],
  [LEFT_OUT, sql`bigint[]`],
  [TAKEN_IN, sql`bigint[]`],
]);

/** A row of the store: these values, and NULL in all other columns. The first of a union has a value for each of `columns`. */
export function row(kind: Sql, of: Sql, columns: readonly string[], values: ReadonlyMap<string, Sql>): Sql[] {
  return [
    sql`${kind} as ${id(ROW_KIND)}`,
    sql`${of} as ${id(ROW_OF)}`,
    ...[...OURS].map(([name, type]) => sql`${values.get(name) ?? sql`null::${type}`} as ${id(name)}`),
    ...columns.map((name) => sql`${values.get(name) ?? sql`null`} as ${id(name)}`),
  ];
}

/** `this_run`: when it is, and when everything was computed last. */
export function thisRun(store: Sql | undefined): Cte {
  const run = store && sql`${store} as store where store.${id(ROW_KIND)} = 'run'`;
  const query = run
    ? sql`
        select
          -- clocks may go back; runs follow one another
          greatest(now(), (select store.${id(RUN_AT)} + interval '1 microsecond' from ${run})) as run_at,
          (select store.${id(BUILT_AT)} from ${run}) as built_at`
    : sql`select now() as run_at, now() as built_at`;
  return cte("this_run", query, { materialized: true });
}

/** What rows have as RUN_AT that this run writes: none where it computes everything. */
export const runAt = (store: Sql | undefined): [string, Sql] => [
  RUN_AT,
  store ? sql`(select this_run.run_at from this_run)` : sql`null::timestamptz`,
];

/** The rows about streams and the run, for a union behind those of `written`. */
export function recordRows(columns: readonly string[], store: Sql | undefined): Sql {
  const at = runAt(store);
  const stream = [ROLLED_TO, ROLLED_BEYOND, LEFT_OUT, TAKEN_IN].map((name): [string, Sql] => [
    name,
    id("streams", name),
  ]);
  const run: [string, Sql][] = [
    [RUN_AT, sql`this_run.run_at`],
    [BUILT_AT, sql`this_run.built_at`],
  ];
  return sql`
    select
      ${row(sql`'stream'`, id("streams", ROW_OF), columns, new Map([at, ...stream]))}
    from changed_streams as streams
    union all
    select
      ${row(sql`'raw'`, id("raw_rows", ROW_OF), columns, new Map([at]))}
    from raw_rows
    union all
    select
      ${row(sql`'run'`, sql`''`, columns, new Map(run))}
    from this_run
    ${
      store
        ? sql`
    -- also where nothing came in after a computation of everything: audits of this run have nothing to look at, and not all
    where exists (select from written) or exists (select from changed_streams) or ${isAll(store)}`
        : sql``
    }`;
}

/** True after a computation of everything, until the next run that changes something. */
export function isAll(store: Sql): Sql {
  return sql`(select runs.${id(RUN_AT)} = runs.${id(BUILT_AT)} from ${store} as runs where runs.${id(ROW_KIND)} = 'run')`;
}

/** The moment of the last run that changed something. */
export function lastRun(store: Sql): Sql {
  return sql`(select runs.${id(RUN_AT)} from ${store} as runs where runs.${id(ROW_KIND)} = 'run')`;
}

/** When an audit looks at something: after each run at what it changed, or only after everything was computed. */
export type Audit = "changed" | "refresh";

/** For an audit: the rows of a kind that the last run wrote; after a computation of everything, all. */
export function writtenRows(store: Sql, kind: Sql, audit: Audit): Sql {
  const all = sql`
    select everything.*
    from ${store} as everything
    where everything.${id(ROW_KIND)} = ${kind} and ${isAll(store)}`;
  if (audit === "refresh") return all;
  return sql`
    select changed.*
    from ${store} as changed
    where changed.${id(ROW_KIND)} = ${kind} and changed.${id(RUN_AT)} = ${lastRun(store)}
    union all
    ${all}`;
}

/** `left.a = right.a and …`; true where nothing is to be the same. */
export function same(left: string, right: string, columns: readonly string[]): Sql {
  if (!columns.length) return sql`true`;
  return join(
    columns.map((name) => sql`${id(left, name)} = ${id(right, name)}`),
    " and ",
  );
}

/** True, or an error that names the column of a key without a value: nothing would find such a row again. */
export function unlessNameless(alias: string, columns: readonly string[], option: string): Sql[] {
  return columns.map((name) => {
    const said = refused(
      `${option}: ${name} is NULL, which names nothing; say what stands for it (coalesce), or leave such rows out (where). Found in load `,
      id(alias, FIRST_LOAD),
    );
    return sql`case when ${id(alias, ROWS)} > 0 and ${id(alias, name)} is null then ${said}::boolean else true end`;
  });
}
