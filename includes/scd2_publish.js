// The models, constraints and assertions of a published history.

const { batches } = require("./scd2_batches");
const checks = require("./scd2_checks");
const store = require("./scd2_store");
const timeline = require("./scd2_timeline");
const { list } = timeline;

/** The models and assertions of one history; see `publish` in scd2.js. `given` are the options as checked. */
function publishAll(name, { schema, description, tags = [] }, feed, given) {
  const model = { ...(schema ? { schema } : {}), tags };
  const own = (suffix) => ({ ...(schema ? { schema } : {}), name: `${name}${suffix}` });
  const bound = (ctx) => ({ ...given, feed: ctx.ref(feed), batches: ctx.ref(own("_batches")) });
  const storeOptions = (ctx) => ({ ...bound(ctx), definition: JSON.stringify(given) });
  const touched = `"touched ${schema ? `${schema}.` : ""}${name}"`;
  const versions = (options) => timeline.versions(options, timeline.fromBatches(options), true);

  publish(`${name}_batches`, {
    ...model,
    // a table, since it is read several times in a run
    type: "table",
    description: `The loads that ${name} is made of: what each says, and whether it counts.`,
  })
    .query((ctx) => {
      const { ledger } = given.batches;
      const relation = typeof ledger === "string" ? ledger : ctx.ref(ledger);
      return batches({
        ...given,
        ...given.batches,
        ledger: relation,
        feed: ctx.ref(feed),
        loadId: given.loadOrder[0],
      });
    })
    // which loads have arrived is looked up by the index on their numbers; a feed without one is read once all the same
    .preOps("set local enable_seqscan = off; set local jit = off");

  publish(`${name}_store`, {
    ...model,
    type: "incremental",
    uniqueKey: [...[].concat(given.key), "version_no"],
    onSchemaChange: "SYNCHRONIZE",
    description: `What ${name} is kept in; read that one.`,
    postgres: {
      indexes: [
        { columns: ["run_no"], where: "run_no is not null" },
        { columns: ["run_no"], where: "row_kind <> 'version'" },
      ],
    },
  })
    .query((ctx) => {
      const options = storeOptions(ctx);
      const parts = { ...options, versions: (keysOf) => versions({ ...options, keysOf }) };
      return ctx.incremental() ? store.changes({ ...parts, self: ctx.self(), keysOf: touched }) : store.whole(parts);
    })
    .preOps((ctx) => [
      // a query of this many steps takes the JIT seconds to compile, and itself less
      "set local jit = off",
      // a table, so that the planner knows how many keys there are: for a thousand and a million it plans differently
      ...(ctx.incremental()
        ? [
            `create temporary table ${touched} on commit drop as ${store.touched({ ...storeOptions(ctx), self: ctx.self() })}`,
            `analyze ${touched}`,
          ]
        : []),
    ])
    .postOps((ctx) => constraints(ctx.self(), given.key));

  publish(name, {
    ...model,
    type: "view",
    description: description ?? "Every version (SCD2). One holds from valid_from until just before valid_to.",
    columns: COLUMNS,
  }).query((ctx) => historyOf(ctx.ref(own("_store")), given));

  assert(`${name}_is_sound`, { tags, description: `${name} keeps its promises.` }).query((ctx) =>
    checks.soundness({ ...bound(ctx), history: ctx.ref(own("")), store: ctx.ref(own("_store")) }),
  );

  assert(`${name}_source`, {
    tags,
    description: `Nothing is odd about what ${name} is made of.`,
    postgres: { severity: "warn" },
  }).query((ctx) => checks.sourceFaults(bound(ctx)));

  return { asKnownAt: (ctx, moment) => versions({ ...bound(ctx), knownAt: moment }) };
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

function historyOf(table, { key, attributes, loadOrder }) {
  const columns = [
    ...[].concat(key),
    ...Object.keys(attributes),
    "version_no",
    "change_hash",
    ...store.FIXED,
    ...loadOrder,
  ];
  return `
    select
      ${columns.join(",\n      ")},
      case when version_no = 1 then '-infinity' else valid_from end as valid_from_for_join
    from ${table} as store
    where row_kind = 'version'`;
}

/**
 * The constraint against overlaps comes first and only on a table that has none yet: what is live must not be locked while
 * an index is built. It needs the extension btree_gist; without it, the assertion looks for the same fault.
 */
function constraints(table, key) {
  const keys = [].concat(key);
  return [
    `do $$
    begin
      if exists (select from pg_extension where extname = 'btree_gist')
        and not exists (select from pg_constraint where conrelid = '${table}'::regclass and contype = 'c')
      then
        alter table ${table}
          add exclude using gist (${keys.map((column) => `${column} with =`).join(", ")}, tstzrange(valid_from, valid_to) with &&)
          where (row_kind = 'version');
      end if;
    end $$`,
    `alter table ${table}
      add check (row_kind in ('version', 'void', 'load')),
      add check (
        row_kind <> 'version'
        or (${[...keys, "version_no", "change_hash", "valid_from", "is_current"].map((column) => `${column} is not null`).join(" and ")}
          and is_current = (valid_to is null) and is_current = (ended_by is null))
      ),
      add check (valid_from < valid_to),
      add check (ended_by in ('change', 'delete'))`,
    `create unique index on ${table} (${list(key)}) where row_kind = 'version' and is_current`,
  ];
}

module.exports = { publishAll };
