import type { Hold } from "../model/catalog.ts";
import { UserError } from "../model/errors.ts";
import type { Client } from "../postgres/client.ts";
import { type HoldRow, holdOf } from "../postgres/read-catalog.ts";
import { sql } from "../sql/sql.ts";
import { LOCKED_EXIT_CODE } from "./lock.ts";

/** Who holds an environment, and why. */
export interface Holder {
  readonly by: string;
  readonly reason?: string | undefined;
}

/** From now on no run of the environment begins. */
export async function hold(client: Client, environment: string, { by, reason }: Holder): Promise<void> {
  await client.query(
    sql`update _dataform.environment set held_at = clock_timestamp(), held_by = $2, held_reason = $3 where name = $1`,
    [environment, by, reason ?? null],
  );
}

/** Lets runs begin again. Returns whether the environment was held. */
export async function unhold(client: Client, environment: string): Promise<boolean> {
  const { rowCount } = await client.query(
    sql`update _dataform.environment set held_at = null, held_by = null, held_reason = null
     where name = $1 and held_at is not null`,
    [environment],
  );
  return rowCount > 0;
}

export async function readHold(client: Client, environment: string): Promise<Hold | undefined> {
  const { rows } = await client.query<HoldRow>(
    // A database that an earlier version made has not these columns, and this changes nothing.
    sql`select to_jsonb(e) ->> 'held_at' as held_at, to_jsonb(e) ->> 'held_by' as held_by, to_jsonb(e) ->> 'held_reason' as held_reason
     from _dataform.environment e where name = $1 and to_jsonb(e) ->> 'held_at' is not null`,
    [environment],
  );
  return rows[0] && holdOf(rows[0]);
}

/** "environment main is held since …, by …: reason" */
export function describeHold(environment: string, { since, by, reason }: Hold): string {
  return `environment ${environment} is held since ${since.replace("T", " ").replace(/\.\d+/, "")}, by ${by}${reason ? `: ${reason}` : ""}`;
}

export function heldEnvironment(environment: string, hold: Hold): UserError {
  return new UserError({
    message: describeHold(environment, hold),
    found: "nothing was built or published",
    hint: `\`${liftCommand(environment)}\` lets runs publish again`,
    exitCode: LOCKED_EXIT_CODE,
  });
}

export function liftCommand(environment: string): string {
  return `dataform env unhold ${environment}`;
}
