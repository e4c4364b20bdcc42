import { type Publishing, PublishWatch } from "../environment/publishing.ts";
import { recordEnd } from "../environment/record-end.ts";
import type { Session } from "../environment/session.ts";
import type { Catalog, Manifest } from "../model/catalog.ts";
import { formatUserError, UserError } from "../model/errors.ts";
import { type CompiledGraph, publicTargets } from "../model/graph.ts";
import type { Ground } from "../model/ground.ts";
import type { BuildStep, Plan, PublishItem, Segment } from "../model/plan.ts";
import { FENCED } from "../model/release.ts";
import type { RunReport } from "../model/report.ts";
import { type Target, targetKey } from "../model/target.ts";
import { isAttached, refuseUnpublishable, withAdopted } from "../plan/obstacles.ts";
import { planCandidate } from "../plan/planner.ts";
import { choosePath, goesWith } from "../plan/public-path.ts";
import { manifestWith } from "../plan/publish-plan.ts";
import type { Client } from "../postgres/client.ts";
import { describeNewRows, describeObjects } from "../postgres/describe-objects.ts";
import { readCatalog } from "../postgres/read-catalog.ts";
import { connectionLost, postgresError } from "../postgres/sqlstate.ts";
import { collect } from "../release/collect.ts";
import { fenced } from "../release/publish.ts";
import { publishWaiting, staysWaiting } from "../release/publish-waiting.ts";
import { retentionOf } from "../release/retention.ts";
import { discard, recordWaiting } from "../release/store.ts";
import { Unpublishable } from "../release/unpublishable.ts";
import { joinStatements } from "../sql/message.ts";
import { PRIVATE_SCHEMA } from "../sql/names.ts";
import { auditSegment } from "./audit.ts";
import { buildSegment } from "./build.ts";
import type { RunContext } from "./context.ts";
import { timed, timelineOf } from "./critical-path.ts";
import { describedInVain } from "./described.ts";
import { emptiedTables } from "./emptied.ts";
import { heldByAudits, publishable } from "./holding.ts";
import { knownOf } from "./known.ts";
import { watchingLoads } from "./loads.ts";
import type { RunOptions } from "./options.ts";
import { sourcesOf } from "./place.ts";
import type { Pool } from "./pool.ts";
import { objectsOf, publishItem } from "./publish-item.ts";
import { Results } from "./results.ts";

interface RunInput {
  readonly session: Session;
  readonly graph: CompiledGraph;
  readonly plan: Plan;
  readonly catalog: Catalog & { readonly ground: Ground };
  readonly pool: Pool;
  readonly options: RunOptions;
}

/** One run while it goes on: its results so far, and the catalog as its releases change it. */
export class OneRun {
  readonly #results: Results;
  /** Incremental steps whose second half is planned. */
  readonly #completed = new Map<string, BuildStep>();
  readonly #session: Session;
  readonly #graph: CompiledGraph;
  readonly #plan: Plan;
  readonly #options: RunOptions;
  readonly #context: RunContext;
  readonly #ground: Ground;
  #catalog: Catalog;
  /** The catalog for the segment that is built. */
  #found: Catalog;
  /** By key, the private tables that hold what was published. */
  readonly #stored = new Map<string, readonly string[]>();
  readonly #publishings: Publishing[] = [];
  /** What is published, as this run has published it. */
  #manifest: Manifest;
  /** Another run has taken over: nothing more is published or collected. */
  #late = false;

  constructor({ session, graph, plan, catalog, pool, options }: RunInput) {
    this.#session = session;
    this.#graph = graph;
    this.#plan = plan;
    this.#ground = catalog.ground;
    this.#catalog = catalog;
    this.#found = catalog;
    this.#manifest = catalog.manifest;
    this.#options = options;
    const sources = sourcesOf(graph, options.readSource);
    const { events } = session;
    const { notes, unchanged } = plan;
    this.#results = new Results({ actions: graph.actions, rules: options, notes, unchanged, events, sources });
    this.#context = {
      graph,
      pool,
      signal: session.signal,
      events,
      failpoint: session.failpoint,
      runId: session.runId,
      isGood: () => this.#results.isGood,
      retries: options.retries ?? 0,
      sources,
      record: (result) => this.#results.record(result),
      elapsed: () => this.#results.elapsed(),
      isBlocked: (key) => this.#results.isBlocked(key),
      awaits: (key) => this.#results.of(key)?.awaits ?? [],
      refuse: (step) => refuseUnpublishable(step, this.#found),
      check: (step, columns) => planCandidate(graph, this.#catalog, plan, step, { columns, nullKeys: [] }),
      isAttached: (step) => isAttached(step, this.#found),
      follow: (item) => goesWith(choosePath(item, this.#found)),
      complete: async (step, client) => {
        const completed = planCandidate(graph, this.#catalog, plan, step, await describeNewRows(client, step.newRows));
        this.#completed.set(targetKey(step.target), completed);
        return completed;
      },
    };
  }

  async execute(): Promise<RunReport> {
    const { segments, preparation } = this.#plan;
    const total = segments.reduce((count, { steps, audits }) => count + steps.length + audits.length, 0);
    this.#session.events.planned?.(total);
    if (preparation.length) await this.#session.retry((client) => client.script(joinStatements(preparation)));
    await this.#session.failpoint("schemas made");
    for (const segment of segments) {
      this.#found = withAdopted(this.#catalog, segment.steps.filter(isBuild));
      const loads = await watchingLoads(segment, this.#context, async () => {
        await buildSegment(segment, this.#context);
        await auditSegment(segment, this.#context);
      });
      this.#results.warn(loads);
      await this.#release(segment);
      if (this.#late) break;
    }
    await this.#collect();
    await this.#session.failpoint("before the report");
    const report = this.#results.report(this.#session);
    const details = {
      ...timelineOf(timed(segments, this.#results.steps)),
      stored: this.#stored,
      publishings: this.#publishings,
      known: knownOf({
        graph: this.#graph,
        ground: this.#ground,
        catalog: { ...this.#catalog, manifest: this.#manifest },
        results: this.#results.steps,
      }),
    };
    await this.#session.retry((client) => recordEnd(client, report, details));
    await this.#session.failpoint("report written");
    return report;
  }

  /** Publishes what was built and may be seen. What fails here fails the models, not the run. */
  async #release(segment: Segment): Promise<void> {
    if (this.#session.signal.aborted) return;
    if (await this.#session.overtaken()) return this.#giveUp(segment);
    const watch = new PublishWatch(segment.release, this.#results.elapsed());
    let published = await this.#publish(segment, watch);
    // Without those that cannot be published, and what depends on them, the others are published.
    while (published instanceof Unpublishable) {
      for (const [key, cause] of published.causes) this.#results.keepOut(segment, key, cause);
      published = await this.#publish(segment, watch);
    }
    if (!published || segment === this.#plan.segments.at(-1)) return;
    const read = await this.#session.retry((client) =>
      readCatalog(client, this.#session.environment, publicTargets(this.#graph)),
    );
    const { nextRelease, deferred } = this.#catalog;
    this.#catalog = { ...read, nextRelease, ...(deferred ? { deferred } : {}) };
  }

  /** One attempt. Returns whether there is a new release, or who stands in its way. */
  async #publish(segment: Segment, watch: PublishWatch): Promise<boolean | Unpublishable> {
    const { environment, runId } = this.#session;
    const { release } = segment;
    this.#results.hold(heldByAudits(this.#results.outcome(segment)));
    const items = await this.#session.retry((client) => this.#items(segment, client));
    if (!items.length) {
      await this.#session.retry((client) => discard(client, environment, release));
      return false;
    }
    const steps = publishable(this.#results.outcome(segment));
    // As the builder: what is read is what authors wrote.
    const emptied = await this.#context.pool.workers[0]!.retry((builder) =>
      emptiedTables(steps, this.#results.steps, this.#catalog, builder),
    );
    this.#results.warn(emptied);
    const manifest = manifestWith(this.#catalog.manifest, items);
    const base = this.#catalog.releaseId;
    await this.#session.retry((client) =>
      recordWaiting(client, { environment, release, base, runId, manifest, items }),
    );
    await this.#session.failpoint("release waits");
    try {
      this.#results.warn(items.flatMap((item) => describedInVain(item, this.#context.sources)));
      const [builder] = this.#context.pool.workers;
      const waiting = { release, items, watch };
      this.#results.warn(await publishWaiting(this.#session, this.#catalog, waiting, this.#options, builder));
    } catch (error) {
      if (error instanceof Unpublishable) return error;
      this.#late = error instanceof UserError && error.code === FENCED;
      this.#results.fail(items, error);
      this.#publishings.push(watch.end(staysWaiting(error) ? "waiting" : "failed"));
      if (!staysWaiting(error)) await this.#session.retry((client) => discard(client, environment, release));
      return false;
    }
    this.#results.published(release);
    this.#manifest = manifest;
    this.#publishings.push(watch.end("published"));
    for (const { target, entry } of items) this.#stored.set(targetKey(target), tablesOf(entry));
    return true;
  }

  /** What is published of the segment. What somebody has dropped since it was built is not. */
  async #items(segment: Segment, client: Client): Promise<PublishItem[]> {
    const built = publishable(this.#results.outcome(segment)).map((step) => this.#completed.get(keyOf(step)) ?? step);
    const objects = await describeObjects(client, built.flatMap(objectsOf));
    for (const step of built) {
      const gone = objectsOf(step).find((name) => !objects.has(name));
      if (gone !== undefined) this.#results.keepOut(segment, keyOf(step), droppedMeanwhile(step, gone));
    }
    const left = new Set(publishable(this.#results.outcome(segment)).map(keyOf));
    return built.filter((step) => left.has(keyOf(step))).map((step) => publishItem(step, objects));
  }

  /** What the audits said means nothing: what they read may be collected already. */
  #giveUp(segment: Segment): void {
    this.#late = true;
    const built = segment.steps.filter(
      (step) => step.step === "build" && this.#results.of(keyOf(step))?.status === "ok",
    );
    this.#results.fail(built, fenced(segment.release));
  }

  /** Old releases and litter go once the new release is there. A failure here is no failure of the run. */
  async #collect(): Promise<void> {
    if (this.#session.signal.aborted || this.#late) return;
    const { environment, failpoint } = this.#session;
    const retention = this.#options.retention ?? retentionOf(this.#graph.project.retention);
    const newest = this.#catalog.nextRelease + this.#plan.segments.length - 1;
    try {
      const { kept } = await this.#context.pool.workers[0]!.retry((builder) =>
        this.#session.retry((record) => collect({ record, builder }, environment, retention, newest, failpoint)),
      );
      this.#results.warn(kept);
    } catch (error) {
      const failure = error instanceof UserError ? { message: formatUserError(error) } : postgresError(error);
      if (!failure || connectionLost(error)) throw error;
      this.#results.warn([`what is old was not collected: ${failure.message}`]);
    }
  }
}

function droppedMeanwhile(step: BuildStep, object: string): UserError {
  return new UserError({
    message: `${keyOf(step)} cannot be published: what was built for it is gone`,
    location: { file: step.file },
    found: `somebody dropped ${PRIVATE_SCHEMA}.${object} during the run`,
    hint: "run again",
  });
}

/** The private tables in which the rows are. */
function tablesOf({ kind, object, storage }: PublishItem["entry"]): readonly string[] {
  if (storage) return [storage.table, storage.undo];
  return kind === "view" ? [] : [object];
}

function keyOf({ target }: { readonly target: Target }): string {
  return targetKey(target);
}

function isBuild(step: Segment["steps"][number]): step is BuildStep {
  return step.step === "build";
}
