import type { ConnectionSettings } from "../model/connection-settings.ts";
import { UserError } from "../model/errors.ts";
import { LOCKED_EXIT_CODE } from "../postgres/advisory-lock.ts";
import { type Client, withClient } from "../postgres/client.ts";
import { describeSession } from "../postgres/holders.ts";
import { sql } from "../sql/sql.ts";
import { until } from "../wait/until.ts";

/** Milliseconds until a session that does not end is nobody's to wait for. */
const PATIENCE = 60_000;

interface Ending {
  /** Only this process. */
  readonly processId?: number;
  readonly signal?: AbortSignal | undefined;
  readonly onWait?: ((what: string) => void) | undefined;
  /** @default 60_000 */
  readonly patience?: number;
}

/**
 * Ends sessions that lost their client, and waits until they are gone: they may go on with their statement, or hold
 * locks, until the server notices. What they did is known only then.
 * @throws UserError that names those which the server does not end in time
 */
export async function endSessions(
  settings: ConnectionSettings,
  applicationNames: readonly string[],
  { processId, signal, onWait, patience = PATIENCE }: Ending = {},
): Promise<void> {
  // Only the user who began a session may end it, so these connections take no role.
  const options = { applicationName: "dataform-cancel", names: "ours", signal } as const;
  const end = async (client: Client) => {
    let left: string[] = [];
    const ended = await until({
      look: async () => {
        const { rows } = await client.query<{ who: string }>(
          sql`select ${describeSession} as who, pg_terminate_backend(a.pid) from pg_stat_activity as a
           where a.datname = current_database() and split_part(a.application_name, ' ', 1) = any($1::text[])
             and ($2::integer is null or a.pid = $2) and pg_has_role(a.usesysid, 'usage')`,
          [applicationNames, processId ?? null],
        );
        left = rows.map(({ who }) => who);
        return left.length ? undefined : true;
      },
      every: 20,
      deadline: patience,
      signal,
      describe: () => `for sessions of a run to end, which the server was told to end: ${left.join("; ")}`,
      tell: onWait,
    });
    if (!ended) throw notEnded(left);
  };
  for (const login of [settings, ...(settings.publisher ? [settings.publisher] : [])])
    await withClient(login, options, end);
}

function notEnded(left: readonly string[]): UserError {
  return new UserError({
    message: "sessions of a run that has lost them do not end, although the server was told to end them",
    expected: "none: what they do may come between, and what they did is known only then",
    found: left.join("; "),
    hint: "whoever runs the server looks at these processes: one that is stopped goes on after `kill -CONT`, one that waits for a disk or a network ends when that answers, and a restart of the server ends all; then run again",
    exitCode: LOCKED_EXIT_CODE,
  });
}

/** The names of all sessions of a run. */
export function sessionNames(runId: string): string[] {
  return ["run", "build", "publish"].map((part) => `dataform-${part}-${runId}`);
}
