import { expression, relation } from "../sql/authored.ts";
import { id } from "../sql/identifiers.ts";
import { sql } from "../sql/sql.ts";
import { callerOf } from "./shared/check-options.ts";
import { assertModel, inputTo, modelOf, type Name, nameIn, publishModel, referTo } from "./shared/dataform.ts";
import { storeColumns } from "./slices/input.ts";
import { loadsOf } from "./slices/loads.ts";
import { type LoadsOptions, type PublishOptions, type Report, reportOf, tablesOf } from "./slices/options.ts";
import { COLUMNS, faultsOf, knownAt, versionsOf } from "./slices/published.ts";
import { storeRows } from "./slices/store.ts";

// Reports that are read again: a later load replaces the days it was asked for as a whole, so that a row that is no longer
// sent is gone. Keeps every version of every row, with the time at which it was known.

export type { LoadsOptions, PublishOptions } from "./slices/options.ts";

/**
 * The loads of some raw tables that count: load_id, feed, loaded_at, first_day, last_day, is_whole, lookback_days.
 *
 * A feed is one stream of one source. A load says all there is of the days it was asked for (`details.days`, which landing
 * notes for streams with a window); without them, of the days that it has rows of. One with rejected records is not whole:
 * what it lacks may be among its rejects, so it ends nothing. The next load reads `lookback_days` before `last_day` again
 * (`details.lookbackDays`, the window's): what is older is final. NULL where no window says so.
 * @throws Error that names a wrong option
 */
export function loads(options: LoadsOptions): string {
  const tables = tablesOf("slices.loads", options);
  return loadsOf(relation(options.ledger ?? "raw._load", "slices.loads: ledger"), tables).toString();
}

/**
 * One call for the versions of a report, computed incrementally, from a file in definitions/:
 *
 * - `<name>`, or what `versions` calls it: the versions: key, values, feed, load_id, [known_from, known_to), is_current, ended_by (`restated` or
 *   `vanished`). What the report says now is `where is_current`;
 * - `<name>_loads`: which loads count; `<name>_store`: the incremental table;
 * - the assertion `<name>_is_sound`.
 * @throws Error that names a wrong option
 */
export function publish(name: string, options: PublishOptions): void {
  const caller = callerOf("slices.publish", name);
  const report = reportOf(caller, options);
  const parts: Parts = { name, caller, report, options };
  publishLoads(parts);
  publishStore(parts);
  publishVersions(parts);
  const { tags = [] } = options;
  assertModel(`${name}_is_sound`, { tags, description: `${name} keeps its promises.` }, (ctx) =>
    faultsOf(referTo(ctx, versionsIn(parts), caller), report),
  );
}

/**
 * What was known at a moment: the rows as the report said then.
 * @param versions what `publish` made, as `ref()` gives it
 * @param moment an SQL expression, a timestamptz
 */
export function asKnownAt(versions: string, moment: string): string {
  return knownAt(
    relation(versions, "slices.asKnownAt: versions"),
    expression(moment, "slices.asKnownAt: moment"),
  ).toString();
}

interface Parts {
  readonly name: string;
  readonly caller: string;
  readonly report: Report;
  readonly options: PublishOptions;
}

function publishLoads({ name, caller, options }: Parts): void {
  const tables = tablesOf(`${caller}: loads`, options.loads);
  const { ledger = "raw._load" } = options.loads;
  const config = {
    ...modelOf(options),
    type: "view",
    description: `The loads that ${name} is made of, and which count.`,
  };
  publishModel(`${name}_loads`, config, (ctx) =>
    loadsOf(
      typeof ledger === "string"
        ? relation(ledger, `${caller}: loads: ledger`)
        : referTo(ctx, ledger, `${caller}: loads: ledger`),
      tables,
      true,
    ),
  );
}

function publishStore(parts: Parts): void {
  const { name, caller, report, options } = parts;
  const columns = storeColumns(report);
  const open = sql`${columns.kind} = 'version' and known_to is null`.toString();
  // In parentheses, PostgreSQL takes any name.
  const indexed = (column: string) => sql`(${id(column)})`.toString();
  const config = {
    ...modelOf(options),
    type: "incremental",
    uniqueKey: [columns.idName],
    onSchemaChange: "SYNCHRONIZE",
    description: `What ${name} is kept in; read that one.`,
    postgres: {
      guard: { where: sql`${columns.kind} = 'version'`.toString(), keep: sql`${columns.kind} = 'load'`.toString() },
      indexes: [
        { columns: [indexed(report.day)], where: open },
        { columns: ["feed", ...report.key].map(indexed), unique: true, where: open },
      ],
    },
  };
  publishModel(`${name}_store`, config, (ctx) =>
    storeRows({
      report,
      columns,
      feed: inputTo(ctx, options.from, `${caller}: from`, {
        schema: options.schema,
        made: [name, `${name}_store`, `${name}_loads`],
      }),
      loads: referTo(ctx, partOf(parts, "_loads"), caller),
      self: ctx.incremental() ? relation(ctx.self(), caller) : undefined,
    }),
  );
}

function publishVersions(parts: Parts): void {
  const { name, caller, report, options } = parts;
  const config = {
    ...modelOf(options),
    type: "view",
    description: options.description ?? "Every version of every row of a report, and when it was known.",
    columns: { ...options.columns, ...COLUMNS },
  };
  publishModel(options.versions ?? name, config, (ctx) =>
    versionsOf(referTo(ctx, partOf(parts, "_store"), caller), report),
  );
}

function versionsIn({ name, options }: Parts): Name {
  return nameIn(options, options.versions ?? name);
}

/** The name of a part of what was published, as in `ref()`. */
function partOf({ name, options }: Parts, suffix: string): Name {
  return nameIn(options, `${name}${suffix}`);
}
