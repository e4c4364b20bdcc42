import type { Readable } from "node:stream";
import { importOptional } from "../../config/optional-package.ts";
import type { Secret } from "../../model/declarations.ts";
import { type SourceLocation, UserError } from "../../model/errors.ts";
import type { Sql } from "../../sql/sql.ts";
import type { SourcePage } from "../source.ts";
import { cannotConnect, type DriverError, lost, type Reading, refused, tooSlow } from "./driver-errors.ts";
import type { SqlQuery } from "./query.ts";
import { pagesOf, type SqlColumn, type SqlReadOptions, type SqlRow, TIMEOUT_SECONDS } from "./rows.ts";
import { DESCRIBE, type DescribedColumn, exactSelect, textOf } from "./sqlserver-types.ts";
import { parseSqlUrl, type SqlAddress } from "./url.ts";

/** The part of `mssql` that is used here. */
interface MssqlDriver {
  readonly ConnectionPool: new (config: object) => Pool;
}

interface Pool {
  connect(): Promise<unknown>;
  request(): Request;
  close(): Promise<void>;
  on(event: "error", listener: (error: Error) => void): void;
}

interface Request {
  arrayRowMode: boolean;
  input(name: string, value: string): void;
  query(text: string): Promise<{ readonly recordset: readonly unknown[] }>;
  toReadableStream(): Readable;
  cancel(): void;
}

/**
 * Reads the rows of a query from SQL Server, as they come: what the reader does not take waits in the server. The
 * server writes decimals and times as text, for the driver would round them.
 */
export async function* readSqlServer(
  url: Secret,
  query: SqlQuery,
  options: SqlReadOptions = {},
): AsyncGenerator<SourcePage> {
  const address = parseSqlUrl(url);
  const { default: driver } = await importOptional<{ default: MssqlDriver }>(
    "mssql",
    options.projectDir,
    "reading SQL Server",
  );
  const seconds = options.timeoutSeconds ?? TIMEOUT_SECONDS;
  const pool = await open(driver, address, seconds);
  let request: Request | undefined;
  let count = 0;
  try {
    const { text, columns } = await describe(pool, query, address, options.askedAt);
    const reading = pool.request();
    request = reading;
    reading.arrayRowMode = true;
    const stream = reading.toReadableStream();
    // What goes wrong is told by the stream.
    reading.query(text.toString()).catch(() => {});
    async function* rows(): AsyncGenerator<SqlRow> {
      for await (const values of stream as AsyncIterable<readonly unknown[]>) {
        count++;
        yield values.map(textOf);
      }
    }
    yield* pagesOf(rows(), () => columns, options);
  } catch (error) {
    throw readError(error as DriverError, address, { seconds, rows: count, askedAt: options.askedAt });
  } finally {
    request?.cancel();
    await pool.close().catch(() => {});
  }
}

async function open(driver: MssqlDriver, address: SqlAddress, seconds: number): Promise<Pool> {
  const { tls } = address;
  const ca = tls ? tls.ca : undefined;
  const pool = new driver.ConnectionPool({
    server: address.host,
    port: address.port,
    database: address.database,
    user: address.user,
    password: address.password,
    connectionTimeout: 10_000,
    requestTimeout: seconds * 1000,
    pool: { max: 1, min: 0 },
    options: {
      appName: "dataform",
      encrypt: tls !== false,
      trustServerCertificate: tls !== false && !tls.verify,
      readOnlyIntent: true,
      ...(ca ? { cryptoCredentialsDetails: { ca } } : {}),
    },
  });
  // Without a listener a connection that is lost later would end the process.
  pool.on("error", () => {});
  try {
    await pool.connect();
    return pool;
  } catch (error) {
    await pool.close().catch(() => {});
    throw cannotConnect(error as DriverError, address);
  }
}

/** The columns that will come, and the statement that sends them exactly. */
async function describe(
  pool: Pool,
  query: SqlQuery,
  address: SqlAddress,
  askedAt: SourceLocation | undefined,
): Promise<{ readonly text: Sql; readonly columns: readonly SqlColumn[] }> {
  const request = pool.request();
  request.input("query", query.text.toString());
  const { recordset } = await request.query(DESCRIBE.toString());
  const described = recordset as readonly (DescribedColumn & { readonly error: string | null })[];
  const problem = described.find(({ error }) => error !== null)?.error;
  if (problem) throw refused({ message: problem }, address, askedAt);
  return exactSelect(query, described);
}

/** What the driver says as an error for people; anything else is thrown as it is. */
function readError(error: DriverError, address: SqlAddress, { seconds, rows, askedAt }: Reading): unknown {
  if (typeof error.code !== "string" || error instanceof UserError) return error;
  if (error.code === "ETIMEOUT") return tooSlow(error, address, seconds);
  return /connection|socket|ECONN|EPIPE/i.test(`${error.code} ${error.message}`)
    ? lost(error, address, rows)
    : refused(error, address, askedAt);
}
