import { id } from "../../sql/identifiers.ts";
import { type Sql, sql } from "../../sql/sql.ts";
import { assertModel, type Context, modelOf, nameIn, publishModel } from "../shared/dataform.ts";
import {
  type Audited,
  deltasThatDisagree,
  loadsOfStore,
  readingsThatDisagree,
  unitsThatChange,
  unitsThatChanged,
  unsound,
} from "./checks.ts";
import { describeRollup, describeTotals, descriptionsOf, pick } from "./descriptions.ts";
import { calendarOf } from "./full.ts";
import type { RollupOptions } from "./options.ts";
import {
  fullName,
  indexed,
  inputOf,
  loadsOf,
  type Published,
  refer,
  selfOf,
  storeName,
  told,
  undoneOf,
  versionOf,
} from "./published.ts";
import { groupOf, periodOf, type Rollup, rollupQuery } from "./rollups.ts";
import { seriesTotals } from "./series-totals.ts";
import { IS_WHOLE, keyOf } from "./shape.ts";
import { publishStore } from "./store-model.ts";
import { rollupsThatDisagree, totalsThatDisagree } from "./sum-checks.ts";
import { deltaColumns, snapshotColumns, viewOf } from "./views.ts";

/** The models and assertions of some counters. */
export function publishAll(published: Published): void {
  publishStore(published);
  publishViews(published);
  for (const [name, rollup] of published.checked.rollups) publishRollup(published, name, rollup);
  if (published.checked.totals) publishTotals(published);
  publishChecks(published);
}

function audited(published: Published, context: Context): Audited {
  const { options, checked } = published;
  return {
    shape: checked.shape,
    timeZone: checked.timeZone,
    store: refer(published, context, storeName(published)),
    feed: inputOf(published, context, "from", options.from),
    loads: loadsOf(published, context),
    undone: undoneOf(published),
  };
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
        ...modelOf(published.options),
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
    ...modelOf(published.options),
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
    ...modelOf(published.options),
    type: "incremental",
    uniqueKey: groupOf(rollup),
    description:
      rollup.description ??
      `What the readings of each ${rollup.every} add. Only those with a changed reading are computed again.`,
    columns: describeRollup(rollup, told(options.columns), told(rollup.columns), store),
    postgres: {
      version: versionOf(published, { by: rollup.by, every: rollup.every, measures: options.rollups![name]!.measures }),
      indexes: [{ columns: [indexed(period)] }, { columns: ["computed_from"] }],
    },
  };
  publishModel(name, config, (context) =>
    rollupQuery(rollup, { store: refer(published, context, storeName(published)), self: selfOf(published, context) }),
  );
}

function publishTotals(published: Published): void {
  const { name, options, checked } = published;
  const { shape } = checked;
  const { description, indexes = [] } = checked.totals!;
  const config = {
    ...modelOf(published.options),
    type: "incremental",
    uniqueKey: [...shape.series.keys()],
    description:
      description ??
      "Each series to date. Only those with a changed reading are computed again, from their first reading and the last ones.",
    columns: describeTotals(shape, told(options.columns), fullName(published, `${name}_store`)),
    postgres: { version: versionOf(published), indexes: [...indexes, { columns: ["computed_from"] }] },
  };
  publishModel(`${name}_totals`, config, (context) =>
    seriesTotals(shape, { store: refer(published, context, storeName(published)), self: selfOf(published, context) }),
  );
}

const SCOPE = "What the last run wrote is looked at, everything after a computation of everything.";

function publishChecks(published: Published): void {
  const { name, options, checked } = published;
  const { shape } = checked;
  const check = (
    what: string,
    description: string,
    query: (parts: Audited, context: Context) => Sql,
    more: object = {},
  ) =>
    assertModel(what, { tags: options.tags ?? [], description: `${description} ${SCOPE}`, ...more }, (context) =>
      query(audited(published, context), context),
    );
  check(`${name}_is_sound`, "Records have all that a reading needs, and no negative counter.", (parts) =>
    unsound(parts, checked.conditions),
  );
  if (shape.unit !== undefined && !shape.ofUnit.size)
    check(`${name}_keeps_its_unit`, `A series never changes its ${shape.unit}: no delta would be right.`, ({ store }) =>
      unitsThatChange(shape, shape.unit!, store),
    );
  if (shape.ofUnit.size)
    check(
      `${name}_keeps_its_unit`,
      `No reading is in another ${shape.unit} than the one before: what ${[...shape.ofUnit].join(" and ")} added till then is not known. It is told, and holds nothing back.`,
      ({ store }) => unitsThatChanged(shape, shape.unit!, store),
      { postgres: { severity: "warn" } },
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
      ({ store }, context) =>
        rollupsThatDisagree(parts, store, refer(published, context, nameIn(published.options, rollup))),
    );
  if (checked.totals)
    check(
      `${name}_totals_agree_with_${name}_deltas`,
      "The totals of each series are its baseline and its deltas.",
      ({ store }, context) =>
        totalsThatDisagree(shape, store, refer(published, context, nameIn(published.options, `${name}_totals`))),
    );
}
