import { UserError } from "../model/errors.ts";
import { sql } from "../sql/sql.ts";
import type { Client } from "./client.ts";

/** The encoding that holds every text, by PostgreSQL's name. */
export const UNICODE = "UTF8";

/** @throws UserError for a database that cannot hold every text, or does not know what it holds */
export async function requireUnicode(client: Client): Promise<void> {
  const { rows } = await client.query<{ encoding: string }>(sql`select current_setting('server_encoding') as encoding`);
  if (rows[0]!.encoding !== UNICODE) throw notUnicode(rows[0]!.encoding);
}

export function notUnicode(encoding: string): UserError {
  return new UserError({
    message: "the database does not hold Unicode text",
    expected: "encoding UTF8",
    found: encoding,
    hint: "create the database with: create database … encoding 'UTF8' template template0",
  });
}
