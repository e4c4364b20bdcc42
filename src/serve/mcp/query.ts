import { resolveSource } from "../../export/source.ts";
import type { ConnectionSettings } from "../../model/connection-settings.ts";
import { UserError } from "../../model/errors.ts";
import { describeStatement } from "../../postgres/describe.ts";
import { withReader } from "../../postgres/reading.ts";
import { SQLSTATE } from "../../postgres/sqlstate.ts";
import { select } from "../../sql/authored.ts";
import { literal } from "../../sql/literals.ts";
import { join, type Sql, sql } from "../../sql/sql.ts";
import { type Cell, cellOf } from "../api/cells.ts";

export interface QueryOptions {
  readonly settings: ConnectionSettings;
  /** Rows at most. */
  readonly limit: number;
  /** Milliseconds that its statement may take. */
  readonly timeout: number;
  readonly signal: AbortSignal;
  readonly onWait: (what: string) => void;
  /** Does the work; an error of the server is told with the place in the text. */
  readonly explaining: <T>(text: Sql, work: () => Promise<T>) => Promise<T>;
}

/** The rows of one select, as far as they were given. */
export interface Rows {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  /** Each a JSON array. */
  readonly rows: readonly string[];
  /** Why it is not all of it; absent where it is. */
  readonly cut?: string;
  /** Values that are cut, each with an ellipsis at its end. */
  readonly cutValues: number;
}

/** Characters of one value, and of all rows of an answer. */
const LONGEST_VALUE = 4_000;
const LONGEST_ANSWER = 100_000;

/**
 * Reads as `dataform query` does: one select in a transaction that writes nothing, whatever it says.
 * @throws UserError for anything else, for what the server refuses, and for what takes too long
 */
export async function readRows(text: string, options: QueryOptions): Promise<Rows> {
  const { settings, limit, timeout, signal, onWait, explaining } = options;
  const query = select(text, "the query");
  const local = sql`
    set local standard_conforming_strings = on; set local extra_float_digits = 1;
    set local statement_timeout = ${literal(timeout)}`;
  const reading = { applicationName: "dataform-mcp", settings: local, signal, onWait };
  return withReader(settings, reading, (reader) =>
    inTime(timeout, async () => {
      // What is wrong with the text is told where it stands in it.
      await explaining(query, () => describeStatement(reader.client, query));
      signal.throwIfAborted();
      return explaining(query, async () => {
        const source = await resolveSource(reader, query.toString());
        const cells = source.columns.map(({ name, type }) => cellOf(name, type));
        const values = cells.map((cell) => sql`pg_catalog.left(${cell.sql}, ${literal(LONGEST_VALUE + 1)})`);
        const { rows } = await reader.client.table(sql`
          select ${join(values, ", ")} from (select * from ${source.from}) as answer
          limit ${literal(limit + 1)}`);
        return bounded(rows, cells, limit);
      });
    }),
  );
}

/** What says that it took too long says so in the words of the tool. */
async function inTime<T>(timeout: number, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof UserError) || error.code !== SQLSTATE.queryCanceled) throw error;
    throw new UserError({
      message: "the query was ended",
      expected: `an answer within ${timeout} ms`,
      found: error.message,
      hint: "read fewer rows (where …), a smaller relation, or a mart that has the sums already",
      code: error.code,
      cause: error,
    });
  }
}

function bounded(found: readonly (readonly (string | null)[])[], cells: readonly Cell[], limit: number): Rows {
  const rows: string[] = [];
  let [size, cutValues] = [0, 0];
  let cut = found.length > limit ? `there are more rows than ${limit}` : undefined;
  for (const row of found.slice(0, limit)) {
    const line = `[${row.map((value, at) => jsonOf(value, cells[at]!)).join(",")}]`;
    size += line.length;
    if (size > LONGEST_ANSWER && rows.length) {
      cut = `an answer has at most ${LONGEST_ANSWER} characters`;
      break;
    }
    rows.push(line);
    cutValues += row.filter(isLong).length;
  }
  const columns = cells.map(({ name, type }) => ({ name, type }));
  return { columns, rows, ...(cut === undefined ? {} : { cut }), cutValues };
}

function jsonOf(value: string | null, cell: Cell): string {
  if (value === null) return "null";
  if (!isLong(value)) return cell.json(value, true);
  return JSON.stringify(`${[...value].slice(0, LONGEST_VALUE).join("")}…`);
}

/** By characters, as the server counts them. */
function isLong(value: string | null): boolean {
  return value !== null && value.length > LONGEST_VALUE && [...value].length > LONGEST_VALUE;
}
