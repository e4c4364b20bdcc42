import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { resolveConnection } from "../../config/connection.ts";
import { CREDENTIALS_FILE, credentialsOf } from "../../config/credentials.ts";
import { type ConnectionSettings, connectionUrl } from "../../model/connection-settings.ts";
import { UserError } from "../../model/errors.ts";
import { chooseServer, withClient } from "../../postgres/client.ts";
import { sql } from "../../sql/sql.ts";
import { addWarehouseAndFolder } from "../folder.ts";
import { attended } from "../interrupt.ts";
import { addIgnoredOptions } from "../options.ts";
import type { AddCommand, Shell } from "../shell.ts";

/** `dataform init-creds [postgres] [folder]`: writes the database that is named where every command finds it. */
export const addInitCredsCommand: AddCommand = (command, shell) => {
  addWarehouseAndFolder(command)
    .option("--url <url>", "the database: postgresql://user:password@host:port/database (DATABASE_URL)")
    .option("--no-test-connection", "do not try whether it can be reached")
    // Dataform's default, written out.
    .option("--test-connection", "try whether it can be reached before the file stays (so without the flag, too)")
    .action(async (_: unknown, __: unknown, flags: { url?: string; testConnection: boolean }) => {
      const { projectDir, env, target } = shell;
      const settings = resolveConnection(env, { url: flags.url, target, projectDir });
      if (!settings || settings.source === CREDENTIALS_FILE) throw noDatabase(settings);
      const path = join(projectDir, CREDENTIALS_FILE);
      write(path, `${JSON.stringify(credentialsOf(settings), null, 4)}\n`);
      if (flags.testConnection)
        await tried(shell).catch((error) => {
          rmSync(path);
          throw error;
        });
      shell.say(`${CREDENTIALS_FILE} written: ${connectionUrl(settings)} (${settings.source})`);
      shell.say("it holds a password: leave it out of version control");
    });
  addIgnoredOptions(command, shell.say);
};

function noDatabase(settings: ConnectionSettings | undefined): UserError {
  return new UserError({
    message: settings ? `${CREDENTIALS_FILE} is there already` : "no database is named",
    expected: "--url postgresql://user:password@host:port/database, or DATABASE_URL",
    hint: settings
      ? "change that file, or delete it first"
      : "the embedded PostgreSQL needs no file: `dataform run` starts it",
  });
}

/** Only its owner reads it, and nothing that is there is overwritten. */
function write(path: string, text: string): void {
  try {
    writeFileSync(path, text, { flag: "wx", mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    throw new UserError({
      message: `${CREDENTIALS_FILE} is there already`,
      hint: "change that file, or delete it first",
    });
  }
}

/** By the file alone: what it says is what every command will use. */
async function tried(shell: Shell): Promise<void> {
  const { projectDir, env } = shell;
  const settings = await chooseServer(
    resolveConnection(env, { credentials: join(projectDir, CREDENTIALS_FILE), target: undefined, projectDir })!,
  );
  await attended(shell, (how) =>
    withClient(settings, { applicationName: "dataform-init-creds", ...how }, (client) => client.query(sql`select 1`)),
  );
}
