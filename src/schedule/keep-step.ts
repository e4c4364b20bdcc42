import type { ConnectionSettings } from "../model/connection-settings.ts";
import { type Client, connect } from "../postgres/client.ts";
import { connectionLost } from "../postgres/sqlstate.ts";
import { until } from "../wait/until.ts";
import { beginStep, endStep, holdStep, type StepEnd, type StepKey } from "./steps.ts";

/** How long the end of a step is told to a server that is not there. */
const TELL_FOR = 120_000;

const HOW = { applicationName: "dataform-step", duty: "publisher" } as const;

interface Kept {
  readonly settings: ConnectionSettings;
  readonly key: StepKey;
  /** So long, in milliseconds, it may go on while its lock is not held: before others give it up, it has given up itself. */
  readonly patience: number;
  /** Called where the step is given up: others begin it again, so this process must end. */
  readonly onGivenUp: () => void;
}

/**
 * Does the work of a step, in its own process: holds the lock by which others know that it lives, and records its end. The lock is
 * taken again where the connection is lost. One that gave itself up is lost, not cancelled: nobody wanted it to end, and it may be tried again.
 * @returns undefined where it was not to be done: somebody does it, did it, or gave it up
 */
export async function keepStep(kept: Kept, work: () => Promise<StepEnd>): Promise<StepEnd | undefined> {
  const { settings, key } = kept;
  let client = await connect(settings, HOW);
  let ended = false;
  let isGivenUp = false;
  try {
    if (!(await beginStep(client, key))) return undefined;
    const hold = (held: Client) => {
      held.driver.once("end", () => {
        if (!ended) void again();
      });
    };
    const again = async () => {
      const next = await heldAgain(kept, () => ended);
      if (ended) return next?.close();
      if (!next) {
        isGivenUp = true;
        return kept.onGivenUp();
      }
      client = next;
      hold(client);
    };
    hold(client);
    const done = await work();
    const end: StepEnd = isGivenUp && done.status === "cancelled" ? { ...done, status: "lost" } : done;
    await recordEnd(kept, () => client, end);
    return end;
  } finally {
    ended = true;
    await client.close().catch(() => {});
  }
}

/** A connection that holds the step again; undefined where the time is up, or somebody has given the step up. */
function heldAgain({ settings, key, patience }: Kept, isOver: () => boolean): Promise<Client | undefined> {
  return until<Client | undefined | null>({
    look: async () => {
      if (isOver()) return null;
      const client = await connect(settings, HOW).catch(() => undefined);
      if (!client) return undefined;
      const held = await holdStep(client, key).catch(() => undefined);
      if (held) return client;
      await client.close().catch(() => {});
      // The session that is lost may have the lock for a moment longer.
      return undefined;
    },
    every: 200,
    deadline: patience,
    describe: () => "for the lock of this step",
  }).then((found) => found ?? undefined);
}

async function recordEnd({ settings, key }: Kept, current: () => Client, end: StepEnd): Promise<void> {
  let failure: unknown;
  const done = await until({
    look: async () => {
      try {
        await endStep(current(), key, end);
        return true;
      } catch (error) {
        failure = error;
        if (!connectionLost(error)) throw error;
      }
      const other = await connect(settings, HOW).catch(() => undefined);
      if (!other) return undefined;
      try {
        await endStep(other, key, end);
        return true;
      } catch {
        return undefined;
      } finally {
        await other.close().catch(() => {});
      }
    },
    every: 500,
    deadline: TELL_FOR,
    describe: () => "for PostgreSQL, to record what became of this step",
  });
  if (!done) throw failure;
}
