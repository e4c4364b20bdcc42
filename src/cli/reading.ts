import { refuseOneNameTwice } from "../export/source.ts";
import type { ConnectionSettings } from "../model/connection-settings.ts";
import { counted } from "../model/counted.ts";
import { UserError } from "../model/errors.ts";
import type { TableResult } from "../postgres/client.ts";
import { describeStatement } from "../postgres/describe.ts";
import { explaining } from "../postgres/explain-statement.ts";
import { type Reader, withReader } from "../postgres/reading.ts";
import { readingAdvice } from "../postgres/sqlstate.ts";
import { oneStatement, select } from "../sql/authored.ts";
import { type Sql, sql } from "../sql/sql.ts";
import { meaningful } from "../sql/tokens.ts";
import { attended } from "./interrupt.ts";
import type { Shell } from "./shell.ts";
import { textTable } from "./show/table.ts";
import { readable } from "./show/values.ts";

/** How rows are shown. */
export interface ShownFlags {
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** What begins a statement that reads and gives rows. `explain` of one that writes is stopped by the transaction. */
const READS = new Set(["select", "with", "values", "table", "show", "explain"]);

/** The tokenizer and the server read quotes alike, and floating-point numbers have all their digits. */
const SETTINGS = sql`set local standard_conforming_strings = on; set local extra_float_digits = 1`;

const READING = { advise: readingAdvice } as const;

/** Reads one statement in a transaction that writes nothing, and prints its rows. */
export async function printRows(
  settings: ConnectionSettings,
  text: string,
  flags: ShownFlags,
  shell: Shell,
): Promise<void> {
  const reading = { applicationName: "dataform-query", settings: SETTINGS };
  await attended(shell, (how) =>
    withReader(settings, { ...reading, ...how }, async (reader) => {
      if (flags.json) return shell.print(await inJson(reader, select(text, "the query"), how.signal));
      const { columns, rows } = readable(await asIs(reader, text, how.signal));
      shell.print(textTable(columns, rows, { width: shell.width?.stdout }));
      if (!flags.quiet) shell.say(counted(rows.length, "row"));
    }),
  );
}

async function asIs(reader: Reader, given: string, signal: AbortSignal): Promise<TableResult> {
  const statement = oneStatement(given, "the query", "one statement");
  const first = meaningful(statement.toString()).find(({ text }) => text !== "(")!.text;
  if (!READS.has(first.toLowerCase()))
    throw new UserError({
      message: "a query only reads",
      expected: `a statement that begins with ${[...READS].join(", ")}`,
      found: `${first} …`,
      hint: "what changes something is an operation of the project, or for psql",
    });
  const fenced = await explaining(statement, () => reader.fence(statement), READING);
  signal.throwIfAborted();
  return explaining(statement, () => reader.client.table(fenced), READING);
}

/** json, not jsonb: columns keep their order and numbers their digits. */
async function inJson({ client, fence }: Reader, query: Sql, signal: AbortSignal): Promise<string> {
  const fields = await explaining(query, () => describeStatement(client, query), READING);
  signal.throwIfAborted();
  refuseOneNameTwice(fields.map(({ name }) => name));
  const fenced = await explaining(query, () => fence(query), READING);
  const statement = sql`
    select pg_catalog.row_to_json(line.*) from (
      ${fenced}
    ) as line`;
  signal.throwIfAborted();
  const { rows } = await explaining(query, () => client.table(statement), { ...READING, sent: statement });
  return `[${rows.map(([row]) => row).join(",\n ")}]`;
}
