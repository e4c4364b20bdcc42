import { UserError } from "../model/errors.ts";
import { sql } from "../sql/sql.ts";
import type { Client } from "./client.ts";

/** The encoding that holds every text, by PostgreSQL's name. */
export const UNICODE = "UTF8";

/** @throws UserError for a database that cannot hold every text, or does not know what it holds */
export async function requireUnicode(client: Client): Promise<void> {
  const encoding = await encodingOf(client);
  if (encoding !== UNICODE) throw notUnicode(encoding);
}

/** The encoding of the database, by PostgreSQL's name. */
export async function encodingOf(client: Client): Promise<string> {
  const { rows } = await client.query<{ encoding: string }>(sql`select current_setting('server_encoding') as encoding`);
  return rows[0]!.encoding;
}

export function notUnicode(encoding: string): UserError {
  return new UserError({
    message: "the database does not hold Unicode text",
    expected: "encoding UTF8",
    found: encoding,
    hint: "create the database with: create database … encoding 'UTF8' template template0",
  });
}
