import type { Catalog, Column } from "../model/catalog.ts";
import { UserError } from "../model/errors.ts";
import type { CompiledGraph } from "../model/graph.ts";
import type { AuditStep, BuildStep, Plan, PublishItem, PublishPlan, Segment, Statement } from "../model/plan.ts";
import type { AbsentTable, StepError } from "../model/report.ts";
import { type Target, targetKey } from "../model/target.ts";
import { withAdopted } from "../plan/obstacles.ts";
import { planCandidate } from "../plan/planner.ts";
import { choosePath, type PublicPath } from "../plan/public-path.ts";
import { planPublish } from "../plan/publish-plan.ts";
import { isWhole, keepsShape, shapeOf } from "../plan/shape.ts";
import { type Client, withNames } from "../postgres/client.ts";
import { describeNewRows, describeObjects } from "../postgres/describe-objects.ts";
import { send } from "../postgres/send.ts";
import { ALREADY_THERE, NOT_MADE, sqlState } from "../postgres/sqlstate.ts";
import { createSchemaOnce } from "../sql/ddl.ts";
import { relationId } from "../sql/identifiers.ts";
import { PRIVATE_SCHEMA } from "../sql/names.ts";
import { sql } from "../sql/sql.ts";
import { explained } from "../sql/statement.ts";
import { absentTables } from "./absent.ts";
import { describedInVain } from "./described.ts";
import { explainBuild, explainFailure, type ReadSource, type Sources, sourcesOf } from "./explain.ts";
import { mistakeIn } from "./later.ts";
import { objectsOf, publishItem } from "./publish-item.ts";

/** What a plan would come to, found out without data and without leaving anything behind. */
export interface Preview {
  readonly version: 1;
  readonly releases: readonly ReleasePreview[];
  /** Of incremental steps: what is sent once their new rows are there, for the columns that these have. */
  readonly secondHalves: Readonly<Record<string, readonly Statement[]>>;
  /** Models that would fail, by `schema.name`. */
  readonly failures: Readonly<Record<string, StepError>>;
  /** Assertions that cannot be asked and only warn, by `schema.name`. */
  readonly warned: Readonly<Record<string, StepError>>;
  /** What waits for declared tables that are not there, by `schema.name`: these, and not what reads it. */
  readonly awaits: Readonly<Record<string, readonly AbsentTable[]>>;
  /** What needs what operations before it, or its pre_operations or post_operations do and a plan does not, by `schema.name`. */
  readonly untried: readonly string[];
}

/** Of each release that has something to publish. */
export interface ReleasePreview {
  readonly release: number;
  /** How each public view follows, by `schema.name`. */
  readonly paths: Readonly<Record<string, PublicPath["how"]>>;
  readonly publish: PublishPlan;
  /** Columns that a published model would have otherwise than before, by `schema.name`. */
  readonly columns: Readonly<Record<string, readonly ColumnChange[]>>;
}

/** `was` alone: it is dropped; `is` alone: it is added; both: its type changes. */
export interface ColumnChange {
  readonly name: string;
  readonly was?: string;
  readonly is?: string;
}

/** A plan that is tried out, and what has been found so far. */
interface Trial {
  readonly client: Client;
  /** What it cut off is no failure of the project's. */
  readonly signal: AbortSignal | undefined;
  readonly graph: CompiledGraph;
  readonly plan: Plan;
  readonly sources: Sources;
  readonly failures: Record<string, StepError>;
  readonly warned: Record<string, StepError>;
  readonly awaits: Record<string, readonly AbsentTable[]>;
  readonly untried: string[];
  /** Keys of what cannot be tried out. */
  readonly unknown: Set<string>;
}

/**
 * Makes every object of the plan in its empty shape, in dependency order, in one transaction that is rolled back.
 * PostgreSQL itself so says whether names, columns and types are right, and which columns come out; from them follows
 * how the public views would change. Operations are not run, nor what pre_operations do that could be noticed.
 */
export async function preview(
  graph: CompiledGraph,
  catalog: Catalog,
  plan: Plan,
  client: Client,
  { readSource, signal }: { readonly readSource?: ReadSource; readonly signal?: AbortSignal } = {},
): Promise<Preview> {
  const sources = sourcesOf(graph, readSource);
  const found = { failures: {}, warned: {}, awaits: {}, untried: [] };
  const trial: Trial = { client, signal, graph, plan, sources, ...found, unknown: new Set() };
  const releases: ReleasePreview[] = [];
  const secondHalves: Record<string, readonly Statement[]> = {};
  await client.query(sql`begin`);
  try {
    await withNames(client, "ours", () => client.query(createSchemaOnce(PRIVATE_SCHEMA)));
    let current = catalog;
    for (const segment of plan.segments) {
      const steps = await shapeSegment(segment, current, trial);
      await tryAudits(segment, trial);
      for (const step of steps)
        if (!segment.steps.includes(step)) secondHalves[targetKey(step.target)] = step.statements;
      const items = await followable(steps, current, trial);
      // Operations alone publish nothing.
      if (!items.length) continue;
      const seen = previewRelease(segment.release, items, current, client.roles);
      const warnings = [...seen.publish.warnings, ...items.flatMap((item) => describedInVain(item, sources))];
      releases.push({ ...seen, publish: { ...seen.publish, warnings } });
      current = { ...current, releaseId: segment.release };
    }
  } finally {
    await client.query(sql`rollback`).catch(() => {});
  }
  return { version: 1, releases, secondHalves, ...found };
}

/** How the items would be published. Pure. */
export function previewRelease(
  release: number,
  items: readonly PublishItem[],
  catalog: Catalog,
  roles?: string,
): ReleasePreview {
  const found = withAdopted(catalog, items);
  const paths = Object.fromEntries(items.map((item) => [targetKey(item.target), choosePath(item, found).how]));
  const fence = catalog.fence + 1;
  const columns = Object.fromEntries(
    items.flatMap(({ target, object }) => {
      const before = catalog.manifest[targetKey(target)]?.columns;
      const changes = before ? columnChanges(before, object.columns) : [];
      return changes.length ? [[targetKey(target), changes]] : [];
    }),
  );
  const publish = planPublish({ catalog: found, runId: "preview", fence, release, items, roles });
  return { release, paths, columns, publish };
}

function columnChanges(before: readonly Column[], after: readonly Column[]): ColumnChange[] {
  const [was, is] = [before, after].map((columns) => new Map(columns.map(({ name, type }) => [name, type])));
  return [...new Set([...is!.keys(), ...was!.keys()])]
    .map((name) => ({ name, was: was!.get(name), is: is!.get(name) }))
    .filter((change) => change.was !== change.is);
}

async function shapeSegment(segment: Segment, catalog: Catalog, trial: Trial): Promise<BuildStep[]> {
  const { client, signal, graph, plan, failures, untried, unknown } = trial;
  const shaped: BuildStep[] = [];
  for (const step of segment.steps) {
    // What reads a model that fails cannot be tried out; its own mistake, if it has one, shows the next time.
    if (step.waitsFor.some((key) => failures[key] || unknown.has(key))) unknown.add(targetKey(step.target));
    if (step.step === "operations" && !(await hasMade(client, step.target, graph))) unknown.add(targetKey(step.target));
    if (step.step !== "build" || unknown.has(targetKey(step.target))) continue;
    if (step.refused) {
      failures[targetKey(step.target)] = step.refused;
      continue;
    }
    let current: BuildStep = step;
    try {
      await client.query(sql`savepoint shape`);
      await send(client, shapeOf(current));
      if (current.newRows) {
        const shape = await describeNewRows(client, current.newRows);
        current = planCandidate(graph, catalog, plan, { ...current, newRows: current.newRows }, shape);
        await send(client, shapeOf(current));
      }
      const mistake = await mistakeIn(client, current, graph);
      if (mistake) throw mistake;
      shaped.push(current);
    } catch (error) {
      signal?.throwIfAborted();
      await client.query(sql`rollback to savepoint shape`);
      if (isWhole(step) ? !isThere(error) : !mayBeUntried(error)) await tell(error, step, trial);
      else {
        untried.push(targetKey(step.target));
        unknown.add(targetKey(step.target));
      }
    }
    await client.reset();
  }
  return shaped;
}

/** What pre_operations drop before they make it is there still: a plan drops nothing. */
function isThere(error: unknown): boolean {
  return ALREADY_THERE.has(sqlState(error) ?? "");
}

/** Whether it is about names and types that what a plan does not do may make or change. */
function mayBeUntried(error: unknown): boolean {
  return !(error instanceof UserError) && (isThere(error) || /^(?:42|3F|26)/.test(sqlState(error) ?? ""));
}

/** Whether what operations make is there already: they are not run here, so what reads it could not be tried out. */
async function hasMade(client: Client, target: Target, graph: CompiledGraph): Promise<boolean> {
  const key = targetKey(target);
  const action = graph.actions.find((one) => one.kind === "operations" && targetKey(one.target) === key);
  if (action?.kind !== "operations" || !action.hasOutput) return true;
  const name = relationId(target).toString();
  const found = await withNames(client, "ours", () =>
    client.query<{ found: string }>(sql`select to_regclass($1) is not null as found`, [name]),
  );
  return found.rows[0]!.found === "t";
}

/** Lets PostgreSQL plan each assertion, so that wrong names and types in them are found too. */
async function tryAudits(segment: Segment, trial: Trial): Promise<void> {
  const { client, failures, unknown } = trial;
  for (const step of segment.audits) {
    if (step.waitsFor.some((key) => failures[key] || unknown.has(key))) continue;
    try {
      await client.query(sql`savepoint shape`);
      await send(client, [explained(step.statement)]);
    } catch (error) {
      await client.query(sql`rollback to savepoint shape`);
      await tell(error, step, trial);
    }
  }
}

/** What does not work is a failure, waits for data, or may hang on operations before it, which are not run here. */
async function tell(
  error: unknown,
  step: Pick<BuildStep, "target" | "file"> &
    Partial<Pick<BuildStep, "entry">> & { readonly severity?: AuditStep["severity"] },
  { client, signal, graph, plan, sources, failures, warned, awaits, untried, unknown }: Trial,
): Promise<void> {
  signal?.throwIfAborted();
  const key = targetKey(step.target);
  const absent = await absentTables(error, step.target, graph, client);
  if (absent.length) {
    awaits[key] = absent;
    unknown.add(key);
  } else if (NOT_MADE.has(sqlState(error) ?? "") && followsOperations(key, plan)) {
    untried.push(key);
    unknown.add(key);
  } else (step.severity === "warn" ? warned : failures)[key] = explainBuild(error, step, sources);
}

/** Whether the run would do operations before it, directly or not. */
function followsOperations(key: string, { segments }: Plan): boolean {
  const steps = new Map(
    segments.flatMap((one) => [...one.steps, ...one.audits]).map((step) => [targetKey(step.target), step]),
  );
  const seen = new Set([key]);
  for (const name of seen) {
    const step = steps.get(name);
    if (step?.step === "operations") return true;
    for (const before of step?.waitsFor ?? []) seen.add(before);
  }
  return false;
}

/** What can be published of the shapes; what cannot is a failure that the run would have too. */
async function followable(
  steps: readonly BuildStep[],
  catalog: Catalog,
  { client, sources, failures, untried }: Trial,
): Promise<PublishItem[]> {
  const objects = await describeObjects(client, steps.flatMap(objectsOf));
  const found = withAdopted(catalog, steps);
  return steps.flatMap((step) => {
    const item = publishItem(step, objects);
    try {
      choosePath(item, found);
      return [item];
    } catch (error) {
      if (keepsShape(step)) failures[targetKey(step.target)] = explainFailure(error, step.file, sources);
      else untried.push(targetKey(step.target));
      return [];
    }
  });
}
