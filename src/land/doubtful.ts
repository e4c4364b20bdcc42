import type { RawColumn } from "../model/ingest.ts";
import type { Client } from "../postgres/client.ts";
import { quoteList, quoteLiteral, quoteTarget } from "../sql/identifiers.ts";
import { dollarQuote } from "../sql/statements.ts";
import type { RawTable } from "./raw-table.ts";
import type { Place, Rejection } from "./row-batch.ts";

/** A row that only the server can judge. */
export interface DoubtfulRow {
  readonly rowNo: number;
  readonly place: Place;
  readonly text: string;
  readonly cells: readonly (string | null)[];
  /** Columns that may be at fault, for the reason. */
  readonly suspects: readonly string[];
}

const ROWS_PER_MESSAGE = 1000;
const SETTING = "dataform.refused";

/**
 * Inserts rows in a block that goes on after a bad one: a message for a thousand, not three for each. Gives those that
 * the server refused, in its words. Needs no right to make temporary tables.
 */
export async function insertOneByOne(
  client: Client,
  table: RawTable,
  columns: readonly Pick<RawColumn, "name" | "type">[],
  loadId: string,
  rows: readonly DoubtfulRow[],
): Promise<readonly Rejection[]> {
  const refused: Rejection[] = [];
  for (let from = 0; from < rows.length; from += ROWS_PER_MESSAGE) {
    const some = rows.slice(from, from + ROWS_PER_MESSAGE);
    await client.query(block(table, columns, loadId, some));
    const { rows: answer } = await client.query<{ refused: string }>(`select current_setting('${SETTING}') as refused`);
    for (const [index, message] of JSON.parse(answer[0]!.refused) as [number, string][]) {
      const { rowNo, place, text, suspects } = some[index]!;
      // Without the value, so that reasons can be counted.
      const reason = `${suspects.join(", ") || "record"}: ${message.replace(/: "[\s\S]*"$/, "")}`;
      refused.push({ rowNo, ...place, reason, text });
    }
  }
  return refused;
}

/** What is wrong with a value (class 22) or breaks a constraint (class 23) is the row's fault; all else ends the load. */
function block(
  table: RawTable,
  columns: readonly Pick<RawColumn, "name" | "type">[],
  loadId: string,
  rows: readonly DoubtfulRow[],
): string {
  const data = JSON.stringify(rows.map(({ rowNo, cells }, index) => [index, rowNo, ...cells]));
  const names = quoteList(["_load_id", "_row_no", ...columns.map(({ name }) => name)]);
  const values = columns.map(({ type }, index) => `(r.v ->> ${index + 2})::${type}`);
  const body = `
declare
  r record;
  refused jsonb := '[]';
begin
  for r in select v from jsonb_array_elements(${quoteLiteral(data)}::jsonb) as e(v) loop
    begin
      insert into ${quoteTarget(table)} (${names}) values (${[loadId, "(r.v ->> 1)::bigint", ...values].join(", ")});
    exception when data_exception or integrity_constraint_violation then
      refused := refused || jsonb_build_array(jsonb_build_array((r.v ->> 0)::int, sqlerrm));
    end;
  end loop;
  perform set_config('${SETTING}', refused::text, true);
end`;
  return `do ${dollarQuote(body, "rows")}`;
}
