import { UserError } from "../model/errors.ts";
import { roleName } from "../model/roles.ts";
import { takeLock } from "../postgres/advisory-lock.ts";
import { type Client, withTransaction } from "../postgres/client.ts";
import { SQLSTATE, sqlState } from "../postgres/sqlstate.ts";
import { notUnicode, UNICODE } from "../postgres/unicode.ts";
import { literal } from "../sql/literals.ts";
import { PRIVATE_SCHEMA } from "../sql/names.ts";
import { serverReadsRecord } from "../sql/record-rights.ts";
import { join, sql } from "../sql/sql.ts";
import { LAYOUTS } from "./layouts.ts";
import { RECORD, type RecordState, readRecord, refuseAltered, refuseIncomplete } from "./record.ts";

/** The oldest server that has what the release protocol needs (security_invoker, NULLS NOT DISTINCT). */
export const OLDEST_SERVER = 150_000;

/** How a wait can be ended, and who is told of it. */
interface Waiting {
  readonly signal?: AbortSignal | undefined;
  readonly onWait?: ((what: string) => void) | undefined;
}

/** Makes schema `_dataform` ready: the first time, and where an earlier version of this program made it. */
export async function prepareMetadata(client: Client, wait: Waiting = {}): Promise<void> {
  const { rows } = await client.query<Record<"server" | "encoding", string> & { foreign: string | null }>(
    sql`select current_setting('server_version_num') as server, current_setting('server_encoding') as encoding, ${foreign(client)} as foreign`,
  );
  const { server, encoding, foreign: found } = rows[0]!;
  if (Number(server) < OLDEST_SERVER) throw tooOld(Number(server));
  if (encoding !== UNICODE) throw notUnicode(encoding);
  refuseForeign(client, found);
  if (isReady(await readRecord(client))) return;
  try {
    await withTransaction(client, () => bringUpToDate(client, wait));
  } catch (error) {
    throw sqlState(error) === SQLSTATE.lockNotAvailable ? inUse(error as Error) : error;
  }
}

/**
 * Whether there is a record of releases that can be read as it is: what only looks makes none.
 * @throws UserError for one of an earlier or a later version
 */
export async function hasMetadata(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ foreign: string | null }>(sql`select ${foreign(client)} as foreign`);
  refuseForeign(client, rows[0]!.foreign);
  const record = await readRecord(client);
  const { layout } = record;
  if (isReady(record)) return true;
  if (layout > 0 && layout < LAYOUTS.length)
    throw new UserError({
      message: "schema _dataform was made by an older version of dataform-postgres",
      expected: `layout ${LAYOUTS.length}`,
      found: `layout ${layout}`,
      hint: "the next `dataform run` or `dataform publish` brings it up to date",
    });
  refuseIncomplete(record);
  return false;
}

async function bringUpToDate(client: Client, { signal, onWait }: Waiting): Promise<void> {
  // One at a time: `create … if not exists` of two sessions can collide.
  await takeLock(client, "dataform:metadata", {
    reach: "transaction",
    deadline: 60_000,
    signal,
    tell: onWait,
    taken: `another command makes the tables of schema ${PRIVATE_SCHEMA}`,
    hint: "try again when it has ended, or end it",
  });
  const record = await readRecord(client);
  if (isReady(record)) return;
  const layout = record.tables.length ? 0 : record.layout;
  const version = sql`update _dataform.metadata set version = ${literal(LAYOUTS.length)}`;
  const rights = client.roles ? [serverReadsRecord(roleName(client.roles, "server"))] : [];
  await client.script(join([sql`set local lock_timeout = '10s'`, ...LAYOUTS.slice(layout), version, ...rights], ";\n"));
  // What somebody else had made under one of the names is passed over by \`if not exists\`.
  refuseAltered(await readRecord(client));
}

/**
 * Whether the record is as this version of the program makes it.
 * @throws UserError where a later version made it, or somebody dropped a column
 */
function isReady(record: RecordState): boolean {
  if (record.layout > LAYOUTS.length) throw tooNew(record.layout);
  refuseAltered(record);
  return record.layout === LAYOUTS.length && !record.tables.length;
}

/**
 * What stands under the names of the record and is not a table of the publisher's, or of whom this session acts as. The builder makes relations in the
 * same schema: a trigger or a view of its would be run by whoever writes and reads the record.
 */
const foreign = ({ roles }: Client) => sql`(
  select string_agg(format('%s of %s', c.relname, pg_get_userbyid(c.relowner)), ', ' order by c.relname)
  from pg_class as c
  where c.relnamespace = to_regnamespace(${literal(PRIVATE_SCHEMA)}) and c.relname = any(array[${Object.keys(RECORD).map(literal)}])
    and (c.relkind <> 'r' or pg_get_userbyid(c.relowner) <> ${roles ? literal(roleName(roles, "publisher")) : sql`current_user`})
)`;

/** @throws UserError where there are roles, and not all of the record is the publisher's */
function refuseForeign({ roles }: Client, found: string | null): void {
  if (!roles || found === null) return;
  const publisher = roleName(roles, "publisher");
  throw new UserError({
    message: `the record of releases in schema ${PRIVATE_SCHEMA} is not all of role ${publisher}`,
    expected: `tables of ${publisher}, which nobody else can put a trigger on`,
    found,
    hint: `\`dataform roles --prefix ${roles} --apply\` gives ${publisher} what runs without roles made; drop what a builder or loader made there`,
  });
}

function tooNew(layout: number): UserError {
  return new UserError({
    message: "schema _dataform was made by a newer version of dataform-postgres",
    expected: `layout ${LAYOUTS.length} or older`,
    found: `layout ${layout}`,
    hint: "use the newest dataform-postgres for this database",
  });
}

function inUse(error: Error): UserError {
  return new UserError({
    message: `schema ${PRIVATE_SCHEMA} cannot be brought to layout ${LAYOUTS.length}: a transaction holds one of its tables`,
    found: error.message,
    hint: "end the transactions that read or write _dataform.environment, and run again",
    cause: error,
  });
}

export function tooOld(server: number): UserError {
  return new UserError({
    message: "this PostgreSQL is too old",
    expected: "version 15 or newer",
    found: `version ${Math.floor(server / 10_000)}.${server % 10_000}`,
    hint: "upgrade the server, or unset DATABASE_URL to use the embedded one",
  });
}
