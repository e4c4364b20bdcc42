import type { Client } from "../postgres/client.ts";
import { copyCells, copyOut } from "../postgres/copy.ts";
import { type Sql, sql } from "../sql/sql.ts";
import { type ExportSource, selectList } from "./source.ts";

/** A row as texts, each column by the expression that stands at its place. */
export type Row = readonly (string | null)[];

const LINE_FEED = 10;

/** The rows of a source, as many at a time as the server sends in one piece: how wide they are is known to nobody before. */
export async function* readRows(
  client: Client,
  { columns, from }: ExportSource,
  values: readonly Sql[],
): AsyncGenerator<readonly Row[]> {
  const list = selectList(columns, (column) => ({ value: values[columns.indexOf(column)]!, name: column.name }));
  const copy = sql`
    copy (
      select
        ${list}
      from ${from}
    ) to stdout (format text, encoding 'UTF8')`;
  let begun: Buffer[] = [];
  for await (const chunk of copyOut(client, copy)) {
    const end = chunk.lastIndexOf(LINE_FEED);
    if (end < 0) {
      begun.push(chunk);
      continue;
    }
    const lines = Buffer.concat([...begun, chunk.subarray(0, end)]).toString();
    begun = end + 1 < chunk.length ? [chunk.subarray(end + 1)] : [];
    yield lines.split("\n").map(copyCells);
  }
}
