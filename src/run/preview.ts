import type { Catalog, Column } from "../model/catalog.ts";
import { counted } from "../model/counted.ts";
import type { UserError } from "../model/errors.ts";
import type { CompiledGraph } from "../model/graph.ts";
import type { BuildStep, Plan, PublishItem, PublishPlan, Segment, Statement } from "../model/plan.ts";
import type { AbsentTable, StepError } from "../model/report.ts";
import { targetKey } from "../model/target.ts";
import { withAdopted } from "../plan/obstacles.ts";
import { choosePath, type PublicPath } from "../plan/public-path.ts";
import { planPublish } from "../plan/publish-plan.ts";
import { keepsShape } from "../plan/shape.ts";
import { type Client, withNames } from "../postgres/client.ts";
import { describeObjects } from "../postgres/describe-objects.ts";
import { isOutOfLocks, type LockRoom, noRoomForLocks, readLockRoom } from "../postgres/lock-room.ts";
import { openSavepoint } from "../postgres/savepoint.ts";
import { createSchemaOnce } from "../sql/ddl.ts";
import { PRIVATE_SCHEMA } from "../sql/names.ts";
import { sql } from "../sql/sql.ts";
import { describedInVain } from "./described.ts";
import { explainFailure } from "./explain.ts";
import { keepContract } from "./kept-contract.ts";
import { partsOf } from "./parts.ts";
import { type ReadSource, sourcesOf } from "./place.ts";
import { objectsOf, publishItem } from "./publish-item.ts";
import { roomFor, roomToPublish, stepsOf } from "./room.ts";
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
 * Makes every object of the plan in its empty shape, in dependency order, in one transaction that is rolled back, or in as many
 * as the server has room for.
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
  const room = await roomFor(plan, client);
  for (let count = room ? Math.ceil((MOST_LOCKS_OF_A_SHAPE * stepsOf(plan)) / room.objects) : 1; ; count *= 2) {
    const found = { failures: {}, warned: {}, awaits: {}, untried: [] };
    const trial: Trial = { client, signal, graph, plan, sources, ...found, unknown: new Set() };
    try {
      const made = new Map<string, Made>();
      for (const part of partsOf(plan, count))
        for (const one of await shapePart(part, catalog, trial)) made.set(targetKey(one.step.target), one);
      const publishing = previewed([...made.values()], catalog, trial, room);
      return { version: 1, ...publishing, ...found, untried: [...new Set(found.untried)] };
    } catch (error) {
      if (!isOutOfLocks(error)) throw error;
      if (count > MOST_PARTS) throw await tooMany(plan, client);
    }
  }
}

/** A table with its type, and its second one for long values, and an index of that; a key. */
const MOST_LOCKS_OF_A_SHAPE = 6;

/** Where the server has room for less than that of a plan at once, it has for nothing. */
const MOST_PARTS = 64;

async function tooMany(plan: Plan, client: Client): Promise<UserError> {
  const count = stepsOf(plan);
  const doing = `the plan of ${counted(count, "action")} cannot be tried out`;
  return noRoomForLocks(await readLockRoom(client), MOST_LOCKS_OF_A_SHAPE * count, doing, "or plan some (--select)");
}

/** A step that has its shape, and what would be published of it. */
interface Made {
  readonly step: BuildStep;
  readonly item: PublishItem;
  readonly release: number;
}

/** One transaction. */
async function shapePart(segments: readonly Segment[], catalog: Catalog, trial: Trial): Promise<Made[]> {
  const { client } = trial;
  const made: Made[] = [];
  await client.query(sql`begin`);
  try {
    await withNames(client, "ours", () => client.query(createSchemaOnce(PRIVATE_SCHEMA)));
    await openSavepoint(client, "shape");
    let current = catalog;
    for (const segment of segments) {
      const steps = await shapeSegment(segment, current, trial);
      await tryAudits(segment, trial);
      const objects = await describeObjects(client, steps.flatMap(objectsOf));
      made.push(...steps.map((step) => ({ step, item: publishItem(step, objects), release: segment.release })));
      if (steps.length) current = { ...current, releaseId: segment.release };
    }
  } finally {
    await client.query(sql`rollback`).catch(() => {});
  }
  return made;
}

/** How what was made would be published, and what of it could not be. */
function previewed(
  made: readonly Made[],
  catalog: Catalog,
  trial: Trial,
  room: LockRoom | undefined,
): Pick<Preview, "releases" | "secondHalves"> {
  const { plan, client, sources } = trial;
  const planned = new Set<unknown>(plan.segments.flatMap(({ steps }) => steps));
  const releases: ReleasePreview[] = [];
  let current = catalog;
  for (const { release } of plan.segments) {
    const items = followable(
      made.filter((one) => one.release === release),
      current,
      trial,
    );
    // Operations alone publish nothing.
    if (!items.length) continue;
    const seen = previewRelease(release, items, current, client.roles);
    const tight = room && roomToPublish(items, current, room);
    const warnings = [
      ...seen.publish.warnings,
      ...items.flatMap((item) => describedInVain(item, sources)),
      ...(tight ? [`${tight.message}: ${tight.hint}`] : []),
    ];
    releases.push({ ...seen, publish: { ...seen.publish, warnings } });
    current = { ...current, releaseId: release };
  }
  const secondHalves = made.flatMap(({ step }) =>
    planned.has(step) ? [] : [[targetKey(step.target), step.statements] as const],
  );
  return { releases, secondHalves: Object.fromEntries(secondHalves) };
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
function followable(made: readonly Made[], catalog: Catalog, { sources, failures, untried }: Trial): PublishItem[] {
  const found = withAdopted(
    catalog,
    made.map(({ step }) => step),
  );
  return made.flatMap(({ step, item }) => {
    try {
      keepContract(step, new Map([[step.entry.object, item.object]]), sources);
      choosePath(item, found);
      return [item];
    } catch (error) {
      if (keepsShape(step)) failures[targetKey(step.target)] = explainFailure(error, step.file, sources);
      else untried.push(targetKey(step.target));
      return [];
    }
  });
}
