import { recordEnd, recordStart } from "../environment/metadata.ts";
import { type Session, type SessionOptions, withSession } from "../environment/session.ts";
import type { Catalog } from "../model/catalog.ts";
import type { ConnectionSettings } from "../model/connection-settings.ts";
import { UserError } from "../model/errors.ts";
import { type CompiledGraph, isModel } from "../model/graph.ts";
import type { BuildStep, Plan, PublishItem, Segment } from "../model/plan.ts";
import { FENCED } from "../model/release.ts";
import type { RunReport, StepError, StepResult, StepStatus } from "../model/report.ts";
import { type Target, targetKey } from "../model/target.ts";
import { dependentsOf } from "../plan/order.ts";
import { plan as makePlan, type PlanOptions, planCandidate, withoutRetired } from "../plan/planner.ts";
import { manifestWith } from "../plan/publish-plan.ts";
import { cancelOnAbort } from "../postgres/cancel.ts";
import type { Client } from "../postgres/client.ts";
import { describeNewRows, describeObjects, readCatalog } from "../postgres/read-catalog.ts";
import { connectionLost } from "../postgres/sqlstate.ts";
import { collect, DEFAULT_RETENTION, type Retention } from "../release/collect.ts";
import { fenced } from "../release/publish.ts";
import { checkItem, publishWaiting, type ReleaseOptions, staysWaiting } from "../release/publish-waiting.ts";
import { discard, recordWaiting } from "../release/store.ts";
import { joinStatements } from "../sql/message.ts";
import { auditSegment } from "./audit.ts";
import { buildSegment } from "./build.ts";
import type { RunContext } from "./context.ts";
import { explainFailure, type ReadSource, sourcesOf } from "./explain.ts";
import { openPool, type Pool } from "./pool.ts";
import { publishItem } from "./publish-item.ts";

export interface RunOptions extends PlanOptions, SessionOptions, ReleaseOptions {
  /**
   * Connections that build at once.
   * @default 4
   */
  readonly concurrency?: number;
  /**
   * "block": a failed assertion keeps what it reads out of the release. "report": it does not.
   * @default "block"
   */
  readonly assertions?: "block" | "report";
  /** Publish nothing when anything failed. */
  readonly allOrNothing?: boolean;
  /** Which releases are kept to go back to. */
  readonly retention?: Retention;
  readonly readSource?: ReadSource;
}

/**
 * Builds, audits and publishes what the plan says. A failed step is data in the report.
 * @throws UserError when there can be no report: no connection, the lock is held, the plan cannot be made.
 */
export async function run(
  graph: CompiledGraph,
  settings: ConnectionSettings,
  options: RunOptions = {},
): Promise<RunReport> {
  return withSession(settings, options, async (session) => {
    const { client, environment, runId, fence, signal } = session;
    const catalog = withoutRetired(graph, await readCatalog(client, environment, publicTargets(graph)));
    const plan = makePlan(graph, catalog, options);
    await recordStart(client, {
      runId,
      environment,
      fence,
      releases: plan.segments.length,
      coreVersion: graph.coreVersion,
      notes: plan.notes,
    });
    await session.failpoint("run recorded");
    // No more connections than there is work for at once: each costs the server a process.
    const most = Math.max(...plan.segments.map(({ steps, audits }) => Math.max(steps.length, audits.length)), 0);
    const pool = await openPool(settings, Math.min(options.concurrency ?? 4, most), `dataform-build-${runId}`);
    const stop = cancelOnAbort(signal, pool.cancel);
    try {
      return await new Run(session, graph, plan, catalog, pool, options).execute();
    } finally {
      stop();
      await pool.close();
    }
  });
}

export function publicTargets(graph: CompiledGraph): Target[] {
  return graph.actions.filter(isModel).map((model) => model.target);
}

const blocking: ReadonlySet<StepStatus> = new Set(["failed", "skipped", "held", "waiting"]);

/** One run while it goes on: its results so far, and the catalog as its releases change it. */
class Run {
  readonly #startedAt = new Date();
  readonly #results = new Map<string, StepResult>();
  readonly #errors: StepError[] = [];
  readonly #releases: number[] = [];
  readonly #warnings: string[];
  /** Incremental steps whose second half is planned. */
  readonly #completed = new Map<string, BuildStep>();
  readonly #session: Session;
  readonly #graph: CompiledGraph;
  readonly #plan: Plan;
  readonly #options: RunOptions;
  readonly #context: RunContext;
  #catalog: Catalog;
  /** Another run has taken over: nothing more is published or collected. */
  #late = false;

  constructor(session: Session, graph: CompiledGraph, plan: Plan, catalog: Catalog, pool: Pool, options: RunOptions) {
    this.#session = session;
    this.#graph = graph;
    this.#plan = plan;
    this.#catalog = catalog;
    this.#options = options;
    this.#warnings = [...plan.notes];
    this.#context = {
      graph,
      pool,
      signal: session.signal,
      events: session.events,
      failpoint: session.failpoint,
      sources: sourcesOf(graph, options.readSource),
      record: (result) => this.#record(result),
      isBlocked: (key) => this.#isBlocked(key),
      awaits: (key) => this.#results.get(key)?.awaits ?? [],
      check: (step, columns) => void planCandidate(graph, this.#catalog, plan, step, { columns, nullKeys: [] }),
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
      await buildSegment(segment, this.#context);
      await auditSegment(segment, this.#context);
      await this.#release(segment);
      if (this.#late) break;
    }
    await this.#collect();
    await this.#session.failpoint("before the report");
    const report = this.#report();
    await this.#session.retry((client) => recordEnd(client, report));
    await this.#session.failpoint("report written");
    return report;
  }

  #record(result: StepResult): void {
    this.#results.set(targetKey(result.target), result);
    this.#session.events.stepFinished?.(result);
  }

  #isBlocked(key: string): boolean {
    const result = this.#results.get(key);
    if (!result || !blocking.has(result.status)) return false;
    return !(result.kind === "assertion" && this.#options.assertions === "report" && result.rows !== undefined);
  }

  /** Publishes what was built and may be seen. What fails here fails the models, not the run. */
  async #release(segment: Segment): Promise<void> {
    if (this.#session.signal.aborted) return;
    const { environment, runId } = this.#session;
    const { release } = segment;
    if (await this.#session.overtaken()) return this.#giveUp(segment);
    this.#hold(segment, this.#failedAudits(segment));
    if (this.#options.allOrNothing && this.#anythingFailed())
      this.#hold(segment, this.#built(segment).map(keyOf), "something else failed");
    const items = await this.#session.retry((client) => this.#items(segment, client));
    if (!items.length) return;
    const manifest = manifestWith(this.#catalog.manifest, items);
    const base = this.#catalog.releaseId;
    const builtAt = await this.#session.retry((client) =>
      recordWaiting(client, { environment, release, base, runId, manifest, items }),
    );
    await this.#session.failpoint("release waits");
    try {
      const waiting = { release, builtAt, items };
      this.#warnings.push(...(await publishWaiting(this.#session, this.#catalog, waiting, this.#options)));
    } catch (error) {
      this.#late = error instanceof UserError && error.code === FENCED;
      this.#fail(items, error);
      if (!staysWaiting(error)) await this.#session.retry((client) => discard(client, environment, release));
      return;
    }
    this.#releases.push(release);
    if (segment === this.#plan.segments.at(-1)) return;
    const read = await this.#session.retry((client) => readCatalog(client, environment, publicTargets(this.#graph)));
    this.#catalog = { ...read, nextRelease: this.#catalog.nextRelease };
  }

  /** What is published of the segment. A model whose public view cannot follow fails here. */
  async #items(segment: Segment, client: Client): Promise<PublishItem[]> {
    const steps = this.#built(segment);
    const names = steps.flatMap(({ entry }) => [entry.object, ...(entry.storage ? [entry.storage.table] : [])]);
    const objects = await describeObjects(client, names);
    const items = new Map(steps.map((step) => [keyOf(step), publishItem(step, objects)]));
    for (const step of steps) {
      try {
        await checkItem(items.get(keyOf(step))!, this.#catalog, client);
      } catch (error) {
        if (connectionLost(error)) throw error;
        const failure = explainFailure(error, step.file, this.#context.sources);
        this.#record({ ...this.#results.get(keyOf(step))!, status: "failed", error: failure });
        this.#hold(segment, [keyOf(step)]);
      }
    }
    return steps.filter((step) => !this.#isBlocked(keyOf(step))).map((step) => items.get(keyOf(step))!);
  }

  /** Steps of the segment that made an object which may be published. */
  #built(segment: Segment): BuildStep[] {
    return segment.steps
      .filter((step): step is BuildStep => step.step === "build" && !this.#isBlocked(keyOf(step)))
      .map((step) => this.#completed.get(keyOf(step)) ?? step);
  }

  /** Keeps `roots` and everything of the segment that depends on them out of the release. */
  #hold(segment: Segment, roots: readonly string[], why?: string): void {
    if (!roots.length) return;
    const blocked = new Set([...roots, ...dependentsOf(this.#graph.actions, roots)]);
    for (const step of segment.steps) {
      const result = this.#results.get(keyOf(step));
      if (step.step !== "build" || result?.status !== "ok" || !blocked.has(keyOf(step))) continue;
      const cause = roots.includes(keyOf(step)) ? this.#failedAuditOf(segment, keyOf(step)) : undefined;
      const reason =
        why ?? (cause ? `assertion ${cause} failed` : "it depends on a model that was kept out of the release");
      this.#record({ ...result, status: "held", reason });
    }
  }

  /** Models that a failed assertion reads, and the failed assertions themselves, for what depends on them. */
  #failedAudits(segment: Segment): string[] {
    const failed = segment.audits.filter(
      (step) => this.#results.get(keyOf(step))?.status === "failed" && this.#isBlocked(keyOf(step)),
    );
    return [...new Set(failed.flatMap((step) => [...step.reads, keyOf(step)]))];
  }

  #failedAuditOf(segment: Segment, key: string): string | undefined {
    const audit = segment.audits.find(
      (step) => step.reads.includes(key) && this.#results.get(keyOf(step))?.status === "failed",
    );
    return audit && keyOf(audit);
  }

  #anythingFailed(): boolean {
    return [...this.#results.keys()].some((key) => this.#isBlocked(key));
  }

  /** What the audits said means nothing: what they read may be collected already. */
  #giveUp(segment: Segment): void {
    this.#late = true;
    const built = segment.steps.filter(
      (step) => step.step === "build" && this.#results.get(keyOf(step))?.status === "ok",
    );
    this.#fail(built, fenced(segment.release));
  }

  #fail(items: readonly { readonly target: Target; readonly file: string }[], error: unknown): void {
    const status = staysWaiting(error) ? "waiting" : "failed";
    const [first, ...more] = items;
    this.#errors.push(explainFailure(error, more.length ? undefined : first?.file, this.#context.sources));
    for (const { target } of items) {
      const reason = status === "waiting" ? "its release is not published yet" : "its release was not published";
      this.#record({ ...this.#results.get(targetKey(target))!, status, reason });
    }
  }

  /** Old releases and litter go once the new release is there. A failure here is no failure of the run. */
  async #collect(): Promise<void> {
    if (this.#session.signal.aborted || this.#late) return;
    const { environment, failpoint } = this.#session;
    const retention = this.#options.retention ?? DEFAULT_RETENTION;
    const newest = this.#catalog.nextRelease + this.#plan.segments.length - 1;
    this.#warnings.push(
      ...(await this.#session.retry((client) => collect(client, environment, retention, newest, failpoint))),
    );
  }

  #report(): RunReport {
    const steps = [...this.#results.values()];
    const finishedAt = new Date();
    const bad = steps.some(({ status }) => status !== "ok" && status !== "warned");
    const status = this.#session.signal.aborted ? "cancelled" : bad || this.#errors.length ? "failure" : "success";
    return {
      version: 1,
      runId: this.#session.runId,
      environment: this.#session.environment,
      status,
      releases: this.#releases,
      startedAt: this.#startedAt.toISOString(),
      finishedAt: finishedAt.toISOString(),
      duration: (finishedAt.getTime() - this.#startedAt.getTime()) / 1000,
      steps,
      errors: this.#errors,
      warnings: this.#warnings,
    };
  }
}

function keyOf({ target }: { readonly target: Target }): string {
  return targetKey(target);
}
