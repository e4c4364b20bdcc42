import { type Holder, hold, unhold } from "../environment/hold.ts";
import { recordStart } from "../environment/metadata.ts";
import { PublishWatch } from "../environment/publishing.ts";
import { recordFinish } from "../environment/record-end.ts";
import { type Session, type SessionOptions, withSession } from "../environment/session.ts";
import type { Catalog } from "../model/catalog.ts";
import type { ConnectionSettings } from "../model/connection-settings.ts";
import { UserError, UserErrors } from "../model/errors.ts";
import type { ProjectIdentity } from "../model/graph.ts";
import type { PublishItem } from "../model/plan.ts";
import type { ReleaseReport } from "../model/release.ts";
import { targetKey } from "../model/target.ts";
import { isOurView } from "../plan/obstacles.ts";
import { refuseStranger } from "../plan/owner.ts";
import { manifestWith } from "../plan/publish-plan.ts";
import { planRollback } from "../plan/rollback-plan.ts";
import type { Client } from "../postgres/client.ts";
import { readCatalog } from "../postgres/read-catalog.ts";
import { GONE, readDamage } from "../postgres/read-damage.ts";
import { advice, connectionLost, postgresError } from "../postgres/sqlstate.ts";
import { PRIVATE_SCHEMA } from "../sql/names.ts";
import { contentOf } from "./chain.ts";
import { chooseRelease, choosing, keptOf } from "./choose-release.ts";
import { checkItems, publishWaiting, type ReleaseOptions, staysWaiting } from "./publish-waiting.ts";
import { discard, readReleases, recordWaiting, refuseAlteredReleases, type StoredRelease } from "./store.ts";
import { Unpublishable } from "./unpublishable.ts";

export interface RollbackOptions extends SessionOptions, ReleaseOptions {
  /**
   * The release to go back to.
   * @default the one whose content was published before what readers see now
   */
  readonly to?: number;
  /** Whose release it should be; without it anybody's. */
  readonly project?: ProjectIdentity | undefined;
  /** Holds the environment as well, so that no run publishes again what was rolled back. */
  readonly hold?: Holder;
}

/**
 * Publishes an earlier release again, as a new release, by the code that publishes every release.
 * @throws UserError when it is not kept any more or its public views cannot follow.
 */
export async function rollback(settings: ConnectionSettings, options: RollbackOptions = {}): Promise<ReleaseReport> {
  return withSession(settings, { ...options, existing: true }, async (session) => {
    const { client, environment } = session;
    const releases = await readReleases(client, environment);
    refuseAlteredReleases(releases);
    const to = choosing(options.hold !== undefined, () => chooseRelease(releases, options.to, environment));
    const kept = keptOf(releases);
    const targets = kept.flatMap(({ manifest }) => Object.values(manifest).map(({ target }) => target));
    const catalog = await readCatalog(client, environment, targets);
    if (options.project && !settings.embedded) refuseStranger(options.project, catalog);
    const release = catalog.nextRelease;
    const { items, notes } = planRollback(catalog, to, kept, release);
    if (!items.length)
      choosing(options.hold !== undefined, () => {
        throw nothingToDo(to.release, environment, notes);
      });
    await refuseLost(client, to.release, items);
    const lost = releases
      .filter(({ status }) => status === "waiting")
      .map(({ release }) => `release ${release}, which waited to be published, is given up`);
    const content = contentOf(to);
    const job = { release, items, builtIn: to.release, contentOf: content };
    const report = await releaseItems(session, catalog, job, options);
    return { ...report, contentOf: content, held: !!options.hold, warnings: [...notes, ...lost, ...report.warnings] };
  });
}

/** Publishes the release that is built and waits, without building again. */
export async function publishRelease(
  settings: ConnectionSettings,
  options: SessionOptions & ReleaseOptions & Pick<RollbackOptions, "project"> = {},
): Promise<ReleaseReport> {
  return withSession(settings, { ...options, existing: true }, async (session) => {
    const { client, environment } = session;
    const releases = await readReleases(client, environment);
    refuseAlteredReleases(releases.filter(({ status }) => status === "waiting"));
    const waiting = releases.find(({ status, items }) => status === "waiting" && items !== undefined);
    const catalog = await readCatalog(client, environment, waiting?.items?.map(({ target }) => target) ?? []);
    if (options.project && !settings.embedded) refuseStranger(options.project, catalog);
    if (!waiting) throw nothingWaits(environment, catalog.releaseId);
    if (waiting.base !== catalog.releaseId) throw overtaken(waiting, catalog);
    const { release, items = [] } = waiting;
    await refuseLost(client, release, items, "run again: a run builds it anew");
    const { runId, fence } = session;
    await recordStart(client, { runId, environment, fence, releases: 0, coreVersion: null, notes: [] });
    return publishAndReport(session, catalog, { release, items, waited: true }, options, performance.now());
  });
}

interface ReleaseJob {
  readonly release: number;
  /** Of a rollback: the release whose content it has. */
  readonly contentOf?: number;
  readonly items: readonly PublishItem[];
  /** As of `publishWaiting`. */
  readonly builtIn?: number;
  /** It waited before this command, so it goes on waiting when the command is interrupted. */
  readonly waited?: boolean;
}

async function releaseItems(
  session: Session,
  catalog: Catalog,
  job: ReleaseJob & { readonly contentOf: number },
  options: RollbackOptions,
): Promise<ReleaseReport> {
  const { client, environment, runId, fence } = session;
  const started = performance.now();
  // Before anything is written; and once more when it is to be published.
  await checkItems(job.items, catalog, session).catch((error) => {
    throw explained(error, job, catalog);
  });
  await recordStart(client, { runId, environment, fence, releases: 1, coreVersion: null, notes: [] });
  const manifest = manifestWith(catalog.manifest, job.items);
  const base = catalog.releaseId;
  const { release, items, contentOf } = job;
  await recordWaiting(client, { environment, release, base, runId, manifest, items, contentOf });
  if (options.hold) await hold(client, environment, options.hold);
  try {
    return await publishAndReport(session, catalog, job, options, started);
  } catch (error) {
    // What waits will be published, and is held then; a rollback that failed has changed nothing.
    const before = catalog.hold;
    if (options.hold && !staysWaiting(error))
      await session.retry(async (now) => {
        await (before ? hold(now, environment, before) : unhold(now, environment));
      });
    throw error;
  }
}

/** @throws UserError where somebody dropped private objects of the release, or columns of them */
async function refuseLost(
  client: Client,
  release: number,
  items: readonly PublishItem[],
  hint?: string,
): Promise<void> {
  const entries = items.map(({ entry, object }) => [targetKey(entry.target), { ...entry, columns: object.columns }]);
  const damage = await readDamage(client, Object.fromEntries(entries));
  // The view of a reverted storage is made by its delta.
  const later = new Set(items.flatMap(({ entry, delta }) => (delta ? [entry.object] : [])));
  const lost = Object.entries(damage).filter(([name, what]) => !later.has(name) || what !== GONE);
  if (!lost.length) return;
  throw new UserError({
    message: `release ${release} cannot be published: private objects of it are not as they were made`,
    expected: "what a release consists of, as long as `dataform releases` lists it",
    found: lost.map(([name, what]) => `${PRIVATE_SCHEMA}.${name}: ${what}`).join("; "),
    hint: hint ?? waysBack(items, new Map(lost)),
  });
}

/** What there is to do for each kind of what is gone. */
function waysBack(items: readonly PublishItem[], lost: ReadonlyMap<string, string>): string {
  const undone = items.flatMap(({ target, entry: { storage } }) =>
    storage && lost.get(storage.undo) === GONE ? [targetKey(target)] : [],
  );
  if (!undone.length)
    return "give it its name again, where it was renamed; otherwise go back to another release, or mend the models and run";
  return `what ${undone.join(", ")} had before is gone with the table of its earlier rows, so that no release of it up to now can be gone back to; a run makes that table anew, and what is published from then on can be`;
}

async function publishAndReport(
  session: Session,
  catalog: Catalog,
  job: ReleaseJob,
  options: ReleaseOptions,
  started: number,
): Promise<ReleaseReport> {
  const watch = new PublishWatch(job.release);
  const warnings = await publishWaiting(session, catalog, { ...job, watch }, options).catch(async (error) => {
    const interrupted = session.signal.aborted;
    await session.retry(async (client) => {
      // What waited before goes on waiting: what is in its way may be removed.
      const mayWait = interrupted || error instanceof Unpublishable ? job.waited : staysWaiting(error);
      if (!mayWait) await discard(client, session.environment, job.release);
      const publishings = [watch.end(mayWait ? "waiting" : "failed")];
      await recordFinish(client, session.runId, interrupted ? "cancelled" : "failure", { publishings });
    });
    throw interrupted ? session.signal.reason : explained(error, job, catalog);
  });
  const published = { releases: [job.release], publishings: [watch.end("published")] };
  await session.retry((client) => recordFinish(client, session.runId, "success", published));
  return {
    version: 1,
    runId: session.runId,
    environment: session.environment,
    from: catalog.releaseId,
    release: job.release,
    models: job.items.map(({ target }) => targetKey(target)),
    duration: (performance.now() - started) / 1000,
    warnings,
  };
}

/** What a model's own run would be told is no advice here. */
function cannotFollow(error: UserError, isForeign: boolean, { contentOf }: ReleaseJob): UserError {
  if (contentOf === undefined) return error;
  const { message, found, code } = error;
  const way = isForeign
    ? "rename what has the name (alter … rename to …), or let `dataform run --adopt` move it aside; then roll back again"
    : "what is found stands against it: save its definition, drop or change it by itself, roll back, and make it again";
  return new UserError({
    message: `rollback to release ${contentOf}: ${message}`,
    ...(found === undefined ? {} : { found }),
    ...(code === undefined ? {} : { code }),
    hint: `nothing was changed; ${way}, or go back to another release`,
  });
}

/** What was refused, and what that leaves. A release that is there already is whole or not at all: every model is told. */
function explained(error: unknown, job: ReleaseJob, catalog: Catalog): unknown {
  if (!(error instanceof Unpublishable)) return refusal(error, job);
  return new UserErrors(
    [...error.causes].map(([model, cause]) =>
      cause instanceof UserError
        ? cannotFollow(cause, isForeign(model, catalog), job)
        : refusal(cause, job, `${model}: `),
    ) as UserError[],
  );
}

/** Whether what has the name of the model is not ours. */
function isForeign(model: string, { relations, manifest }: Catalog): boolean {
  const target = manifest[model]?.target;
  return relations[model] !== undefined && !(target && isOurView({ target }, { relations, manifest }));
}

/** What the server refused. */
function refusal(error: unknown, { release, contentOf }: ReleaseJob, model = ""): unknown {
  const failure = postgresError(error);
  if (!failure || connectionLost(error)) return error;
  const { message, detail, code } = failure;
  const content = contentOf === undefined ? "" : `, the rollback to release ${contentOf},`;
  return new UserError({
    message: `release ${release}${content} was not published: ${model}${message}`,
    ...(detail ? { found: detail } : {}),
    hint: `readers have the release before, whole; ${advice(failure) ?? `remove the cause (SQLSTATE ${code}) and try again`}`,
    code,
    exitCode: 1,
    cause: error,
  });
}

function nothingToDo(to: number, environment: string, notes: readonly string[]): UserError {
  return new UserError({
    message: `environment ${environment} reads as at release ${to} already`,
    ...(notes.length ? { found: notes.join("; ") } : {}),
    hint: "`dataform releases` lists the releases; `dataform rollback <release>` goes to one of them",
  });
}

function nothingWaits(environment: string, releaseId: number | null): UserError {
  return new UserError({
    message: `no release of environment ${environment} waits to be published`,
    found: releaseId === null ? "no release at all" : `release ${releaseId} is published`,
    hint: "`dataform run` builds and publishes one",
  });
}

function overtaken(waiting: StoredRelease, catalog: Catalog): UserError {
  return new UserError({
    message: `release ${waiting.release} was built upon release ${waiting.base ?? "none"} and cannot be published any more`,
    found: `release ${catalog.releaseId} is published`,
    hint: "`dataform run` builds a new one",
  });
}
