import { relation } from "../../sql/authored.ts";
import { withCtes } from "../../sql/ctes.ts";
import { id } from "../../sql/identifiers.ts";
import { and, join, type Sql, sql } from "../../sql/sql.ts";
import { type Context, modelOf, publishModel } from "../shared/dataform.ts";
import { newsOfSnapshots, readingsOfSnapshots } from "./full.ts";
import { newsOfLog, readingsOfLog } from "./log.ts";
import { indexed, inputOf, loadsOf, type Published, selfOf, undoneOf, versionOf } from "./published.ts";
import { deltaOf, keyOf, LEFT_DAY, LOAD_NO, PREVIOUS_AT, ROW_KIND, RUN_AT, type Shape, toDateOf } from "./shape.ts";
import { before, written } from "./store.ts";
import { news } from "./store-loads.ts";

/** The incremental table that everything else of some counters is read from. */
export function publishStore(published: Published): void {
  const { name, caller, checked } = published;
  const { shape } = checked;
  const where = sql`${id(ROW_KIND)} = 'reading'`;
  const keep = sql`${id(ROW_KIND)} in ('reading', 'load') and ${id(shape.loadOrder[0])} is not null`;
  const series = [...shape.series.keys()];
  const config = {
    ...modelOf(published.options),
    type: "incremental",
    uniqueKey: [...keyOf(shape), LOAD_NO, ...(shape.daysMove ? [LEFT_DAY] : [])],
    description: `What ${name}_deltas and ${name}_snapshots are kept in; read those. A run reads the new loads and the last state of the counters in them; after a late or restated reading, these counters from there on.`,
    postgres: {
      version: versionOf(published),
      // its clock says which run wrote a row
      volatile: false,
      // a full refresh must find the loads again that had rows: as those of a reading, as loads, or as taken back
      guard: { where: `${where}`, keep: `${keep}`, keepBy: [shape.loadOrder[0]] },
      indexes: [
        { columns: [shape.day], where: `${where}` },
        ...(shape.kind === "full" && shape.day !== shape.takenAt.name
          ? [{ columns: [indexed(shape.takenAt.name)], where: `${where}` }]
          : []),
        { columns: series.map(indexed), unique: true, where: `${where} and ${id(PREVIOUS_AT)} is null` },
        { columns: [RUN_AT], where: `${id(RUN_AT)} is not null` },
        { columns: [ROW_KIND], where: `${id(ROW_KIND)} in ('load', 'run')` },
      ],
    },
  };
  publishModel(`${name}_store`, config, (context) => storeQuery(published, context)).postOps((context) =>
    constraints(shape, relation(context.self(), caller)).toString(),
  );
}

function storeQuery(published: Published, context: Context): Sql {
  const { options, checked } = published;
  const { shape, timeZone } = checked;
  const self = selfOf(published, context);
  const feed = inputOf(published, context, "from", options.from);
  const loads = loadsOf(published, context);
  const undone = undoneOf(published);
  const births = checked.births && {
    ...checked.births,
    relation: inputOf(published, context, "births: from", checked.births.from),
  };
  const log = { shape, feed, loads, timeZone, births, self };
  const full = { shape, feed, loads, timeZone };
  const isLog = shape.kind === "log";
  return withCtes(
    [
      ...news(shape, { loads, feed, undone }, self),
      ...(isLog ? newsOfLog(log) : newsOfSnapshots(full)),
      ...before(shape, self),
      isLog ? readingsOfLog(log) : readingsOfSnapshots(full),
      ...written(shape, { loads, feed, undone, news: isLog ? sql`new_loads` : sql`new_snapshots` }, self),
    ],
    sql`
      -- a day's rows beside each other: most of what reads the store wants some days
      select written.* from written
      ${self ? sql`` : sql`order by ${id("written", shape.day)}`}`,
  );
}

function constraints(shape: Shape, self: Sql): Sql {
  const { kind, series, takenAt, day, counters, nonNull, optional, ofUnit } = shape;
  const rowKind = id(ROW_KIND);
  const names = [...counters.keys()];
  const needed = [
    ...new Set([
      ...series.keys(),
      takenAt.name,
      day,
      ...nonNull,
      ...names.filter((name) => !optional.has(name)).map(toDateOf),
      "is_baseline",
      "is_reset",
      "is_correction",
    ]),
  ];
  const none = names.map((name) =>
    optional.has(name) || ofUnit.has(name)
      ? sql`not (is_baseline and ${id(deltaOf(name))} is not null)`
      : sql`is_baseline = (${id(deltaOf(name))} is null)`,
  );
  const list = (columns: readonly string[]) =>
    join(
      columns.map((name) => id(name)),
      ", ",
    );
  return sql`
    alter table ${self}
      add check (${rowKind} in ('reading', 'load', 'run', 'void')),
      add check (${rowKind} <> 'reading' or (${list(needed)}) is not null),
      add check (${rowKind} <> 'reading' or (${and([...none, sql`is_baseline = (days_covered is null)`])})),
      ${kind === "full" ? sql`add check (${rowKind} <> 'load' or ${id(takenAt.name)} is not null),` : sql``}
      add check (not (is_baseline and is_reset)),
      add check (not ((is_baseline or is_reset) and is_correction)),
      add check (days_covered >= 0)`;
}
