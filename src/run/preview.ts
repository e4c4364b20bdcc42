import type { Catalog, Column } from "../model/catalog.ts";
import type { CompiledGraph } from "../model/graph.ts";
import type { BuildStep, Plan, PublishItem, PublishPlan, Statement } from "../model/plan.ts";
import type { AbsentTable, StepError } from "../model/report.ts";
import { targetKey } from "../model/target.ts";
import { withAdopted } from "../plan/obstacles.ts";
import { choosePath, type PublicPath } from "../plan/public-path.ts";
import { planPublish } from "../plan/publish-plan.ts";
import { keepsShape } from "../plan/shape.ts";
import { type Client, withNames } from "../postgres/client.ts";
import { describeObjects } from "../postgres/describe-objects.ts";
import { openSavepoint } from "../postgres/savepoint.ts";
import { createSchemaOnce } from "../sql/ddl.ts";
import { PRIVATE_SCHEMA } from "../sql/names.ts";
import { sql } from "../sql/sql.ts";
import { describedInVain } from "./described.ts";
import { explainFailure, type ReadSource, sourcesOf } from "./explain.ts";
import { objectsOf, publishItem } from "./publish-item.ts";
import { shapeSegment, type Trial, tryAudits } from "./try-out.ts";

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
    await openSavepoint(client, "shape");
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
