import { randomUUID } from "node:crypto";
import type { Catalog } from "../model/catalog.ts";
import type { ConnectionSettings } from "../model/connection.ts";
import { type CompiledGraph, isModel } from "../model/graph.ts";
import type { BuildStep, Plan, Segment } from "../model/plan.ts";
import type { RunReport, StepError, StepResult } from "../model/report.ts";
import { targetKey } from "../model/target.ts";
import { dependentsOf } from "../plan/order.ts";
import { plan as makePlan, type PlanOptions } from "../plan/plan.ts";
import { checkPublic, planPublish } from "../plan/publish.ts";
import { describeObjects, readCatalog } from "../postgres/catalog.ts";
import { type Client, withClient } from "../postgres/client.ts";
import { joinStatements } from "../sql/message.ts";
import { auditSegment } from "./audit.ts";
import { buildSegment } from "./build.ts";
import type { RunContext, RunEvents } from "./context.ts";
import { explainFailure, type ReadSource } from "./explain.ts";
import { takeRunLock } from "./lock.ts";
import { prepareMetadata, recordEnd, recordStart, takeFence } from "./metadata.ts";
import { openPool } from "./pool.ts";
import { publish } from "./publish.ts";

export interface RunOptions extends PlanOptions {
  /** What the releases belong to; "main" unless stated. */
  readonly environment?: string;
  /** Connections that build at once; 4 unless stated. */
  readonly concurrency?: number;
  /** Wait for another run instead of ending with exit code 75. */
  readonly wait?: boolean;
  /** Milliseconds to keep trying to publish; 60 s unless stated. */
  readonly publishDeadline?: number;
  readonly signal?: AbortSignal;
  readonly events?: RunEvents;
  readonly readSource?: ReadSource;
}

export const DEFAULT_ENVIRONMENT = "main";

/**
 * Builds, audits and publishes what the plan says. A failed step is data in the report.
 * @throws UserError when there can be no report: no connection, the lock is held, the plan cannot be made.
 */
export async function run(
  graph: CompiledGraph,
  settings: ConnectionSettings,
  options: RunOptions = {},
): Promise<RunReport> {
  const runId = randomUUID();
  const environment = options.environment ?? DEFAULT_ENVIRONMENT;
  return withClient(settings, { applicationName: `dataform-run-${runId}` }, async (client) => {
    await prepareMetadata(client);
    const signal = options.signal ?? new AbortController().signal;
    await takeRunLock(client, environment, {
      wait: options.wait ?? false,
      signal,
      onWait: (holder) => options.events?.waiting?.(`another run holds environment ${environment}: ${holder}`),
    });
    const fence = await takeFence(client, environment);
    const catalog = await readCatalog(client, environment, publicTargets(graph));
    const plan = makePlan(graph, catalog, options);
    await recordStart(client, {
      runId,
      environment,
      fence,
      releases: plan.segments.length,
      coreVersion: graph.coreVersion,
      notes: plan.notes,
    });
    const pool = await openPool(settings, options.concurrency ?? 4, `dataform-build-${runId}`);
    const stop = () => void pool.cancel();
    signal.addEventListener("abort", stop, { once: true });
    try {
      return await new Run(graph, plan, catalog, { runId, fence, client, pool, signal, options }).execute();
    } finally {
      signal.removeEventListener("abort", stop);
      await pool.close();
    }
  });
}

export function publicTargets(graph: CompiledGraph) {
  return graph.actions.filter(isModel).map((model) => model.target);
}

interface RunParts {
  readonly runId: string;
  readonly fence: number;
  readonly client: Client;
  readonly pool: RunContext["pool"];
  readonly signal: AbortSignal;
  readonly options: RunOptions;
}

/** One run while it goes on: its results so far, and the catalog as its releases change it. */
class Run {
  private readonly startedAt = new Date();
  private readonly results = new Map<string, StepResult>();
  private readonly errors: StepError[] = [];
  private readonly releases: number[] = [];
  private readonly context: RunContext;
  private readonly graph: CompiledGraph;
  private readonly plan: Plan;
  private catalog: Catalog;
  private readonly parts: RunParts;

  constructor(graph: CompiledGraph, plan: Plan, catalog: Catalog, parts: RunParts) {
    this.graph = graph;
    this.plan = plan;
    this.catalog = catalog;
    this.parts = parts;
    this.context = {
      pool: parts.pool,
      signal: parts.signal,
      events: parts.options.events ?? {},
      readSource: parts.options.readSource ?? (() => ""),
      record: (result) => {
        this.results.set(targetKey(result.target), result);
        this.context.events.stepFinished?.(result);
      },
      isBlocked: (key) => {
        const status = this.results.get(key)?.status;
        return status !== undefined && status !== "ok";
      },
    };
  }

  async execute(): Promise<RunReport> {
    const { plan, parts, context } = this;
    context.events.planned?.(
      plan.segments.reduce((total, { steps, audits }) => total + steps.length + audits.length, 0),
    );
    if (plan.preparation.length) await parts.client.script(joinStatements(plan.preparation));
    for (const segment of plan.segments) {
      await buildSegment(segment, context);
      await auditSegment(segment, context);
      await this.publishSegment(segment);
    }
    const report = this.report();
    await recordEnd(parts.client, report);
    return report;
  }

  /** Publishes what was built and may be seen. What fails here fails the models, not the run. */
  private async publishSegment(segment: Segment): Promise<void> {
    if (this.parts.signal.aborted) return;
    this.hold(segment, failedAudits(segment, this.results));
    const builds = segment.steps.filter((step): step is BuildStep => step.step === "build");
    const objects = await describeObjects(
      this.parts.client,
      builds.map(({ entry }) => entry.object),
    );
    for (const step of builds) {
      if (this.context.isBlocked(targetKey(step.target))) continue;
      try {
        checkPublic(step, objects.get(step.entry.object)!, this.catalog);
      } catch (error) {
        this.context.record({
          ...this.results.get(targetKey(step.target))!,
          status: "failed",
          error: this.explain(error, step),
        });
        this.hold(segment, [targetKey(step.target)]);
      }
    }
    const built = builds
      .filter((step) => !this.context.isBlocked(targetKey(step.target)))
      .map((step) => ({ step, object: objects.get(step.entry.object)! }));
    if (!built.length) return;
    const started = performance.now();
    const { runId, fence, client, signal, options } = this.parts;
    const release = planPublish({ catalog: this.catalog, runId, fence, release: segment.release, built });
    try {
      await publish(release, client, {
        deadline: options.publishDeadline ?? 60_000,
        signal,
        onWait: (who) => this.context.events.waiting?.(`readers hold views of release ${segment.release}: ${who}`),
      });
    } catch (error) {
      await client.query("rollback").catch(() => {});
      this.fail(
        segment,
        built.map(({ step }) => step),
        error,
      );
      return;
    }
    this.releases.push(segment.release);
    this.context.events.published?.(segment.release, built.length, (performance.now() - started) / 1000);
    this.catalog = {
      ...(await readCatalog(client, this.catalog.environment, publicTargets(this.graph))),
      nextRelease: this.catalog.nextRelease,
    };
  }

  /** Keeps `roots` and everything of the segment that depends on them out of the release. */
  private hold(segment: Segment, roots: readonly string[]): void {
    if (!roots.length) return;
    const blocked = new Set([...roots, ...dependentsOf(this.graph.actions, roots)]);
    for (const step of segment.steps) {
      const key = targetKey(step.target);
      const result = this.results.get(key);
      if (step.step !== "build" || result?.status !== "ok" || !blocked.has(key)) continue;
      const cause = roots.includes(key) ? failedAuditOf(segment, key, this.results) : undefined;
      const reason = cause ? `assertion ${cause} failed` : "it depends on a model that was kept out of the release";
      this.context.record({ ...result, status: "held", reason });
    }
  }

  private fail(segment: Segment, steps: readonly BuildStep[], error: unknown): void {
    const failure = this.explain(error, steps[0]!);
    this.errors.push({ ...failure, message: `release ${segment.release}: ${failure.message}` });
    for (const step of steps) {
      const result = this.results.get(targetKey(step.target))!;
      this.context.record({ ...result, status: "failed", reason: "its release was not published" });
    }
  }

  private explain(error: unknown, step: BuildStep): StepError {
    return explainFailure(error, step.file, [], this.context.readSource);
  }

  private report(): RunReport {
    const steps = [...this.results.values()];
    const finishedAt = new Date();
    const failed = this.errors.length > 0 || steps.some(({ status }) => status !== "ok");
    return {
      version: 1,
      runId: this.parts.runId,
      environment: this.plan.environment,
      status: this.parts.signal.aborted ? "cancelled" : failed ? "failure" : "success",
      releases: this.releases,
      startedAt: this.startedAt.toISOString(),
      finishedAt: finishedAt.toISOString(),
      duration: (finishedAt.getTime() - this.startedAt.getTime()) / 1000,
      steps,
      errors: this.errors,
    };
  }
}

/** Models that a failed assertion reads, and the failed assertions themselves, for what depends on them. */
function failedAudits(segment: Segment, results: ReadonlyMap<string, StepResult>): string[] {
  const failed = segment.audits.filter((step) => results.get(targetKey(step.target))?.status === "failed");
  return [...new Set(failed.flatMap((step) => [...step.reads, targetKey(step.target)]))];
}

function failedAuditOf(segment: Segment, key: string, results: ReadonlyMap<string, StepResult>): string | undefined {
  const audit = segment.audits.find(
    (step) => step.reads.includes(key) && results.get(targetKey(step.target))?.status === "failed",
  );
  return audit && targetKey(audit.target);
}
