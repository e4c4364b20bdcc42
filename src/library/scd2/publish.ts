import { expression, relation } from "../../sql/authored.ts";
import { withCtes } from "../../sql/ctes.ts";
import { id, ids, suffixed } from "../../sql/identifiers.ts";
import { dollarQuoted, literal } from "../../sql/literals.ts";
import { and, join, type Relation, type Sql, sql } from "../../sql/sql.ts";
import {
  assertModel,
  type Context,
  inputTo,
  modelOf,
  type Name,
  nameIn,
  publishModel,
  referTo,
} from "../shared/dataform.ts";
import { batchesQuery } from "./batches.ts";
import { canGoOn } from "./continued.ts";
import { heldRowsCte, kept, loadsOfStore, toldCte } from "./kept.ts";
import type { Timeline } from "./options.ts";
import { batchesCte, feedCte, loadsCte, winnersOfLoads } from "./records.ts";
import { soundnessQuery } from "./soundness.ts";
import { sourceQuery } from "./source-query.ts";
import { storeChanges, wholeStore } from "./store.ts";
import type { StoreParts } from "./store-loads.ts";
import { storeCte, stored } from "./store-rows.ts";
import { touchedRows } from "./touched.ts";
import { shownVersions, versionsCtes } from "./versions.ts";

/** What a history is published as. */
export interface Publication {
  readonly name: string;
  readonly schema: string | undefined;
  readonly description: string | undefined;
  readonly tags: readonly string[];
  readonly feed: { readonly schema?: string; readonly name: string };
  readonly timeline: Timeline;
  /** All that decides what a version is, besides the loads. */
  readonly definition: string;
}

/** The models and assertions of one history; see `publish` in scd2.ts. */
export function publishAll(publication: Publication): { asKnownAt(context: Context, moment: string): string } {
  publishBatches(publication);
  publishStore(publication);
  publishHistory(publication);
  publishChecks(publication);
  const { timeline } = publication;
  return {
    asKnownAt: (context, moment) => {
      const known = expression(moment, `${timeline.caller}: asKnownAt`);
      return versionsOfLoads(timeline, feedOf(context, publication), refOf(context, partOf(publication, "_batches")), {
        known,
        store: refOf(context, partOf(publication, "_store")),
      }).toString();
    },
  };
}

interface Knowledge {
  /** What was loaded later is not regarded. */
  readonly known?: Sql | undefined;
  /** Where versions are kept whose loads are gone. */
  readonly store?: Relation;
}

/** The select of the versions of a feed in loads. */
export function versionsOfLoads(timeline: Timeline, feed: Relation, batches: Relation, knowledge: Knowledge = {}): Sql {
  const { known, store } = knowledge;
  const ofFeed = [batchesCte(batches, known), loadsCte(), ...winnersOfLoads(timeline), ...versionsCtes(timeline, true)];
  const ofStore = (self: Relation) => [
    toldCte(batches, known),
    storeCte(timeline, self),
    ...loadsOfStore(sql`null`, known),
    heldRowsCte(timeline, { known }),
    ...winnersOfLoads(timeline, kept(timeline)),
    ...versionsCtes(timeline, true, true),
  ];
  return withCtes([feedCte(timeline, feed), ...(store ? ofStore(store) : ofFeed)], shownVersions(timeline));
}

function publishBatches(publication: Publication): void {
  const { name, timeline } = publication;
  const { ledger } = timeline.batches!;
  publishModel(
    `${name}_batches`,
    {
      ...modelOf(publication),
      // a table, since it is read several times in a run
      type: "table",
      description: `The loads that ${name} is made of: what each says, and whether it counts.`,
    },
    (context) => {
      const told =
        typeof ledger === "string" ? relation(ledger, `${timeline.caller}: batches: ledger`) : refOf(context, ledger!);
      return batchesQuery(timeline, feedOf(context, publication), told);
    },
    // which loads have arrived is looked up by the index on their numbers; a feed without one is read once all the same
  ).preOps("set local enable_seqscan = off");
}

function publishStore(publication: Publication): void {
  const { name, timeline } = publication;
  const touched = temporaryTable(publication);
  publishModel(
    `${name}_store`,
    {
      ...modelOf(publication),
      type: "incremental",
      uniqueKey: [...timeline.key.map(stored), "version_no"],
      onSchemaChange: "SYNCHRONIZE",
      description: `What ${name} is kept in; read that one.`,
      postgres: {
        guard: { where: "row_kind = 'version'", keep: "row_kind = 'load'" },
        indexes: [
          { columns: ["run_no"], where: "run_no is not null" },
          { columns: ["run_no"], where: "row_kind <> 'version'" },
        ],
      },
    },
    (context) => {
      const parts = partsOf(publication, context);
      return context.incremental() ? storeChanges(parts, selfOf(context), touched) : wholeStore(parts);
    },
  )
    .preOps((context) => [
      // what is compared as it is written is written to its last digit
      "set local extra_float_digits = 1",
      // a table, so that the planner knows how many keys there are: for a thousand and a million it plans differently
      ...(context.incremental() ? touchedTable(publication, context, touched) : []),
    ])
    .postOps((context) => storeConstraints(selfOf(context), timeline.key.map(stored)));
}

/** A table that a run makes for itself: what new loads change, and the keys to compute. */
function temporaryTable({ schema, name }: Publication): Relation {
  return id(suffixed(`touched ${schema ? `${schema}.` : ""}${name}`, ""));
}

/** Of the new rows in it only how many keys are left to compute matters to the planner. */
function touchedTable(publication: Publication, context: Context, touched: Relation): string[] {
  const { timeline } = publication;
  const counted = canGoOn(timeline) ? [...timeline.key.map(stored), "row_kind"] : timeline.key;
  return [
    sql`
      create temporary table ${touched} on commit drop as
      ${touchedRows(partsOf(publication, context), selfOf(context))}`,
    sql`analyze ${touched} (${ids(counted)})`,
  ].map(String);
}

function publishHistory(publication: Publication): void {
  const { name, timeline, description } = publication;
  const { key, attributes, loadOrder } = timeline;
  const columns = [...key, ...attributes.keys(), ...Object.keys(COLUMNS).slice(0, -1), ...loadOrder];
  publishModel(
    name,
    {
      ...modelOf(publication),
      type: "view",
      description: description ?? "Every version (SCD2). One holds from valid_from until just before valid_to.",
      columns: COLUMNS,
    },
    (context) => sql`
      select
        ${columns.map((column) => (stored(column) === column ? id(column) : sql`${id(stored(column))} as ${id(column)}`))},
        case when version_no = 1 then '-infinity' else valid_from end as valid_from_for_join
      from ${refOf(context, partOf(publication, "_store"))} as store
      where store.row_kind = 'version'`,
  );
}

function publishChecks(publication: Publication): void {
  const { name, tags, timeline } = publication;
  assertModel(`${name}_is_sound`, { tags, description: `${name} keeps its promises.` }, (context) =>
    soundnessQuery({
      timeline,
      feed: feedOf(context, publication),
      batches: refOf(context, partOf(publication, "_batches")),
      history: refOf(context, partOf(publication, "")),
      store: refOf(context, partOf(publication, "_store")),
    }),
  );
  assertModel(
    `${name}_source`,
    { tags, description: `Nothing is odd about what ${name} is made of.`, postgres: { severity: "warn" } },
    (context) =>
      sourceQuery({
        timeline,
        feed: feedOf(context, publication),
        batches: refOf(context, partOf(publication, "_batches")),
        store: refOf(context, partOf(publication, "_store")),
      }),
  );
}

const COLUMNS = {
  version_no: "1 for the first known version.",
  change_hash: "Equal for versions with equal attributes.",
  valid_from: "First moment of this version.",
  valid_to: "First moment after this version; NULL while it holds.",
  is_current: "True for the version that holds now. What is deleted has none.",
  ended_by: "change or delete; NULL while it holds.",
  valid_from_for_join: "valid_from, but -infinity for the first version: facts from before it join that one.",
};

/**
 * The constraint against overlaps comes first and only on a table that has none yet: what is live must not be locked while
 * an index is built. It needs the extension btree_gist; without it, the assertion looks for the same fault.
 */
function storeConstraints(table: Relation, key: readonly string[]): string[] {
  const same = join(
    key.map((column) => sql`${id(column)} with =`),
    ", ",
  );
  const isThere = [...key, "version_no", "change_hash", "valid_from", "is_current"].map(
    (column) => sql`${id(column)} is not null`,
  );
  const withoutOverlaps = sql`
    begin
      if exists (select from pg_extension where extname = 'btree_gist')
        and not exists (select from pg_constraint where conrelid = ${literal(table.toString())}::regclass and contype = 'c')
      then
        alter table ${table}
          add exclude using gist (${same}, tstzrange(valid_from, valid_to) with &&)
          where (row_kind = 'version');
      end if;
    end`;
  return [
    sql`do ${dollarQuoted(withoutOverlaps)}`,
    sql`
      alter table ${table}
        add check (row_kind in ('version', 'void', 'load')),
        add check (
          row_kind <> 'version'
          or (${and([...isThere, sql`is_current = (valid_to is null)`, sql`is_current = (ended_by is null)`])})
        ),
        add check (valid_from < valid_to),
        add check (ended_by in ('change', 'delete'))`,
    sql`create unique index on ${table} (${ids(key)}) where row_kind = 'version' and is_current`,
  ].map(String);
}

function partOf(publication: Publication, suffix: string): Name {
  return nameIn(publication, `${publication.name}${suffix}`);
}

function partsOf(publication: Publication, context: Context): StoreParts {
  return {
    timeline: publication.timeline,
    feed: feedOf(context, publication),
    batches: refOf(context, partOf(publication, "_batches")),
    definition: publication.definition,
  };
}

function feedOf(context: Context, { feed, timeline, name, schema }: Publication): Relation {
  return inputTo(context, feed, `${timeline.caller}: from`, {
    schema,
    made: [name, `${name}_store`, `${name}_batches`],
  });
}

function refOf(context: Context, name: Name): Relation {
  return referTo(context, name, "ref()");
}

function selfOf(context: Context): Relation {
  return relation(context.self(), "self()");
}
