import { once } from "node:events";
import type { Socket } from "node:net";
import type { Connection, ConnectionOptions } from "mysql2";
import { importOptional } from "../../config/optional-package.ts";
import type { Secret } from "../../model/declarations.ts";
import { UserError } from "../../model/errors.ts";
import { literal } from "../../sql/literals.ts";
import { type Sql, sql } from "../../sql/sql.ts";
import type { SourcePage } from "../source.ts";
import { cannotConnect, type DriverError, lost, type Reading, refused, tooSlow } from "./driver-errors.ts";
import { columnOf, type FieldDefinition, type FieldReader } from "./mysql-types.ts";
import type { SqlQuery } from "./query.ts";
import { pagesOf, type SqlReadOptions, type SqlRow, TIMEOUT_SECONDS } from "./rows.ts";
import { parseSqlUrl, type SqlAddress } from "./url.ts";

interface MysqlDriver {
  createConnection(options: ConnectionOptions): Connection;
}

/** A statement that ran into the time limit, in MySQL and in MariaDB. */
const TIMEOUTS = new Set([3024, 1969]);
/** The server is going away, or an administrator ended the session. */
const ENDED = new Set([1053, 1927]);
/** A reader that lands a batch may be silent for minutes; the server would hang up after one. Seconds. */
const READER_PAUSE = 3600;

/**
 * Reads the rows of a query from MySQL or MariaDB, as they come: what the reader does not take waits in the server.
 * Times with a zone (TIMESTAMP) come in UTC, with "Z"; others as they are.
 */
export async function* readMysql(
  url: Secret,
  query: SqlQuery,
  options: SqlReadOptions = {},
): AsyncGenerator<SourcePage> {
  const address = parseSqlUrl(url);
  const { default: driver } = await importOptional<{ default: MysqlDriver }>(
    "mysql2",
    options.projectDir,
    "reading MySQL or MariaDB",
  );
  const seconds = options.timeoutSeconds ?? TIMEOUT_SECONDS;
  const connection = await open(driver, address);
  let readers: readonly FieldReader[] = [];
  let count = 0;
  try {
    await prepareSession(connection, seconds);
    const result = connection.query({ sql: query.text.toString(), rowsAsArray: true, typeCast: false });
    result.on("fields", (fields: readonly FieldDefinition[]) => {
      readers = fields.map(columnOf);
    });
    const stream = result.stream();
    // A query that is being read does not hear of a lost connection.
    connection.on("error", (error) => stream.destroy(error));
    async function* rows(): AsyncGenerator<SqlRow> {
      for await (const cells of stream as AsyncIterable<(Buffer | null)[]>) {
        count++;
        yield cells.map((cell, at) => (cell === null ? null : readers[at]!.text(cell)));
      }
    }
    yield* pagesOf(rows(), () => readers, options);
  } catch (error) {
    throw readError(error as MysqlError, address, { seconds, rows: count, askedAt: options.askedAt });
  } finally {
    hangUp(connection);
  }
}

async function open(driver: MysqlDriver, address: SqlAddress): Promise<Connection> {
  const { tls } = address;
  const connection = driver.createConnection({
    ...(address.socket ? { socketPath: address.socket } : { host: address.host, port: address.port }),
    user: address.user,
    password: address.password,
    database: address.database,
    charset: "utf8mb4",
    connectTimeout: 10_000,
    // A server must not ask for files of ours.
    flags: ["-LOCAL_FILES"],
    ...(tls
      ? { ssl: { rejectUnauthorized: tls.verify, verifyIdentity: tls.verify, ...(tls.ca ? { ca: tls.ca } : {}) } }
      : {}),
  });
  // Without a listener a connection that is lost later would end the process.
  connection.on("error", () => {});
  try {
    await once(connection, "connect");
    return connection;
  } catch (error) {
    hangUp(connection);
    throw cannotConnect(error as DriverError, address);
  }
}

/** Without goodbye: the server may be in the middle of its rows, which the driver would read to their end. */
function hangUp(connection: Connection): void {
  connection.destroy();
  (connection as unknown as { stream: Socket }).stream.destroy();
}

/** The two servers have their own words for the time limit, and their own units. */
async function prepareSession(connection: Connection, seconds: number): Promise<void> {
  const version = await ask(connection, sql`select version()`);
  const limit = version.includes("MariaDB")
    ? sql`max_statement_time = ${literal(Math.ceil(seconds))}`
    : sql`max_execution_time = ${literal(Math.ceil(seconds * 1000))}`;
  await ask(connection, sql`set session ${limit}, time_zone = '+00:00', net_write_timeout = ${literal(READER_PAUSE)}`);
  await ask(connection, sql`set session transaction read only`);
}

function ask(connection: Connection, statement: Sql): Promise<string> {
  return new Promise((resolve, reject) => {
    connection.query({ sql: statement.toString(), rowsAsArray: true }, (error, rows) => {
      if (error) reject(error);
      else resolve(Array.isArray(rows) ? String((rows as unknown[][])[0]?.[0]) : "");
    });
  });
}

type MysqlError = DriverError & { readonly errno?: number; readonly fatal?: boolean };

/** What the driver says as an error for people; anything else is thrown as it is. */
function readError(error: MysqlError, address: SqlAddress, { seconds, rows, askedAt }: Reading): unknown {
  const { code, errno, fatal } = error;
  if (error instanceof UserError || (code === undefined && errno === undefined && !fatal)) return error;
  if (TIMEOUTS.has(errno!)) return tooSlow(error, address, seconds);
  return fatal || ENDED.has(errno!) || /^(?:PROTOCOL_|ECONN|EPIPE|ETIMEDOUT)/.test(code ?? "")
    ? lost(error, address, rows)
    : refused(error, address, askedAt);
}
