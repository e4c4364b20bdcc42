import type { Session } from "../environment/session.ts";
import type { Catalog } from "../model/catalog.ts";
import { UserError } from "../model/errors.ts";
import type { PublishItem } from "../model/plan.ts";
import { GIVEN_UP, STARVED } from "../model/release.ts";
import { targetKey } from "../model/target.ts";
import { refuseWithoutSchema, withAdopted } from "../plan/obstacles.ts";
import { choosePath, shimChangesValues } from "../plan/public-path.ts";
import { planPublish } from "../plan/publish-plan.ts";
import { type Client, withClient } from "../postgres/client.ts";
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

function builderOf({ settings, runId, waits }: Session): AsBuilder {
  const options = { applicationName: `dataform-build-${runId}`, duty: "builder", ...waits } as const;
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

/**
 * Publishes a release that is recorded as waiting. Returns warnings.
 * @throws Unpublishable when some of its models cannot be published; nothing was
 * @throws UserError when it stays waiting, or cannot be published at all
 */
export async function publishWaiting(
  session: Session,
  catalog: Catalog,
  waiting: Waiting,
  options: ReleaseOptions,
): Promise<readonly string[]> {
  const { release, items } = waiting;
  const started = performance.now();
  const warnings = await passHorizon(session, waiting, options);
  await session.failpoint("horizon passed");
  const { runId, fence, environment, settings, signal, failpoint, events } = session;
  const how: PublishOptions = {
    environment,
    runId,
    fence,
    deadline: options.publishDeadline ?? 60_000,
    signal,
    failpoint,
    asPublisher: (work) => session.retry(work),
    onWait: (what) => events.waiting?.(what),
  };
  for (let attempt = 1; ; attempt++) {
    const now = await surroundings(session, catalog, items);
    const input = { catalog: now, runId, fence, release, items, roles: settings.roles };
    const plan = planPublish(input);
    try {
      await publish(plan, settings, how);
      events.published?.(release, items.length, (performance.now() - started) / 1000);
      return [...warnings, ...plan.warnings];
    } catch (error) {
      if (attempt < ATTEMPTS && CHANGED_AROUND.has(sqlState(error) ?? "")) continue;
      const causes = await whoFails(error, input, settings, how);
      throw causes.size ? new Unpublishable(causes) : error;
    }
  }
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
  { release, builtIn = release }: Waiting,
  options: ReleaseOptions,
): Promise<string[]> {
  const policy = options.horizon ?? "wait";
  const timeout = policy === "publish" && options.horizonTimeout === undefined ? 0 : (options.horizonTimeout ?? 30_000);
  const { signal, events, environment } = session;
  const readers = await session.retry(async (client) =>
    waitForHorizon(client, await recordedBy(client, environment, builtIn), {
      timeout,
      signal,
      onWait: (what) => events.waiting?.(what),
    }),
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
