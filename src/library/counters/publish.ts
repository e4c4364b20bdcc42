import { relation } from "../../sql/authored.ts";
import { withCtes } from "../../sql/ctes.ts";
import { id } from "../../sql/identifiers.ts";
import { and, join, type Sql, sql } from "../../sql/sql.ts";
import { assertModel, type Context, type Name, publishModel, referTo, targetOf } from "../dataform.ts";
import { fail } from "../options.ts";
import {
  type Audited,
  deltasThatDisagree,
  loadsOfStore,
  readingsThatDisagree,
  unitsThatChange,
  unsound,
} from "./checks.ts";
import { type Descriptions, describeRollup, describeTotals, descriptionsOf, pick } from "./descriptions.ts";
import { calendarOf, loadsOfLedger, newsOfSnapshots, readingsOfSnapshots, snapshotsOfLedger } from "./full.ts";
import { newsOfLog, readingsOfLog } from "./log.ts";
import type { Checked, CounterOptions, RollupOptions } from "./options.ts";
import { groupOf, periodOf, type Rollup, rollupQuery } from "./rollups.ts";
import { seriesTotals } from "./series-totals.ts";
import { deltaOf, IS_WHOLE, keyOf, LOAD_NO, PREVIOUS_AT, ROW_KIND, RUN_AT, type Shape, toDateOf } from "./shape.ts";
import { before, news, written } from "./store.ts";
import { rollupsThatDisagree, totalsThatDisagree } from "./sum-checks.ts";
import { deltaColumns, snapshotColumns, viewOf } from "./views.ts";

/** Everything around some counters, by what it is called. */
export interface Published {
  readonly name: string;
  readonly caller: string;
  readonly options: CounterOptions;
  readonly checked: Checked;
}

/** The models and assertions of some counters. */
export function publishAll(published: Published): void {
  publishStore(published);
  publishViews(published);
  for (const [name, rollup] of published.checked.rollups) publishRollup(published, name, rollup);
  if (published.checked.totals) publishTotals(published);
  publishChecks(published);
}

// A query of this many steps takes the JIT longer to compile than to run.
const WITHOUT_JIT = "set local jit = off";

const told = (columns: Descriptions | undefined) => new Map(Object.entries(columns ?? {}));
const modelOf = ({ options: { schema, tags = [] } }: Published) => ({ ...(schema ? { schema } : {}), tags });
const ownName = ({ options: { schema } }: Published, name: string): Name => (schema ? { schema, name } : { name });
const storeName = (published: Published) => ownName(published, `${published.name}_store`);
const fullName = ({ options: { schema } }: Published, name: string) => `${schema ? `${schema}.` : ""}${name}`;
// An index takes an expression in parentheses as it is.
const indexed = (name: string) => `(${id(name)})`;

function refer({ caller }: Published, context: Context, name: Name): Sql {
  return referTo(context, name, caller);
}

function selfOf({ caller }: Published, context: Context): Sql | undefined {
  return context.incremental() ? relation(context.self(), caller) : undefined;
}

function loadsOf(published: Published, context: Context): Sql {
  const { caller, options, checked } = published;
  if (options.loads) return refer(published, context, options.loads);
  const { shape, timeZone } = checked;
  const ledger = id("raw", "_load");
  const table = targetOf(options.from)!.name;
  if (shape.kind === "log") return loadsOfLedger(ledger, table);
  if (shape.takenAt.kind !== "date")
    fail(caller, `needs loads: the ledger tells the days of snapshots, and ${shape.takenAt.name} is no date`);
  return snapshotsOfLedger(ledger, table, shape.takenAt, timeZone);
}

function audited(published: Published, context: Context): Audited {
  const { options, checked } = published;
  return {
    shape: checked.shape,
    timeZone: checked.timeZone,
    store: refer(published, context, storeName(published)),
    feed: refer(published, context, options.from),
    loads: loadsOf(published, context),
  };
}

function publishStore(published: Published): void {
  const { name, caller, checked } = published;
  const { shape } = checked;
  const where = sql`${id(ROW_KIND)} = 'reading'`;
  const series = [...shape.series.keys()];
  const config = {
    ...modelOf(published),
    type: "incremental",
    uniqueKey: [...keyOf(shape), LOAD_NO],
    description: `What ${name}_deltas and ${name}_snapshots are kept in; read those. A run reads the new loads and the last state of the counters in them; after a late or restated reading, these counters from there on.`,
    postgres: {
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
  publishModel(`${name}_store`, config, (context) => storeQuery(published, context))
    .preOps(WITHOUT_JIT)
    .postOps((context) => constraints(shape, relation(context.self(), caller)).toString());
}

function storeQuery(published: Published, context: Context): Sql {
  const { options, checked } = published;
  const { shape, timeZone } = checked;
  const self = selfOf(published, context);
  const feed = refer(published, context, options.from);
  const loads = loadsOf(published, context);
  const births = checked.births && { ...checked.births, relation: refer(published, context, checked.births.from) };
  const log = { shape, feed, timeZone, births, self };
  const full = { shape, feed, loads, timeZone };
  const isLog = shape.kind === "log";
  return withCtes(
    [
      ...news(shape, loads, self),
      ...(isLog ? newsOfLog(log) : newsOfSnapshots(full)),
      ...before(shape, self),
      isLog ? readingsOfLog(log) : readingsOfSnapshots(full),
      ...written(shape, isLog ? sql`new_loads` : sql`new_snapshots`, self),
    ],
    sql`
      -- a day's rows beside each other: most of what reads the store wants some days
      select written.* from written
      ${self ? sql`` : sql`order by ${id("written", shape.day)}`}`,
  );
}

function constraints({ kind, series, takenAt, day, counters, nonNull }: Shape, self: Sql): Sql {
  const rowKind = id(ROW_KIND);
  const names = [...counters.keys()];
  const needed = [
    ...new Set([...series.keys(), takenAt.name, day, ...nonNull, ...names.map(toDateOf), "is_baseline", "is_reset"]),
  ];
  const none = names.map((name) => sql`is_baseline = (${id(deltaOf(name))} is null)`);
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
      add check (days_covered >= 0)`;
}

function publishViews(published: Published): void {
  const { name, options, checked } = published;
  const { shape } = checked;
  const known = descriptionsOf(shape, told(options.columns));
  const kept = `Kept in ${fullName(published, `${name}_store`)}, whose indexes are its key.`;
  const view = (suffix: string, description: string, columns: ReadonlyMap<string, Sql>) =>
    publishModel(
      `${name}_${suffix}`,
      {
        ...modelOf(published),
        type: "view",
        description: `${description} ${kept}`,
        columns: pick(known, columns.keys()),
      },
      (context) => viewOf(columns, refer(published, context, storeName(published))),
    );
  const which =
    shape.kind === "full"
      ? "of the snapshot loaded last"
      : shape.reportedAt
        ? "the one reported last"
        : "the one loaded last";
  view("snapshots", `The reading that counts for each ${keyOf(shape).join(", ")}: ${which}.`, snapshotColumns(shape));
  view(
    "deltas",
    "What each reading adds to the one before, and the totals to date with resets made good.",
    deltaColumns(shape),
  );
  if (shape.kind === "full") publishCalendar(published);
}

function publishCalendar(published: Published): void {
  const { name, checked } = published;
  const { shape } = checked;
  const columns = {
    [shape.takenAt.name]: "The moment of the snapshot.",
    load_id: "The load that counts for it: the one loaded last.",
    is_whole: "True where nothing of it was rejected: what it lacks was not there.",
    whole_before: "The moment of the last whole snapshot before.",
  };
  const config = {
    ...modelOf(published),
    type: "view",
    description: "The snapshots that count, a row for each moment.",
    columns,
  };
  publishModel(`${name}_calendar`, config, (context) => {
    const store = refer(published, context, storeName(published));
    return sql`
      select
        calendar.taken_at as ${id(shape.takenAt.name)},
        calendar.load_no as load_id,
        calendar.${id(IS_WHOLE)} as is_whole,
        calendar.whole_before
      from (
        ${calendarOf(loadsOfStore(shape, store))}
      ) as calendar`;
  });
}

function publishRollup(
  published: Published,
  name: string,
  rollup: Rollup & Pick<RollupOptions, "description" | "columns">,
): void {
  const { options } = published;
  const store = fullName(published, `${published.name}_store`);
  const period = periodOf(rollup);
  const config = {
    ...modelOf(published),
    type: "incremental",
    uniqueKey: groupOf(rollup),
    description:
      rollup.description ??
      `What the readings of each ${rollup.every} add. Only those with a changed reading are computed again.`,
    columns: describeRollup(rollup, told(options.columns), told(rollup.columns), store),
    postgres: { indexes: [{ columns: [indexed(period)] }, { columns: ["computed_from"] }] },
  };
  publishModel(name, config, (context) =>
    rollupQuery(rollup, { store: refer(published, context, storeName(published)), self: selfOf(published, context) }),
  ).preOps(WITHOUT_JIT);
}

function publishTotals(published: Published): void {
  const { name, options, checked } = published;
  const { shape } = checked;
  const { description, indexes = [] } = checked.totals!;
  const config = {
    ...modelOf(published),
    type: "incremental",
    uniqueKey: [...shape.series.keys()],
    description:
      description ??
      "Each series to date. Only those with a changed reading are computed again, from their first reading and the last ones.",
    columns: describeTotals(shape, told(options.columns), fullName(published, `${name}_store`)),
    postgres: { indexes: [...indexes, { columns: ["computed_from"] }] },
  };
  publishModel(`${name}_totals`, config, (context) =>
    seriesTotals(shape, { store: refer(published, context, storeName(published)), self: selfOf(published, context) }),
  ).preOps(WITHOUT_JIT);
}

const SCOPE = "What the last run wrote is looked at, everything after a computation of everything.";

function publishChecks(published: Published): void {
  const { name, options, checked } = published;
  const { shape } = checked;
  const check = (what: string, description: string, query: (parts: Audited, context: Context) => Sql) =>
    assertModel(what, { tags: options.tags ?? [], description: `${description} ${SCOPE}` }, (context) =>
      query(audited(published, context), context),
    );
  check(`${name}_is_sound`, "Records have all that a reading needs, and no negative counter.", (parts) =>
    unsound(parts, checked.conditions),
  );
  if (shape.unit !== undefined)
    check(`${name}_keeps_its_unit`, `A series never changes its ${shape.unit}: no delta would be right.`, ({ store }) =>
      unitsThatChange(shape, shape.unit!, store),
    );
  check(
    `${name}_snapshots_agree_with_records`,
    "Each reading is as the record that counts says, none is missing or made up.",
    readingsThatDisagree,
  );
  check(
    `${name}_deltas_agree_with_snapshots`,
    "Baseline + deltas = last reported total + what stood on the counter before each reset = total to date.",
    ({ store }) => deltasThatDisagree(shape, store),
  );
  for (const [rollup, parts] of checked.rollups)
    check(
      `${rollup}_agrees_with_${name}_deltas`,
      `${rollup} holds every delta and every baseline once.`,
      ({ store }, context) => rollupsThatDisagree(parts, store, refer(published, context, ownName(published, rollup))),
    );
  if (checked.totals)
    check(
      `${name}_totals_agree_with_${name}_deltas`,
      "The totals of each series are its baseline and its deltas.",
      ({ store }, context) =>
        totalsThatDisagree(shape, store, refer(published, context, ownName(published, `${name}_totals`))),
    );
}
