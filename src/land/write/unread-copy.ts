import type { RecordSchema } from "../../model/declarations.ts";
import type { SourceLocation } from "../../model/errors.ts";
import type { Client } from "../../postgres/client.ts";
import { copyFormat, copyPgToPg } from "../../postgres/pg-to-pg-copy.ts";
import { ids, relationId } from "../../sql/identifiers.ts";
import { join, type Sql, sql } from "../../sql/sql.ts";
import { type ColumnMatch, cellColumns, selectCells, unsureRows } from "./column-match.ts";
import { beginLanding, endLanding, undoLanding } from "./landing.ts";
import { copyFault } from "./reasons.ts";
import type { RowTarget } from "./row-fallback.ts";

interface UnreadCopy {
  readonly source: Client;
  /** The query, and how its columns match those of the table. */
  readonly rows: Sql;
  readonly match: ColumnMatch;
  readonly recordSchema: RecordSchema;
  readonly onBytes: (bytes: number) => void;
  /** Where the query is declared. */
  readonly askedAt: SourceLocation;
}

/**
 * Lands a query of another PostgreSQL from COPY to COPY. Returns how many rows; undefined where they are to be judged one
 * by one, and none has landed.
 */
export async function copyUnread(into: RowTarget, copy: UnreadCopy): Promise<number | undefined> {
  const { client, table, loadId } = into;
  const { source, match, onBytes, askedAt } = copy;
  const columns = cellColumns(match);
  const select = selectCells(match, copy.rows, loadId, unsureRows(match, copy.recordSchema));
  const format = await copyFormat(source, select, client, table, columns);
  const statement = sql`copy ${relationId(table)} (${join(ids(columns), ", ")}) from stdin`;
  await beginLanding(client);
  try {
    const count = await copyPgToPg(source, select, client, statement, { format, onBytes, askedAt });
    await endLanding(client);
    return count;
  } catch (error) {
    if (!copyFault((error as Error).cause, table.name, columns)) throw error;
  }
  await undoLanding(client);
  return undefined;
}
