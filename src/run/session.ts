import { randomUUID } from "node:crypto";
import type { ConnectionSettings } from "../model/connection.ts";
import { UserError } from "../model/errors.ts";
import { type Client, connect } from "../postgres/client.ts";
import { connectionLost } from "../postgres/errors.ts";
import type { RunEvents } from "./context.ts";
import { takeRunLock } from "./lock.ts";
import { prepareMetadata, takeFence } from "./metadata.ts";
import type { Reach } from "./points.ts";
import { connectAgain } from "./publish.ts";

export interface SessionOptions {
  /** What the releases belong to; "main" unless stated. */
  readonly environment?: string;
  /** Wait for another run instead of ending with exit code 75. */
  readonly wait?: boolean;
  readonly signal?: AbortSignal;
  readonly events?: RunEvents;
  /** For tests: called at every point where the program could die. */
  readonly reach?: Reach;
}

export const DEFAULT_ENVIRONMENT = "main";

/** One holder of an environment: the lock, the fence, and the connection that both live on. */
export interface Session {
  readonly runId: string;
  readonly environment: string;
  readonly fence: number;
  readonly settings: ConnectionSettings;
  readonly client: Client;
  readonly signal: AbortSignal;
  readonly events: RunEvents;
  readonly reach: Reach;
  /** Another connection after the first was lost. The lock went with it; the fence still guards what is published. */
  renew(): Promise<Client>;
}

/** Runs `work` as the one holder of the environment. */
export async function withSession<T>(
  settings: ConnectionSettings,
  options: SessionOptions,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const runId = randomUUID();
  const environment = options.environment ?? DEFAULT_ENVIRONMENT;
  const signal = options.signal ?? new AbortController().signal;
  const events = options.events ?? {};
  const reach = options.reach ?? (async () => {});
  let client = await connect(settings, { applicationName: `dataform-run-${runId}` });
  try {
    await prepareMetadata(client);
    await takeRunLock(client, environment, {
      wait: options.wait ?? false,
      signal,
      onWait: (holder) => events.waiting?.(`another run holds environment ${environment}: ${holder}`),
    });
    await reach("locked");
    const fence = await takeFence(client, environment);
    await reach("fence taken");
    return await work({
      runId,
      environment,
      fence,
      settings,
      signal,
      events,
      reach,
      get client() {
        return client;
      },
      async renew() {
        await client.close().catch(() => {});
        client = await connectAgain(settings);
        return client;
      },
    });
  } catch (error) {
    if (error instanceof UserError || !connectionLost(error)) throw error;
    throw new UserError({
      message: "the connection to PostgreSQL was lost during the run",
      found: (error as Error).message,
      hint: "run again: readers still have the release before, and what is left over is cleared away",
      cause: error,
      exitCode: 1,
    });
  } finally {
    await client.close().catch(() => {});
  }
}
