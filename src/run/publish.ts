import { setTimeout as pause } from "node:timers/promises";
import { UserError } from "../model/errors.ts";
import type { PublishPlan } from "../model/plan.ts";
import { FENCED } from "../plan/publish.ts";
import type { Client } from "../postgres/client.ts";
import { sqlState } from "../postgres/errors.ts";
import { joinStatements } from "../sql/message.ts";

/** Lock not available, cancelled by the bound on the block, deadlock, serialisation, "tuple concurrently updated". */
const TRY_AGAIN = new Set(["55P03", "57014", "40P01", "40001", "XX000"]);

export interface PublishOptions {
  /** Milliseconds until a publish that others keep from its locks is given up. */
  readonly deadline: number;
  readonly signal: AbortSignal;
  readonly onWait?: (blockers: string) => void;
}

/**
 * Makes a release visible: the deltas first, then all public views in one message that ends with the commit.
 * A reader in the way is never waited for longer than 5 ms, so that nobody queues behind us.
 */
export async function publish(plan: PublishPlan, client: Client, options: PublishOptions): Promise<void> {
  const started = performance.now();
  await client.script(joinStatements([{ sql: "begin" }, ...plan.deltas, { sql: "savepoint views" }]));
  for (let attempt = 1; ; attempt++) {
    try {
      await client.script(joinStatements(plan.views));
      return;
    } catch (error) {
      const code = sqlState(error);
      if (code === FENCED) throw fenced(plan);
      if (!code || !TRY_AGAIN.has(code) || options.signal.aborted) throw error;
      await client.query("rollback to savepoint views");
      if (performance.now() - started > options.deadline) throw starved(plan, await blockers(plan, client));
      if (attempt % 20 === 0) options.onWait?.(await blockers(plan, client));
      // At random, so as not to fall in step with a reader that comes at intervals; never longer locks.
      await pause(20 + Math.random() * 180, undefined, { signal: options.signal });
    }
  }
}

function fenced(plan: PublishPlan): UserError {
  return new UserError({
    message: `release ${plan.release} was not published: another run has taken over`,
    hint: "run again; this run was too slow or was taken for dead",
    code: FENCED,
    exitCode: 1,
  });
}

function starved(plan: PublishPlan, who: string): UserError {
  return new UserError({
    message: `release ${plan.release} is built but could not be published: readers hold its views`,
    found: who,
    hint: "run again when they have ended; the release before it stays readable",
    code: "55P03",
    exitCode: 1,
  });
}

/** Who holds a lock on the public views, for a person to act on. */
async function blockers(plan: PublishPlan, client: Client): Promise<string> {
  const { rows } = await client.query<{ blocker: string }>(
    `select distinct format('process %s (%s), reading since %s', a.pid, coalesce(nullif(a.application_name, ''), 'no application name'), a.query_start) as blocker
     from pg_locks l
     join pg_stat_activity a on a.pid = l.pid
     join pg_class c on c.oid = l.relation
     join pg_namespace n on n.oid = c.relnamespace
     where l.pid <> pg_backend_pid() and l.granted and n.nspname || '.' || c.relname = any($1::text[])`,
    [plan.targets.map(({ schema, name }) => `${schema}.${name}`)],
  );
  return rows.map(({ blocker }) => blocker).join("; ") || "nobody now";
}
