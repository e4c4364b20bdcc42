import type { Column, ManifestEntry } from "../../model/catalog.ts";
import type { Model } from "../../model/graph.ts";
import type { AuditStep, BuildStep, NewRows, Threshold } from "../../model/plan.ts";
import { type Target, targetKey } from "../../model/target.ts";
import { expression } from "../../sql/authored.ts";
import { id, ids } from "../../sql/identifiers.ts";
import { literal, sqlLiteral } from "../../sql/literals.ts";
import { privateId } from "../../sql/names.ts";
import { and, empty, join, or, type Sql, sql, writtenIn } from "../../sql/sql.ts";
import { statement } from "../../sql/statement.ts";
import { counts, parseThreshold } from "./assertion.ts";
import { OTHER_VERSION } from "./build-step.ts";
import { changesRows } from "./deletes.ts";

/** A model that is published, and the step that builds it again. */
export interface Guarded {
  readonly model: Model;
  readonly step: BuildStep;
  readonly published: ManifestEntry;
  /** True: its guards only warn. */
  readonly mayLose: boolean;
  readonly assertionSchema: string;
}

/** What an incremental model may lose where its config says nothing: what was added is not always there to be read again. */
const LOSS_OF_INCREMENTS = "50%";

/**
 * The guards of a model: assertions that compare what was built with what is published. Each returns one row, with
 * the figures, when the model loses or changes more than it may.
 */
export function guardSteps(guarded: Guarded): AuditStep[] {
  const { model, step, published } = guarded;
  const { maxRowDrop, maxChangedKeys, where, keep, keepBy } = model.postgres.guard ?? {};
  const [before, after] = [privateId(published.object), privateId(step.entry.object)];
  const condition = where && writtenIn(model.file, where, expression(where, "postgres.guard: where"));
  const counted = condition ? sql` where ${condition}` : empty;
  const kept = keep ? writtenIn(model.file, keep, expression(keep, "postgres.guard: keep")) : empty;
  const drop = (most: number | string, unless?: Sql): AuditStep[] => {
    const allowed = parseThreshold(most);
    // All of them: nothing to count.
    if ("share" in allowed && allowed.share >= 1) return [];
    return [guardStep(guarded, "maxRowDrop", most, rowDrop({ before, after, counted, unless }, allowed))];
  };
  return [
    ...(maxRowDrop !== undefined ? drop(maxRowDrop) : []),
    ...(maxRowDrop === undefined && canLose(guarded) ? drop(LOSS_OF_INCREMENTS, cannotHaveLost(guarded)) : []),
    ...(keep !== undefined && model.key && !step.newRows
      ? [
          guardStep(
            guarded,
            "keep",
            keep,
            rowsToKeep({ before, after, counted }, ofBoth(keepBy ?? model.key, published), kept),
          ),
        ]
      : []),
    ...(maxChangedKeys === undefined || !model.key
      ? []
      : [
          guardStep(
            guarded,
            "maxChangedKeys",
            maxChangedKeys,
            changedKeys(before, after, model.key, published.columns, parseThreshold(maxChangedKeys)),
          ),
        ]),
  ];
}

/** The columns of a key by which rows of what is published can be found again: a key may have got columns since. */
function ofBoth(key: readonly string[], { columns }: ManifestEntry): readonly string[] {
  return key.filter((name) => columns.some((column) => column.name === name));
}

function guardStep(
  { model, step, mayLose, assertionSchema }: Guarded,
  guard: Guard,
  most: number | string,
  figures: Sql,
): AuditStep {
  const key = targetKey(model.target);
  return {
    step: "audit",
    kind: "assertion",
    target: guardTarget(model.target, assertionSchema, guard),
    file: model.file,
    reason: `guards ${key}`,
    waitsFor: [...step.waitsFor, key],
    reads: [key],
    severity: mayLose ? "warn" : "error",
    threshold: { rows: 0 },
    askedBy: guard,
    statement: statement("read", auditOf(figures)),
    guards: {
      message: `${key} ${WORDS[guard].what} (${guard}: ${most})`,
      hint: `${whyAnew(step, guard)}${WORDS[guard].hint(key)}`,
    },
  };
}

type Guard = "maxRowDrop" | "maxChangedKeys" | "keep";

const sayWhat = (guard: Guard) => (key: string) =>
  `--allow-loss ${key} lets it pass this time; postgres: { guard: { ${guard} } } says what it may`;

const WORDS: Readonly<Record<Guard, { readonly what: string; hint(key: string): string }>> = {
  maxRowDrop: { what: "loses more rows than it may", hint: sayWhat("maxRowDrop") },
  maxChangedKeys: { what: "has more keys gone or changed than it may", hint: sayWhat("maxChangedKeys") },
  keep: {
    what: "made anew loses rows that it is to keep: what they came of is gone",
    hint: (key) => `--allow-loss ${key} lets them go this time`,
  },
};

/** What else there is to do than to let it pass, where a model is made anew whose rows another run would keep. */
function whyAnew({ reason, newRows }: BuildStep, guard: Guard): string {
  if (newRows) return "";
  if (reason.endsWith(OTHER_VERSION))
    return "it is made anew because its version changed, by its options or with the package: put back what it was, and its rows are kept; or ";
  return guard === "keep" ? "without --full-refresh they are kept; or " : "";
}

/**
 * Rows of an incremental model go when it is made anew, or is no longer one; when rows are added, only by statements of the
 * author, or by what its config does not count.
 */
function canLose({ model, step, published }: Guarded): boolean {
  const isIncremental = model.kind === "incremental" || published.storage !== undefined;
  const { newRows } = step;
  const marks = model.postgres.guard?.where !== undefined;
  return isIncremental && (!newRows || newRows.gone !== undefined || marks || changesAny(model));
}

function changesAny(model: Model): boolean {
  return model.kind === "incremental" && changesRows(model);
}

/** Tables of this size are counted in a few ms. */
const SMALL = 1024 * 1024;

/**
 * What the server knows without reading rows: that so much cannot be gone. Counting both tables takes 7 % of the time of a
 * full refresh that copies 2,000,000 rows.
 */
function cannotHaveLost({ model, step, published }: Guarded): Sql | undefined {
  const before = published.storage?.table ?? (published.kind === "table" ? published.object : undefined);
  const { where } = model.postgres.guard ?? {};
  const made = step.entry.storage?.table ?? (step.kind === "table" ? step.entry.object : undefined);
  if (before === undefined || made === undefined || (where !== undefined && !step.newRows) || changesAny(model))
    return undefined;
  // A row that no longer counts is one that was added in the place of one that did.
  const few = step.newRows
    ? sql`${join(changedIn(step.newRows, where).map(estimated), " + ")} < 0.4 * ${estimated(before)}`
    : sql`${estimated(made)} > 0.75 * ${estimated(before)}`;
  return sql`coalesce(pg_catalog.pg_relation_size(pg_catalog.to_regclass(${sqlLiteral(privateId(before))})) >= ${literal(SMALL)} and ${few}, false)`;
}

/** Tables of a run that adds rows: as many rows as they have may be lost. */
function changedIn({ table, gone }: NewRows, where: string | undefined): string[] {
  return [...(where === undefined ? [] : [table]), ...(gone === undefined ? [] : [gone])];
}

/** Rows as of the last `analyze`, for the size that the table has now; NULL where there was none. */
function estimated(table: string): Sql {
  return sql`(
    select
      nullif(c.reltuples::numeric, -1.0) / greatest(c.relpages, 1)::numeric
      * pg_catalog.pg_relation_size(c.oid)::numeric / pg_catalog.current_setting('block_size')::numeric
    from pg_catalog.pg_class as c
    where c.oid = pg_catalog.to_regclass(${sqlLiteral(privateId(table))})::pg_catalog.oid
  )`;
}

function guardTarget(target: Target, schema: string, name: string): Target {
  return { schema, name: `${target.schema}_${target.name}_guard_${name}` };
}

/** The audit of a query of ours that gives a row where something is wrong. */
function auditOf(figures: Sql): Sql {
  return sql`
    with failing as materialized (
      ${figures}
    )

    ${counts()}`;
}

// Casts, so that both sides are of one type: for another pair others may have made an operator.
function exceeds(amount: Sql, whole: Sql, allowed: Threshold): Sql {
  return "rows" in allowed
    ? sql`${amount}::numeric > ${literal(allowed.rows)}::numeric`
    : sql`${amount}::numeric > ${whole}::numeric * ${literal(String(allowed.share))}::numeric`;
}

/** Rounded down: 100 are all. */
function percent(amount: Sql, whole: Sql): Sql {
  return sql`pg_catalog.trunc(100.0 * ${amount}::numeric / nullif(${whole}::numeric, 0.0), 1)`;
}

interface Compared {
  readonly before: Sql;
  readonly after: Sql;
  /** Which rows count, as the author says. */
  readonly counted: Sql;
  /** A condition under which nothing is counted. */
  readonly unless?: Sql | undefined;
}

function rowDrop({ before, after, counted, unless }: Compared, allowed: Threshold): Sql {
  const [drop, whole] = [sql`(rows_before - rows_now)`, sql`rows_before`];
  return sql`
    select
      rows_before,
      rows_now,
      ${percent(drop, whole)} as percent_lost
    from (
      select
        (select pg_catalog.count(*) from ${before}${counted}) as rows_before,
        (select pg_catalog.count(*) from ${after}${counted}) as rows_now
      ${unless ? sql`where not (${unless})` : empty}
      -- or the tables would be counted before the condition is looked at, and once for each mention
      offset 0
    ) as figures
    where ${exceeds(drop, whole, allowed)}`;
}

/** How many keys of the rows to keep no row has; and how many rows count, before and now. */
function rowsToKeep({ before, after, counted }: Compared, key: readonly string[], kept: Sql): Sql {
  const keys = key.length ? sql`pg_catalog.jsonb_build_array(${ids(key)})` : sql`null::jsonb`;
  return sql`
    select
      to_keep,
      gone,
      (select pg_catalog.count(*) from ${before}${counted}) as rows_before,
      (select pg_catalog.count(*) from ${after}${counted}) as rows_now
    from (
      select pg_catalog.count(*) as to_keep, pg_catalog.count(*) filter (where found.key is null) as gone
      from (select distinct ${keys} as key from ${before} where ${kept}) as kept
      left join (
        select distinct ${keys} as key from ${after}
        where ${keys} in (select ${keys} from ${before} where ${kept})
      ) as found on found.key = kept.key
    ) as figures
    where gone > 0`;
}

/**
 * A key counts when it is gone, or when a column it had is gone or has another value. Which columns there are is known
 * once the model is built, so rows are compared as JSON, where numbers are equal by their value.
 */
function changedKeys(
  before: Sql,
  after: Sql,
  key: readonly string[],
  columns: readonly Column[],
  allowed: Threshold,
): Sql {
  const unknown = key.some((name) => !columns.some((column) => column.name === name));
  if (unknown) return otherKeys(before, allowed);
  const changed = sql`pg_catalog.to_jsonb("new".*) - (select names from added) <> pg_catalog.to_jsonb("old".*)`;
  const missing = (side: string) => or(key.map((name) => sql`${id(side, name)} is null`));
  const values = (side: string) =>
    sql`pg_catalog.jsonb_build_array(${join(
      key.map((name) => id(side, name)),
      ", ",
    )})`;
  const [lost, whole] = [sql`(keys_gone + keys_changed)`, sql`keys_before`];
  const had = join(
    columns.map(({ name }) => literal(name)),
    ", ",
  );
  return sql`
    with added as (
      select coalesce(pg_catalog.array_agg(name), '{}') as names
      from (
        select pg_catalog.jsonb_object_keys(pg_catalog.to_jsonb(line.*)) as name
        from (select * from ${after} limit 1) as line
      ) as columns
      where name <> all (array[${had}]::text[])
    )
    select
      keys_before,
      keys_gone,
      keys_changed,
      ${percent(lost, whole)} as percent_changed
    from (
      select
        pg_catalog.sum(keys_before) as keys_before,
        pg_catalog.sum(keys_gone) as keys_gone,
        pg_catalog.sum(keys_changed) as keys_changed
      from (
        select
          pg_catalog.count(*) as keys_before,
          pg_catalog.count(*) filter (where ${id("new", key[0]!)} is null) as keys_gone,
          pg_catalog.count(*) filter (
            where ${id("new", key[0]!)} is not null and ${changed}
          ) as keys_changed
        from ${before} as "old"
        left join ${after} as "new"
          on ${and(key.map((name) => sql`${id("new", name)} operator(pg_catalog.=) ${id("old", name)}`))}
        where not (${missing("old")})
        union all
        -- NULL is a key like any other, and not found by equality.
        select
          pg_catalog.count(*),
          pg_catalog.count(*) filter (where pg_catalog.to_jsonb("new".*) is null),
          pg_catalog.count(*) filter (where ${changed})
        from ${before} as "old"
        left join ${after} as "new"
          on ${values("new")} = ${values("old")} and (${missing("new")})
        where ${missing("old")}
      ) as parts
    ) as figures
    where ${exceeds(lost, whole, allowed)}`;
}

/** What is published has not all columns of the key: by it no row is the one that it was. */
function otherKeys(before: Sql, allowed: Threshold): Sql {
  const [lost, whole] = [sql`keys_gone`, sql`keys_before`];
  return sql`
    select keys_before, keys_gone, 0 as keys_changed, ${percent(lost, whole)} as percent_changed
    from (select pg_catalog.count(*) as keys_before, pg_catalog.count(*) as keys_gone from ${before}) as figures
    where ${exceeds(lost, whole, allowed)}`;
}
