import type { ReachFailpoint } from "../environment/failpoints.ts";
import type { PublishWatch } from "../environment/publishing.ts";
import type { Worker } from "../environment/worker.ts";
import { UserError } from "../model/errors.ts";
import type { PublishPlan } from "../model/plan.ts";
import { FENCED, STARVED } from "../model/release.ts";
import type { Target } from "../model/target.ts";
import { attempt } from "../plan/publish-plan.ts";
import type { Client } from "../postgres/client.ts";
import { describeHolder, hasHolder, withHolders } from "../postgres/holders.ts";
import { send } from "../postgres/send.ts";
import { connectionLost, IN_THE_WAY, SQLSTATE, sqlState } from "../postgres/sqlstate.ts";
import { lookUp } from "../sql/session.ts";
import { join, sql } from "../sql/sql.ts";
import { until } from "../wait/until.ts";

/** Also what the bound on the block has cancelled, and "tuple concurrently updated". */
const TRY_AGAIN: ReadonlySet<string> = new Set([...IN_THE_WAY, SQLSTATE.queryCanceled, SQLSTATE.internalError]);
const NO_SAVEPOINT: ReadonlySet<string> = new Set([
  SQLSTATE.noActiveSqlTransaction,
  SQLSTATE.invalidSavepointSpecification,
]);

export interface PublishOptions {
  readonly environment: string;
  readonly fence: number;
  /** Milliseconds until a publish that others keep from its locks is given up. */
  readonly deadline: number;
  readonly signal: AbortSignal;
  readonly failpoint: ReachFailpoint;
  /** Does work in the session of the run, which is the publisher's. */
  readonly asPublisher: AsPublisher;
  readonly onWait?: (blockers: string) => void;
  /** Counts attempts, and the time that was lost to those that were refused. */
  readonly watch?: PublishWatch | undefined;
}

export type AsPublisher = <T>(work: (client: Client) => Promise<T>) => Promise<T>;

/** While the work goes on, a transaction of the builder may do what the publisher offers it. */
export async function withOffer<T>(
  { offer, withdraw }: Pick<PublishPlan, "offer" | "withdraw">,
  asPublisher: AsPublisher,
  work: () => Promise<T>,
): Promise<T> {
  if (!offer.length) return work();
  await asPublisher((client) => send(client, offer));
  try {
    return await work();
  } finally {
    // It says itself which release it publishes upon which, so one that stays does nothing more.
    await asPublisher((client) => send(client, withdraw)).catch(() => {});
  }
}

/**
 * Makes a release visible, on a connection that others cancel when the signal comes. When it is lost, nobody knows whether the
 * commit arrived: then the old session is ended and the outcome is read, never guessed.
 */
export function publish(plan: PublishPlan, worker: Worker, options: PublishOptions): Promise<void> {
  return withOffer(plan, options.asPublisher, () => publishOffered(plan, worker, options));
}

async function publishOffered(plan: PublishPlan, worker: Worker, options: PublishOptions): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await begin(worker.client);
      await publishOn(worker.client, plan, options);
      await options.failpoint("published");
      await worker.reset();
      return;
    } catch (error) {
      if (!connectionLost(error)) {
        await worker.client.query(sql`rollback`).catch(() => {});
        await worker.reset();
        throw options.signal.aborted ? options.signal.reason : error;
      }
      options.onWait?.("the connection was lost; reading what was committed");
      await worker.renew();
      const { published, fence } = await readOutcome(plan, options);
      if (published) return;
      if (fence !== options.fence) throw fenced(plan.release);
      if (attempt === 3) throw error;
    }
  }
}

/** Nothing that a build or an assertion left in the session reaches what is published. */
export async function begin(client: Client): Promise<void> {
  await client.script(join([client.resetting, lookUp("ours")], ";\n"));
}

/** The deltas first, then all public views in one message that ends with the commit. */
export async function publishOn(client: Client, plan: PublishPlan, options: PublishOptions): Promise<void> {
  const { signal, deadline, onWait, watch } = options;
  if (plan.warmUp.length) await send(client, plan.warmUp);
  await options.failpoint("publish begun");
  const who = () => options.asPublisher((publisher) => blockers(plan.targets, publisher, client.processId));
  let { holdMs } = plan.bounds;
  let applied = false;
  let refusedAt: number | undefined;
  const look = async (): Promise<true | undefined> => {
    signal.throwIfAborted();
    const begun = performance.now();
    if (refusedAt !== undefined) watch?.waited(begun - refusedAt);
    try {
      if (!applied) await applyDeltas(client, plan, options);
      applied = true;
      signal.throwIfAborted();
      watch?.attempted();
      const answer = send(client, attempt(plan, holdMs));
      // Handled below even when the hook throws first.
      answer.catch(() => {});
      await options.failpoint("publish sent");
      await answer;
      return true;
    } catch (error) {
      const code = sqlState(error);
      if (code === FENCED) throw fenced(plan.release);
      if (!code || !(applied ? TRY_AGAIN : IN_THE_WAY).has(code) || signal.aborted) throw error;
      refusedAt = performance.now();
      watch?.waited(refusedAt - begun);
      applied = await backToDeltas(client);
      // Cut off by the bound on the block: not a reader in the way but our own work that is too slow for it.
      if (code === SQLSTATE.queryCanceled) holdMs *= 2;
      return undefined;
    }
  };
  const describe = async () => `readers hold views of release ${plan.release}: ${await who()}`;
  const published = await until({ look, every: atRandom, deadline, signal, describe, tell: onWait });
  if (!published) throw starved(plan, await who());
}

/** Milliseconds: so as not to fall in step with a reader that comes at intervals; never longer locks. */
export function atRandom(): number {
  return 10 + Math.random() * 90;
}

async function applyDeltas(client: Client, plan: PublishPlan, options: PublishOptions): Promise<void> {
  await send(client, plan.deltas);
  await options.failpoint("deltas applied");
}

/** To where the deltas are applied. False where they have to be applied again: they failed, or the commit itself did. */
async function backToDeltas(client: Client): Promise<boolean> {
  try {
    await client.query(sql`rollback to savepoint views`);
    return true;
  } catch (error) {
    if (!NO_SAVEPOINT.has(sqlState(error) ?? "")) throw error;
    await client.query(sql`rollback`);
    return false;
  }
}

/** The session that published has ended: what it did is there. */
function readOutcome(
  plan: PublishPlan,
  { environment, asPublisher }: PublishOptions,
): Promise<{ readonly published: boolean; readonly fence: number }> {
  return asPublisher(async (client) => {
    const { rows } = await client.query<{ published: string; fence: string }>(
      sql`
        select
          e.fence,
          exists (
            select from _dataform.release as r
            where r.environment = e.name and r.release_id = $2 and r.status = 'published'
          ) as published
        from _dataform.environment as e
        where e.name = $1`,
      [environment, plan.release],
    );
    return { published: rows[0]!.published === "t", fence: Number(rows[0]!.fence) };
  });
}

export function fenced(release: number): UserError {
  return new UserError({
    message: `release ${release} was not published: another run has taken over`,
    hint: "run again; this run was too slow or was taken for dead",
    code: FENCED,
    exitCode: 1,
  });
}

function starved(plan: PublishPlan, who: string): UserError {
  return new UserError({
    message: `release ${plan.release} is built and waits: readers hold its views`,
    found: who,
    hint: "`dataform publish` publishes it without building again; until then the release before stays readable",
    code: STARVED,
    exitCode: 1,
  });
}

/**
 * Who holds a lock on the public views, for a person to act on.
 * @param own a process that is not meant, besides the client's
 */
export async function blockers(targets: readonly Target[], client: Client, own = client.processId): Promise<string> {
  const { rows } = await client.query<{ blocker: string }>(
    sql`
      select distinct ${describeHolder} as blocker
      from pg_locks as l
      ${withHolders}
      join pg_class as c
        on c.oid = l.relation
      join pg_namespace as n
        on n.oid = c.relnamespace
      where l.pid is distinct from pg_backend_pid()
        and l.pid is distinct from $2
        and ${hasHolder}
        and l.granted
        and l.database = (select oid from pg_database where datname = current_database())
        and n.nspname || '.' || c.relname = any($1::text[])`,
    [targets.map(({ schema, name }) => `${schema}.${name}`), own],
  );
  return rows.map(({ blocker }) => blocker).join("; ") || "nobody now";
}
