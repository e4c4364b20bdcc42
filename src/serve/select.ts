import { type ExportColumn, resolveSource } from "../export/source.ts";
import type { ConnectionSettings } from "../model/connection-settings.ts";
import { UserError } from "../model/errors.ts";
import { describeStatement } from "../postgres/describe.ts";
import { type ReadAs, withReader } from "../postgres/reading.ts";
import { SQLSTATE } from "../postgres/sqlstate.ts";
import { id } from "../sql/identifiers.ts";
import { literal } from "../sql/literals.ts";
import { join, type Sql, sql } from "../sql/sql.ts";

/** Who reads, and what one answer may cost. */
export interface Reading {
  readonly settings: ConnectionSettings;
  readonly applicationName: string;
  readonly as: ReadAs;
  /** Milliseconds that its statement may take. */
  readonly timeout: number;
  readonly signal: AbortSignal;
  readonly onWait: (what: string) => void;
  /** Does the work; an error of the server is told with the place in the text. */
  readonly explaining: <T>(text: Sql, work: () => Promise<T>) => Promise<T>;
}

export interface Wanted {
  /** Rows at most. */
  readonly limit: number;
  /** Characters of one value, and of all rows of an answer. */
  readonly longestValue: number;
  readonly longestAnswer: number;
  /** What is sent before it, as `set local …`. */
  readonly local: Sql;
  /** What of a column is read, as text. */
  readonly textOf: (column: ExportColumn) => Sql;
  /** What its rows are sorted by, where it is not as they come. */
  readonly order?: Sql;
}

/** The rows of one select, as far as they were given. */
export interface Selected {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  /** Values one character longer than the longest are to be `shortened`. */
  readonly rows: readonly (readonly (string | null)[])[];
  /** Why it is not all of it; absent where it is. */
  readonly cut?: string;
  /** Values that are too long. */
  readonly cutValues: number;
}

/**
 * Reads as `dataform query` does: one select in a transaction that writes nothing, whatever it says.
 * @throws UserError for what the server refuses, and for what takes too long
 */
export async function readSelect(query: Sql, reading: Reading, wanted: Wanted): Promise<Selected> {
  const { settings, timeout, signal, explaining, applicationName, as, onWait } = reading;
  const { limit, longestValue, longestAnswer, textOf, order } = wanted;
  const local = sql`
    set local standard_conforming_strings = on;
    ${wanted.local};
    set local statement_timeout = ${literal(timeout)}`;
  return withReader(settings, { applicationName, as, settings: local, signal, onWait }, (reader) =>
    inTime(timeout, async () => {
      // What is wrong with the text is told where it stands in it.
      await explaining(query, () => describeStatement(reader.client, query));
      signal.throwIfAborted();
      return explaining(query, async () => {
        const source = await resolveSource(reader, query.toString(), order?.toString());
        const values = source.columns.map(
          (column) => sql`pg_catalog.left(${textOf(column)}, ${literal(longestValue + 1)})`,
        );
        const { rows } = await reader.client.table(boundedBySize(values, source.from, { limit, longestAnswer }));
        return bounded(rows, source.columns, wanted);
      });
    }),
  );
}

/**
 * The texts of the first rows, as far as an answer may be long and one row beyond: a row may have 1,600 values, and what the server
 * sends is held whole.
 */
function boundedBySize(
  values: readonly Sql[],
  from: Sql,
  { limit, longestAnswer }: Pick<Wanted, "limit" | "longestAnswer">,
): Sql {
  const names = values.map((_, at) => id(`c${at + 1}`));
  const columns = join(names, ", ");
  return sql`
    select ${columns}
    from (
      select ${columns}, pg_catalog.sum(pg_catalog.length(pg_catalog.concat(variadic array[${columns}])))
        over (rows between unbounded preceding and 1 preceding) as before
      from (
        select ${join(values, ", ")} from (select * from ${from}) as answer
        limit ${literal(limit + 1)}
      ) as texts (${columns})
    ) as measured
    where before is null or before operator(pg_catalog.<=) ${literal(longestAnswer)}`;
}

/** What says that it took too long says so in the words of who asked. */
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

function bounded(found: Selected["rows"], source: readonly ExportColumn[], wanted: Wanted): Selected {
  const { limit, longestValue, longestAnswer } = wanted;
  const rows: Selected["rows"][number][] = [];
  let [size, cutValues] = [0, 0];
  let cut = found.length > limit ? `there are more rows than ${limit}` : undefined;
  for (const row of found.slice(0, limit)) {
    // With what stands around each in the answer.
    size += row.reduce((sum, value) => sum + (value?.length ?? 1) + 3, 0);
    if (size > longestAnswer && rows.length) {
      cut = `an answer has at most ${longestAnswer} characters`;
      break;
    }
    rows.push(row);
    cutValues += row.filter((value) => isTooLong(value, longestValue)).length;
  }
  const columns = source.map(({ name, type }) => ({ name, type }));
  return { columns, rows, ...(cut === undefined ? {} : { cut }), cutValues };
}

/** By characters, as the server counts them. */
export function isTooLong(value: string | null, longest: number): value is string {
  return value !== null && value.length > longest && [...value].length > longest;
}

export function shortened(value: string, longest: number): string {
  return `${[...value].slice(0, longest).join("")}…`;
}
