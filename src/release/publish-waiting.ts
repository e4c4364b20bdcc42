import { PublishWatch } from "../environment/publishing.ts";
import { reconnect } from "../environment/reconnect.ts";
import type { Session } from "../environment/session.ts";
import { type Worker, workerOn } from "../environment/worker.ts";
import type { Catalog } from "../model/catalog.ts";
import { counted } from "../model/counted.ts";
import { restated, UserError } from "../model/errors.ts";
import type { PublishItem } from "../model/plan.ts";
import { GIVEN_UP, STARVED } from "../model/release.ts";
import { targetKey } from "../model/target.ts";
import { locksToPublish } from "../plan/locks.ts";
import { refuseWithoutSchema, withAdopted } from "../plan/obstacles.ts";
import { choosePath, shimChangesValues } from "../plan/public-path.ts";
import { type PublishInput, planPublish } from "../plan/publish-plan.ts";
import { cancelOnAbort } from "../postgres/cancel.ts";
import { type Client, hangUp, withClient } from "../postgres/client.ts";
import { isOutOfLocks, noRoomForLocks, readLockRoom } from "../postgres/lock-room.ts";
import { readSurroundings } from "../postgres/read-catalog.ts";
import { connectionLost, postgresError, SQLSTATE, sqlState } from "../postgres/sqlstate.ts";
import { type HorizonPolicy, waitForHorizon } from "./horizon.ts";
import { type PublishOptions, publish } from "./publish.ts";
import { discard, recordedBy } from "./store.ts";
import { Unpublishable, whoFails } from "./unpublishable.ts";

export interface ReleaseOptions {
  /**
   * Milliseconds to keep trying to publish.
   * @default 60_000
   */
  readonly publishDeadline?: number;
  /**
   * What to do about transactions older than the builds.
   * @default "wait"
   */
  readonly horizon?: HorizonPolicy;
  /**
   * Milliseconds to wait for them.
   * @default 30_000
   */
  readonly horizonTimeout?: number;
}

/** Does work that reads what authors wrote, as the builder. */
type AsBuilder = <T>(work: (client: Client) => Promise<T>) => Promise<T>;

function builderOf({ settings, runId, others }: Session): AsBuilder {
  const options = { applicationName: `dataform-build-${runId}`, duty: "builder", ...others } as const;
  return (work) => withClient(settings, options, work);
}

/**
 * Whether the public view of a model can follow.
 * @throws UserError when it cannot without breaking what others built on it.
 */
async function checkItem(item: PublishItem, catalog: Catalog, asBuilder: AsBuilder): Promise<void> {
  refuseWithoutSchema(item, catalog);
  const path = choosePath(item, catalog);
  for (const check of path.checks) {
    try {
      const { rows } = await asBuilder((client) => client.query(check));
      if (rows.length) throw shimChangesValues(item, path.warning!);
    } catch (error) {
      const failure = postgresError(error);
      if (!failure || connectionLost(error)) throw error;
      throw shimChangesValues(item, failure.message);
    }
  }
}

/** A release that is recorded as waiting. */
interface Waiting {
  readonly release: number;
  readonly items: readonly PublishItem[];
  /** The release that these objects were built for, where it is another one. */
  readonly builtIn?: number;
  /** Told how long it takes, and what it waits for. */
  readonly watch?: PublishWatch;
}

/** @throws Unpublishable where the public views of some cannot follow */
export async function checkItems(items: readonly PublishItem[], catalog: Catalog, session: Session): Promise<void> {
  const causes = new Map<string, unknown>();
  for (const item of items) {
    try {
      await checkItem(item, catalog, builderOf(session));
    } catch (error) {
      if (connectionLost(error)) throw error;
      causes.set(targetKey(item.target), error);
    }
  }
  if (causes.size) throw new Unpublishable(causes);
}

/** Where nobody lends a connection, one is opened. */
async function withWorker<T>(
  { settings, runId, others }: Session,
  lent: Worker | undefined,
  work: (worker: Worker) => Promise<T>,
): Promise<T> {
  if (lent) return work(lent);
  const options = { applicationName: `dataform-publish-${runId}`, duty: "builder", ...others } as const;
  const worker = workerOn(await reconnect(settings, options), settings, options);
  const cancel = () => worker.client.cancel();
  const stop = cancelOnAbort(others.signal, cancel, { hangUp: () => hangUp(worker.client) });
  try {
    return await work(worker);
  } finally {
    await stop();
    await worker.client.close().catch(() => {});
  }
}

/**
 * Publishes a release that is recorded as waiting. Returns warnings.
 * @param lent what publishes it; whoever lends it cancels it when the signal comes
 * @throws Unpublishable when some of its models cannot be published; nothing was
 * @throws UserError when it stays waiting, or cannot be published at all
 */
export async function publishWaiting(
  session: Session,
  catalog: Catalog,
  waiting: Waiting,
  options: ReleaseOptions,
  lent?: Worker,
): Promise<readonly string[]> {
  const started = performance.now();
  const warnings = await passHorizon(session, waiting, options);
  await session.failpoint("horizon passed");
  const more = await withWorker(session, lent, (worker) =>
    publishItems(session, catalog, { waiting, worker }, options),
  );
  session.events.published?.(waiting.release, waiting.items.length, (performance.now() - started) / 1000);
  return [...warnings, ...more];
}

async function publishItems(
  session: Session,
  catalog: Catalog,
  { waiting: { release, items, watch }, worker }: { readonly waiting: Waiting; readonly worker: Worker },
  options: ReleaseOptions,
): Promise<readonly string[]> {
  const { runId, fence, environment, settings, signal, failpoint, events } = session;
  const how: PublishOptions = {
    environment,
    fence,
    deadline: options.publishDeadline ?? 60_000,
    signal,
    failpoint,
    asPublisher: (work) => session.retry(work),
    onWait: (what) => events.waiting?.(what),
    watch,
  };
  for (let attempt = 1; ; attempt++) {
    const now = await surroundings(session, catalog, items);
    const input = { catalog: now, runId, fence, release, items, roles: settings.roles };
    const plan = planPublish(input);
    try {
      await publish(plan, worker, how);
      return plan.warnings;
    } catch (error) {
      if (attempt < ATTEMPTS && CHANGED_AROUND.has(sqlState(error) ?? "")) continue;
      if (isOutOfLocks(error)) throw await session.retry((client) => noRoom(client, input));
      const causes = await whoFails(error, input, worker, how);
      throw causes.size ? new Unpublishable(causes) : error;
    }
  }
}

/** It can be published once there is room, which may take a restart of the server. */
async function noRoom(client: Client, { release, items, catalog }: PublishInput): Promise<UserError> {
  const room = await readLockRoom(client);
  const doing = `release ${release} is built and waits, ${counted(items.length, "model")} to publish in one commit`;
  const error = noRoomForLocks(
    room,
    locksToPublish(items, catalog),
    doing,
    "then `dataform publish`, which builds nothing again",
  );
  return restated(error, { code: STARVED });
}

/** How often it is planned anew for what somebody has built on a public view, or dropped, since it was looked at. */
const ATTEMPTS = 10;
const CHANGED_AROUND: ReadonlySet<string> = new Set([SQLSTATE.dependentObjectsStillExist, SQLSTATE.undefinedTable]);

/**
 * What is around the public views now.
 * @throws Unpublishable where some cannot follow
 */
function surroundings(session: Session, catalog: Catalog, items: readonly PublishItem[]): Promise<Catalog> {
  const targets = items.map(({ target }) => target);
  return session.retry(async (client) => {
    const read = withAdopted({ ...catalog, ...(await readSurroundings(client, targets, catalog)) }, items);
    await checkItems(items, read, session);
    return read;
  });
}

async function passHorizon(
  session: Session,
  { release, builtIn = release, watch = new PublishWatch(release) }: Waiting,
  options: ReleaseOptions,
): Promise<string[]> {
  const policy = options.horizon ?? "wait";
  const timeout = policy === "publish" && options.horizonTimeout === undefined ? 0 : (options.horizonTimeout ?? 30_000);
  const { signal, events, environment } = session;
  const readers = await watch.horizon(() =>
    session.retry(async (client) =>
      waitForHorizon(client, await recordedBy(client, environment, builtIn), {
        timeout,
        signal,
        onWait: (what) => events.waiting?.(what),
      }),
    ),
  );
  if (readers === undefined) return [];
  if (policy === "publish")
    return [`published before older transactions ended, which may read new tables as empty: ${readers}`];
  if (policy === "fail") await session.retry((client) => discard(client, environment, release));
  throw new UserError({
    message:
      policy === "fail"
        ? `release ${release} was given up: older transactions are still open`
        : `release ${release} is built and waits: older transactions are still open, which would read new tables as empty`,
    found: readers,
    hint:
      policy === "fail"
        ? "run again when they have ended, or wait longer with --horizon-timeout"
        : "`dataform publish` publishes it without building again; --horizon publish does not wait",
    code: policy === "fail" ? GIVEN_UP : STARVED,
    exitCode: 1,
  });
}

/** True when the release stays waiting and can be published later. */
export function staysWaiting(error: unknown): boolean {
  return error instanceof UserError && error.code === STARVED;
}
