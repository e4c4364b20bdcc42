import { UserError } from "../../model/errors.ts";
import { withClient, withTransaction } from "../../postgres/client.ts";
import { postgresError } from "../../postgres/errors.ts";
import { snippetAt } from "../../sql/locate.ts";
import { openDatabase } from "../database.ts";
import { addConnectionOption } from "../options.ts";
import type { AddCommand } from "../shell.ts";
import { textTable } from "../table.ts";

// json, not jsonb: columns keep their order and numbers their digits.
const JSON_PREFIX = "select coalesce(json_agg(row_to_json(r)), '[]')::text as rows from (\n";

export const addQueryCommand: AddCommand = (program, shell) => {
  const command = program
    .command("query")
    .description("read something: one statement in a read-only transaction, its rows as a table")
    .argument("<sql>", "the statement")
    .option("--json", "the rows as JSON, one array of objects; every number keeps its digits")
    .option("--quiet", "no line that counts the rows")
    .action(async (sql: string, flags: { url?: string; json?: boolean; quiet?: boolean }) => {
      const settings = await openDatabase(shell, flags);
      await withClient(settings, { applicationName: "dataform-query" }, async (client) => {
        try {
          await withTransaction(
            client,
            async () => {
              if (flags.json) {
                const wrapped = `${JSON_PREFIX}${sql.replace(/;\s*$/, "")}\n) r`;
                const { rows } = await client.query<{ rows: string }>(wrapped);
                shell.print(rows[0]!.rows);
                return;
              }
              const { columns, rows } = await client.table(sql);
              shell.print(textTable(columns, rows));
              if (!flags.quiet) shell.say(`${rows.length} ${rows.length === 1 ? "row" : "rows"}`);
            },
            "begin transaction read only",
          );
        } catch (error) {
          throw explain(error, sql, flags.json ? JSON_PREFIX.length : 0);
        }
      });
    });
  addConnectionOption(command);
};

function explain(error: unknown, sql: string, prefix: number): unknown {
  const failure = postgresError(error);
  if (!failure) return error;
  const offset = Math.min(Math.max(0, (failure.position ?? 1) - 1 - prefix), sql.length);
  return new UserError({
    message: failure.message,
    ...(failure.position ? { snippet: snippetAt(sql, offset) } : {}),
    ...(failure.hint ? { hint: failure.hint } : {}),
    code: failure.code,
    exitCode: 1,
    cause: error,
  });
}
