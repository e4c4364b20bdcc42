import { refuseOneNameTwice } from "../../export/source.ts";
import { counted } from "../../model/counted.ts";
import { UserError } from "../../model/errors.ts";
import { type Client, type TableResult, withClient, withTransaction } from "../../postgres/client.ts";
import { postgresError } from "../../postgres/sqlstate.ts";
import { oneStatement, select } from "../../sql/authored.ts";
import { snippetAt } from "../../sql/locate.ts";
import { type Sql, sql } from "../../sql/sql.ts";
import { meaningful } from "../../sql/tokens.ts";
import { openDatabase } from "../database.ts";
import { addConnectionOption, type ConnectionFlags } from "../options.ts";
import type { AddCommand } from "../shell.ts";
import { textTable } from "../show/table.ts";
import { readable } from "../show/values.ts";

/** What begins a statement that reads and gives rows. `explain` of one that writes is stopped by the transaction. */
const READS = new Set(["select", "with", "values", "table", "show", "explain"]);

/** The tokenizer and the server read quotes alike, and floating-point numbers have all their digits. */
const SETTINGS = sql`set local standard_conforming_strings = on; set local extra_float_digits = 1`;

export const addQueryCommand: AddCommand = (program, shell) => {
  const command = program
    .command("query")
    .description(
      "read something: one statement in a read-only transaction, its rows as a table or, where that is too wide, a list",
    )
    .argument("<sql>", "the statement")
    .option("--json", "the rows as JSON, one array of objects; every number keeps its digits")
    .option("--quiet", "no line that counts the rows")
    .action(async (text: string, flags: ConnectionFlags & { json?: boolean; quiet?: boolean }) => {
      const settings = await openDatabase(shell, flags);
      await withClient(settings, { applicationName: "dataform-query", duty: "builder" }, async (client) => {
        await withTransaction(
          client,
          async () => {
            await client.script(SETTINGS);
            if (!flags.json) {
              const { columns, rows } = readable(await ask(client, asIs(text)));
              shell.print(textTable(columns, rows, { width: shell.width?.stdout }));
              if (!flags.quiet) shell.say(counted(rows.length, "row"));
              return;
            }
            const query = select(text, "the query");
            refuseOneNameTwice((await ask(client, withoutRows(query))).columns);
            const { rows } = await ask(client, inJson(query));
            shell.print(`[${rows.map(([row]) => row).join(",\n ")}]`);
          },
          sql`begin transaction read only`,
        );
      });
    });
  addConnectionOption(command);
};

/** A statement, and where in it the person's own text begins. */
interface Asked {
  readonly statement: Sql;
  readonly text: string;
  readonly start: number;
}

function asIs(given: string): Asked {
  const statement = oneStatement(given, "the query", "one statement");
  const text = statement.toString();
  const first = meaningful(text).find(({ text }) => text !== "(")!.text;
  if (!READS.has(first.toLowerCase()))
    throw new UserError({
      message: "a query only reads",
      expected: `a statement that begins with ${[...READS].join(", ")}`,
      found: `${first} …`,
      hint: "what changes something is an operation of the project, or for psql",
    });
  return { statement, text, start: 0 };
}

/** json, not jsonb: columns keep their order and numbers their digits. */
function inJson(query: Sql): Asked {
  return around(
    query,
    sql`
    select row_to_json(line.*) from (
      ${query}
    ) as line`,
  );
}

function withoutRows(query: Sql): Asked {
  return around(
    query,
    sql`
    select * from (
      ${query}
    ) as line limit 0`,
  );
}

function around(query: Sql, statement: Sql): Asked {
  const text = query.toString();
  return { statement, text, start: statement.toString().indexOf(text) };
}

async function ask(client: Client, asked: Asked): Promise<TableResult> {
  try {
    return await client.table(asked.statement);
  } catch (error) {
    throw explain(error, asked);
  }
}

function explain(error: unknown, { text, start }: Asked): unknown {
  const failure = postgresError(error);
  if (!failure) return error;
  const offset = Math.min(Math.max(0, (failure.position ?? 1) - 1 - start), text.length);
  return new UserError({
    message: failure.message,
    ...(failure.position ? { snippet: snippetAt(text, offset) } : {}),
    ...(failure.hint ? { hint: failure.hint } : {}),
    code: failure.code,
    exitCode: 1,
    cause: error,
  });
}
