import type { Session } from "../environment/session.ts";
import { FENCED } from "../model/release.ts";
import { makeOffer } from "../plan/offer.ts";
import { withClient, withTransaction } from "../postgres/client.ts";
import { isOutOfLocks, noRoomForLocks, readLockRoom } from "../postgres/lock-room.ts";
import { dollarQuoted, literal } from "../sql/literals.ts";
import { join, type Sql, sql } from "../sql/sql.ts";
import { withOffer } from "./publish.ts";

/** What is done in one transaction: first what belongs to the publisher, in a block of PL/pgSQL, then what to the builder. */
interface Change {
  readonly publishers: Sql;
  readonly builders: readonly Sql[];
  /** How many relations it changes. */
  readonly relations: number;
}

/** A table with its type, and its second one for long values with its index. */
const LOCKS_OF_A_RELATION = 4;

/**
 * All of it, or nothing; nothing where another run has taken the environment over.
 * @throws UserError where the server has no room for the locks that it takes
 */
export async function together(session: Session, change: Change): Promise<void> {
  try {
    await inOneTransaction(session, change);
  } catch (error) {
    if (!isOutOfLocks(error)) throw error;
    const room = await session.retry(readLockRoom);
    const doing = `environment ${session.environment} is as it was, for it changes in one transaction or not at all`;
    throw noRoomForLocks(room, LOCKS_OF_A_RELATION * change.relations, doing, "then again");
  }
}

async function inOneTransaction(session: Session, { publishers, builders }: Change): Promise<void> {
  const { client, environment, fence, settings, runId } = session;
  const body = sql`
    begin
      perform set_config('lock_timeout', '5s', true);
      perform from _dataform.environment where name = ${literal(environment)} and fence = ${literal(fence)} for update;
      if not found then
        raise exception 'another run has taken over environment %', ${literal(environment)} using errcode = ${literal(FENCED)};
      end if;
      ${publishers}
    end`;
  const { roles } = settings;
  if (!roles) {
    const statements = join([sql`do ${dollarQuoted(body)}`, ...builders], ";\n");
    await withTransaction(client, () => client.script(statements));
    return;
  }
  const { make, call, withdraw } = makeOffer({ environment, roles, purpose: "change" }, body);
  const statements = join([sql`select ${call}`, ...builders], ";\n");
  const options = {
    applicationName: `dataform-build-${runId}`,
    duty: "builder",
    names: "ours",
    ...session.others,
  } as const;
  await withOffer(
    { offer: make, withdraw },
    (work) => session.retry(work),
    () => withClient(settings, options, (builder) => withTransaction(builder, () => builder.script(statements))),
  );
}
