import { once } from "node:events";
import type pg from "pg";
import { type CopyStreamQuery, to as copyTo } from "pg-copy-streams";
import { counted } from "../model/counted.ts";
import { type SourceLocation, UserError } from "../model/errors.ts";
import type { Target } from "../model/target.ts";
import { ids, relationId } from "../sql/identifiers.ts";
import { join, type Sql, sql } from "../sql/sql.ts";
import { after } from "../wait/timers.ts";
import { type Client, hangUp } from "./client.ts";
import { copyInto } from "./copy.ts";
import { describeQuery } from "./describe-types.ts";
import { connectionLost, postgresError } from "./sqlstate.ts";

export type CopyFormat = "text" | "binary";

export interface PgToPgOptions {
  /** "text" unless `copyFormat` says that the two servers agree on "binary". */
  readonly format?: CopyFormat;
  /** Bytes passed on so far, each time some are. */
  readonly onBytes?: (bytes: number) => void;
  /** Where a person declared the select, for messages. */
  readonly askedAt?: SourceLocation;
}

/** Text that any PostgreSQL reads the same way, whatever its settings; nothing is written to the source. */
export const SOURCE_SESSION = sql`
  set default_transaction_read_only = on;
  set datestyle = 'ISO, YMD';
  set timezone = 'UTC';
  set intervalstyle = 'iso_8601';
  set bytea_output = 'hex';
  set extra_float_digits = 3`;

/** A target that is told of the source's failure has this long to answer. Milliseconds. */
const PATIENCE = 1_000;

/** Which side failed. */
class SideError extends Error {
  readonly side: "source" | "target";
  override readonly cause: Error;

  constructor(side: "source" | "target", cause: Error) {
    super(cause.message, { cause });
    this.side = side;
    this.cause = cause;
  }
}

/**
 * Copies the rows of `select` from one database into another, bytes passed through unread. Returns the number of rows,
 * on which both servers agree. Belongs in a transaction of `to`, which the caller rolls back when this throws.
 * @param from a connection for this alone: its session turns read-only, and a failure closes it
 * @param copyStatement `copy … from stdin`, without options
 * @throws UserError that names the side that failed, at once, also when the other side is quiet
 */
export async function copyPgToPg(
  from: Client,
  select: Sql,
  to: Client,
  copyStatement: Sql,
  options: PgToPgOptions = {},
): Promise<number> {
  const ending = options.format === "binary" ? sql` with (format binary)` : sql``;
  const out = sql`
    copy (
      ${select}
    ) to stdout${ending}`;
  try {
    await on("source", from.script(SOURCE_SESSION));
    // A target that waits for bytes hears no cancel: the source has to.
    return await to.watched(() => from.watched(() => pass(from, out, to, sql`${copyStatement}${ending}`, options)));
  } catch (error) {
    hangUp(from);
    throw userError(error, options.askedAt);
  }
}

async function pass(from: Client, out: Sql, to: Client, into: Sql, options: PgToPgOptions): Promise<number> {
  const sink = copyInto(to, into);
  const source = from.driver.query(copyTo(out.toString()));
  const { failed, forget } = watch({ source, target: sink }, { source: from.driver, target: to.driver });
  if (options.onBytes) countBytes(source, options.onBytes);
  const ended = once(source, "end");
  const finished = once(sink, "finish");
  for (const promise of [ended, finished]) promise.catch(() => {});
  source.pipe(sink, { end: false });
  try {
    await Promise.race([ended, failed]);
    // The source's count comes after its last byte; an answer to the next statement means that it is here.
    const answered = on("source", from.query(sql`select 1`));
    answered.catch(() => {});
    await Promise.race([answered, failed]);
    sink.end();
    await Promise.race([finished, failed]);
  } catch (error) {
    source.unpipe(sink);
    if (error instanceof SideError && error.side === "source") await giveUp(sink, to, error.cause);
    throw error;
  } finally {
    forget();
  }
  if (source.rowCount !== sink.rowCount)
    throw new Error(`COPY sent ${counted(source.rowCount, "row")} and took ${sink.rowCount} of them`);
  return sink.rowCount;
}

function countBytes(source: NodeJS.EventEmitter, tell: (bytes: number) => void): void {
  let bytes = 0;
  source.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    tell(bytes);
  });
}

type Sides<T> = Readonly<Record<"source" | "target", T>>;

/** The first failure of either side. The streams do not always hear of a lost connection; the drivers do. */
function watch(streams: Sides<NodeJS.EventEmitter>, drivers: Sides<pg.Client>) {
  const endings: (() => void)[] = [];
  const failed = new Promise<never>((_, reject) => {
    for (const side of ["source", "target"] as const) {
      const fail = (error: Error) => reject(new SideError(side, error));
      const lost = () => fail(new Error("Connection terminated unexpectedly"));
      // Stays on: what a stream says later must not end the process.
      streams[side].on("error", fail);
      drivers[side].once("end", lost);
      endings.push(() => drivers[side].off("end", lost));
    }
  });
  // The rejection is looked at only where something waits for it.
  failed.catch(() => {});
  return { failed, forget: () => endings.map((end) => end()) };
}

/** Ends the target's COPY and waits until its connection is free for the rollback, or gone. */
async function giveUp(sink: CopyStreamQuery, to: Client, reason: Error): Promise<void> {
  if (sink.destroyed) return;
  const timers: (() => void)[] = [];
  let cancelled: Promise<void> | undefined;
  const silent = new Promise<void>((resolve) => {
    // A target that waits for a lock does not listen.
    timers.push(
      after(PATIENCE, () => {
        cancelled = to.cancel().catch(() => {});
      }),
    );
    timers.push(after(5 * PATIENCE, () => resolve(hangUp(to))));
  });
  const closed = once(sink, "close").catch(() => {});
  const gone = once(to.driver, "end").catch(() => {});
  sink.destroy(reason);
  await Promise.race([closed, gone, silent]);
  for (const stop of timers) stop();
  // Or it would hit the caller's next statement.
  await cancelled;
}

async function on<T>(side: "source" | "target", work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw new SideError(side, error as Error);
  }
}

function userError(error: unknown, askedAt?: SourceLocation): unknown {
  if (!(error instanceof SideError)) return error;
  const { side, cause } = error;
  const said = postgresError(cause);
  const lost = connectionLost(cause);
  return new UserError({
    message: `the ${side} database ${lost ? "was lost during" : "failed"} the copy`,
    ...(askedAt && side === "source" && !lost ? { location: askedAt } : {}),
    found: [cause.message, said?.detail, said?.where?.split("\n")[0]].filter(Boolean).join("; "),
    hint: lost
      ? "nothing was copied: run it again when the server is there"
      : (said?.hint ?? (side === "source" ? "nothing was copied: check the query" : "nothing was copied")),
    ...(said ? { code: said.code } : {}),
    exitCode: 1,
    cause,
  });
}

/** Types whose binary form is the same on every server of one major version, by oid. Arrays and types of users are not here. */
const BINARY_TYPES = new Set([
  16, 17, 20, 21, 23, 25, 114, 650, 700, 701, 829, 869, 1042, 1043, 1082, 1083, 1114, 1184, 1186, 1266, 1700, 2950,
  3802,
]);

/**
 * Binary where the servers are of one major version and every column of the select has the type of the target's column;
 * it saves both servers writing and reading text.
 */
export async function copyFormat(
  from: Client,
  select: Sql,
  to: Client,
  target: Target,
  columns: readonly string[],
): Promise<CopyFormat> {
  const sent = await on("source", describe(from, select)).catch((error) => {
    throw userError(error);
  });
  const taken = await describe(to, sql`select ${join(ids(columns), ", ")} from ${relationId(target)}`);
  const agree =
    sent.major === taken.major &&
    sent.types.length === taken.types.length &&
    sent.types.every((type, at) => type === taken.types[at] && BINARY_TYPES.has(type));
  return agree ? "binary" : "text";
}

/** The server's major version, and the types of a query's columns by oid. */
async function describe(client: Client, query: Sql): Promise<{ major: string; types: readonly number[] }> {
  const { rows } = await client.query<{ major: string }>(
    sql`select current_setting('server_version_num')::int / 10000 as major`,
  );
  return { major: rows[0]!.major, types: (await describeQuery(client, query)).map(({ oid }) => oid) };
}
