import { type Cte, cte } from "../../sql/ctes.ts";
import { id, ids } from "../../sql/identifiers.ts";
import { join, or, type Sql, sql } from "../../sql/sql.ts";
import { own } from "../shared/check-options.ts";
import { knownOf, type Shape } from "./shape.ts";

// Counters of which a reading may not say what they add: those that it need not have (`optional`), and those of a unit that
// changed (`ofUnit`). What such a counter shows, where nothing is known to take it from, is of unknown age: no delta, in no total.

/** What of a shape says which counters these are. */
export type Special = Pick<Shape, "optional" | "unit" | "ofUnit">;

export const NONE: Special = { optional: new Set(), unit: undefined, ofUnit: new Set() };

export const UNIT_RUN = own("unit_run");
const UNIT_CHANGES = own("unit_changes");
/** What is known of a counter with this reading. */
export const nowOf = (counter: string) => own(`now_${counter}`);
const toldOf = (counter: string) => own(`told_${counter}`);
const groupOf = (counter: string) => own(`group_${counter}`);
const lastOf = (counter: string) => own(`last_${counter}`);

/** Whether a reading is in another unit than the one before, over a window of its series. */
export function unitChanges({ unit }: Special, alias: string, takenAt: string, window: Sql): Sql {
  const column = id(alias, unit!);
  return sql`lag(${id(alias, takenAt)}) over ${window} is not null and lag(${column}) over ${window} is distinct from ${column}`;
}

/** The steps between `judged` and `measured`; none where every counter is in every reading, and of one unit. */
export function knownSteps(
  special: Special,
  {
    series,
    takenAt,
    counters,
    isContinued,
  }: {
    readonly series: readonly string[];
    readonly takenAt: string;
    readonly counters: ReadonlyMap<string, Sql>;
    /** Whether there are rows of the states before, which say what was known. */
    readonly isContinued: boolean;
  },
): readonly Cte[] {
  const optional = [...special.optional];
  const ofUnit = [...special.ofUnit];
  if (!optional.length && !ofUnit.length) return [];
  const partition = join(ids(series), ", ");
  const window = sql`(partition by ${partition} order by ${id(takenAt)})`;
  // 0 is what stood there when all restarted
  const told = (name: string) => {
    const held = isContinued ? sql`${id(knownOf(name))}, ` : sql``;
    return sql`coalesce(${id(name)}, ${held}case when is_reset then 0 end) as ${toldOf(name)}`;
  };
  const runs = ofUnit.length ? [sql`count(*) filter (where ${UNIT_CHANGES}) over ${window} as ${UNIT_RUN}`] : [];
  const changed = sql`
    select
      judged.*,
      ${ofUnit.length ? unitChanges(special, "judged", takenAt, window) : sql`false`} as ${UNIT_CHANGES}
    from judged`;
  const parts = (name: string) => (special.ofUnit.has(name) ? sql`${partition}, ${UNIT_RUN}` : partition);
  const grouped = optional.map(
    (name) =>
      sql`count(${toldOf(name)}) over (partition by ${parts(name)} order by ${id(takenAt)}) as ${groupOf(name)}`,
  );
  const known = optional.map(
    (name) =>
      sql`(max(${toldOf(name)}) over (partition by ${parts(name)}, ${groupOf(name)}))::${counters.get(name)!} as ${nowOf(name)}`,
  );
  const last = [...new Set([...optional, ...ofUnit])].map((name) => {
    const before = sql`lag(${special.optional.has(name) ? nowOf(name) : id(name)}) over ${window}`;
    const value = special.ofUnit.has(name) ? sql`case when not ${UNIT_CHANGES} then ${before} end` : before;
    return sql`${value} as ${lastOf(name)}`;
  });
  const step = (from: string, columns: readonly Sql[]) => sql`
    select
      ${[sql`${id(from)}.*`, ...columns]}
    from ${id(from)}`;
  return [
    cte("units", changed),
    cte("unit_runs", step("units", [...runs, ...optional.map(told)])),
    cte("known_groups", step("unit_runs", grouped)),
    cte("known_values", step("known_groups", known)),
    cte("known_before", step("known_values", last)),
  ];
}

/** True where such a counter is lower than it is known to have been. */
export function knownFell({ optional, ofUnit }: Special): Sql {
  return or([...new Set([...optional, ...ofUnit])].map((name) => sql`coalesce(${id(name)} < ${lastOf(name)}, false)`));
}
