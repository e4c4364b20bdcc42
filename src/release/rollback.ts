import { recordFinish, recordStart } from "../environment/metadata.ts";
import { type Session, type SessionOptions, withSession } from "../environment/session.ts";
import type { Catalog } from "../model/catalog.ts";
import type { ConnectionSettings } from "../model/connection-settings.ts";
import { UserError } from "../model/errors.ts";
import type { PublishItem } from "../model/plan.ts";
import type { ReleaseReport } from "../model/release.ts";
import { targetKey } from "../model/target.ts";
import { manifestWith } from "../plan/publish-plan.ts";
import { type KeptRelease, planRollback } from "../plan/rollback-plan.ts";
import { readCatalog } from "../postgres/read-catalog.ts";
import { checkItem, publishWaiting, type ReleaseOptions, staysWaiting } from "./publish-waiting.ts";
import { discard, readReleases, recordWaiting, type StoredRelease } from "./store.ts";

export interface RollbackOptions extends SessionOptions, ReleaseOptions {
  /**
   * The release to go back to.
   * @default the one before the published one
   */
  readonly to?: number;
}

/**
 * Publishes an earlier release again, as a new release, by the code that publishes every release.
 * @throws UserError when it is not kept any more or its public views cannot follow.
 */
export async function rollback(settings: ConnectionSettings, options: RollbackOptions = {}): Promise<ReleaseReport> {
  return withSession(settings, options, async (session) => {
    const { client, environment } = session;
    const releases = await readReleases(client, environment);
    const published = releases.filter(({ status }) => status === "published");
    const to = chooseRelease(published, options.to, environment);
    const kept = published.filter((release): release is StoredRelease & KeptRelease => release.manifest !== undefined);
    const targets = kept.flatMap(({ manifest }) => Object.values(manifest).map(({ target }) => target));
    const catalog = await readCatalog(client, environment, targets);
    const release = catalog.nextRelease;
    const { items, notes } = planRollback(catalog, to, kept, release);
    if (!items.length) throw nothingToDo(to.release, environment);
    const lost = releases
      .filter(({ status }) => status === "waiting")
      .map(({ release }) => `release ${release}, which waited to be published, is given up`);
    const contentOf = to.contentOf ?? to.release;
    const report = await releaseItems(session, catalog, { release, items, builtAt: to.builtAt, contentOf }, options);
    return { ...report, contentOf, warnings: [...notes, ...lost, ...report.warnings] };
  });
}

/** Publishes the release that is built and waits, without building again. */
export async function publishRelease(
  settings: ConnectionSettings,
  options: SessionOptions & ReleaseOptions = {},
): Promise<ReleaseReport> {
  return withSession(settings, options, async (session) => {
    const { client, environment } = session;
    const releases = await readReleases(client, environment);
    const waiting = releases.find(({ status, items }) => status === "waiting" && items !== undefined);
    const catalog = await readCatalog(client, environment, waiting?.items?.map(({ target }) => target) ?? []);
    if (!waiting) throw nothingWaits(environment, catalog.releaseId);
    if (waiting.base !== catalog.releaseId) throw overtaken(waiting, catalog);
    const { release, builtAt, items = [] } = waiting;
    const { runId, fence } = session;
    await recordStart(client, { runId, environment, fence, releases: 0, coreVersion: null, notes: [] });
    return publishAndReport(session, catalog, { release, builtAt, items, waited: true }, options, performance.now());
  });
}

interface ReleaseJob {
  readonly release: number;
  readonly items: readonly PublishItem[];
  readonly builtAt: string;
  /** It waited before this command, so it goes on waiting when the command is interrupted. */
  readonly waited?: boolean;
}

async function releaseItems(
  session: Session,
  catalog: Catalog,
  job: ReleaseJob & { readonly contentOf: number },
  options: ReleaseOptions,
): Promise<ReleaseReport> {
  const { client, environment, runId, fence } = session;
  const started = performance.now();
  for (const item of job.items) await checkItem(item, catalog, client);
  await recordStart(client, { runId, environment, fence, releases: 1, coreVersion: null, notes: [] });
  const manifest = manifestWith(catalog.manifest, job.items);
  const base = catalog.releaseId;
  const { release, items, contentOf } = job;
  await recordWaiting(client, { environment, release, base, runId, manifest, items, contentOf });
  return publishAndReport(session, catalog, job, options, started);
}

async function publishAndReport(
  session: Session,
  catalog: Catalog,
  job: ReleaseJob,
  options: ReleaseOptions,
  started: number,
): Promise<ReleaseReport> {
  const warnings = await publishWaiting(session, catalog, job, options).catch(async (error) => {
    const interrupted = session.signal.aborted;
    await session.retry(async (client) => {
      if (interrupted ? !job.waited : !staysWaiting(error)) await discard(client, session.environment, job.release);
      await recordFinish(client, session.runId, interrupted ? "cancelled" : "failure", []);
    });
    throw interrupted ? session.signal.reason : error;
  });
  await session.retry((client) => recordFinish(client, session.runId, "success", [job.release]));
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

function chooseRelease(
  published: readonly StoredRelease[],
  to: number | undefined,
  environment: string,
): StoredRelease & KeptRelease {
  const kept = published.filter(({ manifest }) => manifest !== undefined);
  // A second rollback goes further back, not forward to what was rolled back from.
  const now = kept[0] && (kept[0].contentOf ?? kept[0].release);
  const before = kept.find(({ release, contentOf }) => contentOf === null && now !== undefined && release < now);
  const chosen = to === undefined ? before : kept.find(({ release }) => release === to);
  if (chosen) return chosen as StoredRelease & KeptRelease;
  const known = published.some(({ release }) => release === to);
  throw new UserError({
    message:
      to === undefined
        ? `environment ${environment} has no earlier release to go back to`
        : known
          ? `release ${to} is no longer kept`
          : `there is no published release ${to} in environment ${environment}`,
    expected: kept.length ? `one of ${kept.map(({ release }) => release).join(", ")}` : "a kept release",
    hint: "`dataform releases` lists them; --keep-releases and --keep-for of run say how many are kept",
  });
}

function nothingToDo(to: number, environment: string): UserError {
  return new UserError({
    message: `environment ${environment} reads as at release ${to} already`,
    hint: "`dataform releases` lists the releases",
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
