import type { Client } from "../postgres/client.ts";
import { literal } from "../sql/literals.ts";
import { type Sql, sql } from "../sql/sql.ts";
import { type ExportSource, selectList } from "./source.ts";

const ROWS_PER_FETCH = 5_000;

/** Rows as lists of texts, some at a time. */
export interface RowCursor {
  fetch(): Promise<{ readonly rows: readonly (readonly (string | null)[])[]; readonly done: boolean }>;
}

/** Opens the rows of a source, each column as the expression that stands at its place. */
export async function openCursor(
  client: Client,
  { columns, from }: ExportSource,
  values: readonly Sql[],
): Promise<RowCursor> {
  const list = selectList(columns, (column) => ({ value: values[columns.indexOf(column)]!, name: column.name }));
  await client.table(sql`
    declare export no scroll cursor for
    select
      ${list}
    from ${from}`);
  return {
    fetch: async () => {
      const { rows } = await client.table(sql`fetch ${literal(ROWS_PER_FETCH)} from export`);
      return { rows, done: rows.length < ROWS_PER_FETCH };
    },
  };
}
