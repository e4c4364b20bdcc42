import { once } from "node:events";
import { type CopyStreamQuery, from, to } from "pg-copy-streams";
import { type Sql, sql } from "../sql/sql.ts";
import { type Client, hangUp } from "./client.ts";

const CHUNK_CHARACTERS = 64 * 1024;
const SPECIAL = /[\\\n\r\t]/;
const escapes: Readonly<Record<string, string>> = { "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** One row in COPY's text format, without the line end. The caller keeps NUL and lone surrogates out. */
export function copyLine(cells: readonly (string | null)[]): string {
  let line = "";
  for (let n = 0; n < cells.length; n++) line += n === 0 ? copyCell(cells[n]!) : `\t${copyCell(cells[n]!)}`;
  return line;
}

function copyCell(cell: string | null): string {
  if (cell === null) return "\\N";
  return SPECIAL.test(cell) ? cell.replace(/[\\\n\r\t]/g, (character) => escapes[character]!) : cell;
}

const meanings: Readonly<Record<string, string>> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v" };

/** The cells of a line in COPY's text format. */
export function copyCells(line: string): (string | null)[] {
  const plain = (cell: string) =>
    cell.includes("\\") ? cell.replace(/\\(.)/gs, (_, character: string) => meanings[character] ?? character) : cell;
  return line.split("\t").map((cell) => (cell === "\\N" ? null : plain(cell)));
}

/** Lines as buffers of about 64 KB; a buffer per line would cost a message per line. */
export function* copyChunks(lines: Iterable<string>, prefix = ""): Generator<Buffer> {
  let chunk = "";
  for (const line of lines) {
    chunk += `${prefix}${line}\n`;
    if (chunk.length < CHUNK_CHARACTERS) continue;
    yield Buffer.from(chunk);
    chunk = "";
  }
  if (chunk !== "") yield Buffer.from(chunk);
}

/**
 * The stream of a `copy … from stdin`. One that the server refused is ended at once: the driver's would go on with what is
 * buffered when its socket drains, and throw where nobody catches it.
 */
export function copyInto(client: Client, statement: Sql | string): CopyStreamQuery {
  const stream = client.driver.query(from(statement.toString()));
  stream.prependListener("error", () => stream.destroy());
  return stream;
}

/**
 * Runs `copy … from stdin` over the chunks and returns the number of rows.
 * A failing source cancels the COPY; a failing COPY or a lost connection rejects at once.
 */
export function copyIn(
  client: Client,
  statement: Sql | string,
  chunks: Iterable<Buffer> | AsyncIterable<Buffer>,
): Promise<number> {
  return client.watched(() => pour(client, statement, chunks));
}

async function pour(
  client: Client,
  statement: Sql | string,
  chunks: Iterable<Buffer> | AsyncIterable<Buffer>,
): Promise<number> {
  const { driver } = client;
  const stream = copyInto(client, statement);
  // The stream does not always hear of a lost connection; the driver does.
  const lost = () => stream.destroy(new Error("Connection terminated unexpectedly"));
  driver.once("end", lost);
  const failed = new Promise<never>((_, reject) => stream.on("error", reject));
  // The rejection is looked at only where something waits for it.
  failed.catch(() => {});
  try {
    for await (const chunk of chunks) {
      if (!stream.write(chunk)) await Promise.race([once(stream, "drain"), failed]);
    }
  } catch (error) {
    if (!stream.destroyed && !stream.errored) {
      const closed = once(stream, "close").catch(() => {});
      stream.destroy(error as Error);
      // A connection that is gone closes nothing any more.
      await Promise.race([closed, once(driver, "end").catch(() => {}), failed.catch(() => {})]);
    }
    driver.off("end", lost);
    throw error;
  }
  const finished = once(stream, "finish");
  finished.catch(() => {});
  stream.end();
  try {
    await Promise.race([finished, failed]);
    return stream.rowCount;
  } finally {
    driver.off("end", lost);
  }
}

/** `copy … to stdout` of a select of one column of JSON: a line for each row, as long as no value has a line end. */
export function copyJsonLines(select: Sql): Sql {
  // A control character that JSON never has unescaped, as delimiter and as quote: each line is one JSON text.
  return sql`
    copy (
      ${select}
    ) to stdout (format csv, encoding 'UTF8', delimiter E'\x01', quote E'\x02')`;
}

/** The bytes of `copy … to stdout`, as the server sends them. Left early it hangs up: the server would send on. */
export async function* copyOut(
  client: Client,
  statement: Sql | string,
  onRows?: (rows: number) => void,
): AsyncGenerator<Buffer> {
  const stream = client.driver.query(to(statement.toString()));
  let whole = false;
  const lost = () => stream.destroy(new Error("Connection terminated unexpectedly"));
  client.driver.once("end", lost);
  const chunks: AsyncIterator<Buffer> = stream[Symbol.asyncIterator]();
  try {
    // Not while whoever takes the bytes takes their time.
    const next = () => client.watched(() => chunks.next());
    for (let chunk = await next(); !chunk.done; chunk = await next()) yield chunk.value;
    whole = true;
    // The count comes after the last byte: an answer to the next statement means that it is here.
    if (onRows) await client.query(sql`select 1`);
    onRows?.(stream.rowCount);
  } finally {
    client.driver.off("end", lost);
    if (!whole) hangUp(client);
  }
}
