import { resolve } from "node:path";
import type { Command } from "commander";
import { backupEmbedded, restoreEmbedded, rotatePasswords } from "../../postgres/embedded/care.ts";
import { embeddedReader } from "../../postgres/embedded/reader.ts";
import { openEmbedded, stateDirectory } from "../database.ts";
import { portNumber } from "../options.ts";
import type { Shell } from "../shell.ts";
import { telling } from "../telling.ts";

export function addCare(db: Command, shell: Shell): void {
  addLogin(db, shell);
  db.command("backup")
    .description("write all databases of the server into a new file; nobody waits for it")
    .argument("<file>", "a tar archive packed by gzip")
    .action(async (name: string) => {
      const bytes = await backupEmbedded(stateDirectory(shell), resolve(name), telling(shell));
      shell.say(`${name} holds the embedded database (${(bytes / 1e6).toFixed(1)} MB)`);
    });
  db.command("restore")
    .description("make the server from a backup, where this project has none, and start it")
    .argument("<file>", "what `db backup` wrote")
    .option("--port <number>", "listen on this port of 127.0.0.1 from now on", portNumber)
    .action(async (name: string, options: { port?: number }) => {
      await restoreEmbedded(stateDirectory(shell), resolve(name), { ...options, ...telling(shell) });
      shell.say(
        "embedded PostgreSQL restored and running, with a password of its own (`dataform db login`, `dataform db url`)",
      );
    });
  db.command("rotate")
    .description("give the superuser and the login that only reads new passwords")
    .action(async () => {
      await rotatePasswords(stateDirectory(shell), telling(shell));
      shell.say("passwords changed (`dataform db login`, `dataform db url`)");
    });
}

function addLogin(db: Command, shell: Shell): void {
  db.command("login")
    .description(
      "the login for BI tools and psql, which reads everything and does nothing else; made when first asked for",
    )
    .option("--json", "as one JSON object")
    .action(async (options: { json?: boolean }) => {
      const settings = await openEmbedded(shell);
      const reader = await embeddedReader(stateDirectory(shell), settings, telling(shell));
      const { host, port, database, user, password } = reader;
      const login = { host, port, database, user, password };
      if (options.json) return shell.print(JSON.stringify(login, null, 2));
      for (const [name, value] of Object.entries(login)) shell.print(`${name.padEnd(8)} ${value}`);
    });
}
