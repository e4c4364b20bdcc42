import { text as readAll } from "node:stream/consumers";
import type { Command } from "commander";
import { resolveConnection } from "../../config/connection.ts";
import type { ConnectionSettings } from "../../model/connection-settings.ts";
import { counted } from "../../model/counted.ts";
import { UserError } from "../../model/errors.ts";
import { withClient } from "../../postgres/client.ts";
import { explaining } from "../../postgres/explain-statement.ts";
import { asWritten } from "../../sql/authored.ts";
import { splitStatements } from "../../sql/split.ts";
import { databaseLine, openEmbedded, stateDirectory } from "../database.ts";
import { attended } from "../interrupt.ts";
import type { Shell } from "../shell.ts";
import { textTable } from "../show/table.ts";
import { readable } from "../show/values.ts";

/** The embedded server. Where the project's database is elsewhere, none is made to answer in its place. */
async function ownServer(shell: Shell): Promise<ConnectionSettings> {
  const { embeddedStatus } = await import("../../postgres/embedded/server.ts");
  const elsewhere = resolveConnection(shell.env, { target: undefined, projectDir: shell.projectDir });
  const { state } = await embeddedStatus(stateDirectory(shell));
  if (!elsewhere || state !== "absent") return openEmbedded(shell);
  throw new UserError({
    message: "db sql speaks to the embedded PostgreSQL, and this project has none",
    found: databaseLine(elsewhere),
    hint: "ask that database with psql, or make an embedded one with dataform db start",
  });
}

/** What psql is for, which the embedded PostgreSQL does not bring: `create role`, `create extension`, `drop view`. */
export function addSql(db: Command, shell: Shell): void {
  db.command("sql")
    .description("send statements to the embedded PostgreSQL as its superuser, each committed by itself as in psql")
    .argument("<statements>", "separated by semicolons; - reads them from stdin")
    .action(async (given: string) => {
      const statements = splitStatements(given === "-" ? await readAll(process.stdin) : given);
      if (!statements.length) throw new UserError({ message: "db sql: there is no statement" });
      const settings = await ownServer(shell);
      const options = { applicationName: "dataform-db-sql", onNotice: (notice: string) => shell.say(notice) };
      await attended(shell, (how) =>
        withClient(settings, { ...options, ...how }, async (client) => {
          for (const text of statements) {
            const statement = asWritten(text);
            const result = await explaining(statement, () => client.table(statement));
            how.signal.throwIfAborted();
            if (!result.columns.length) continue;
            const { columns, rows } = readable(result);
            shell.print(textTable(columns, rows, { width: shell.width?.stdout }));
          }
          shell.say(counted(statements.length, "statement"));
        }),
      );
    });
}
