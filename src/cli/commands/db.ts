import type { Command } from "commander";
import { connectionUrl } from "../../model/connection-settings.ts";
import { UserError } from "../../model/errors.ts";
import {
  type EmbeddedStatus,
  embeddedStatus,
  resetEmbedded,
  startEmbedded,
  stopEmbedded,
} from "../../postgres/embedded/server.ts";
import { stateDirectory } from "../database.ts";
import { portNumber } from "../options.ts";
import type { AddCommand, Shell } from "../shell.ts";
import { telling } from "../telling.ts";
import { addCare } from "./db-care.ts";
import { addSql } from "./db-sql.ts";
import { addUpgrade } from "./db-upgrade.ts";

/** `dataform db …`: the PostgreSQL that comes with this package, one per project. */
export const addDbCommand: AddCommand = (db, shell) => {
  addStart(db, shell);
  db.command("stop")
    .description("stop the server; its data stays")
    .action(async () => {
      const stopped = await stopEmbedded(stateDirectory(shell), telling(shell));
      shell.say(stopped ? "embedded PostgreSQL stopped" : "embedded PostgreSQL was not running");
    });
  db.command("status")
    .description("state, version, files and URL of the server")
    .option("--json", "as one JSON object")
    .action(async (options: { json?: boolean }) => {
      const status = await embeddedStatus(stateDirectory(shell));
      for (const line of options.json ? [asJson(status)] : asLines(status)) shell.print(line);
    });
  db.command("url")
    .description("print the URL, password included, of the running server")
    .action(async () => shell.print(urlOf(await running(shell))!));
  addReset(db, shell);
  addCare(db, shell);
  addUpgrade(db, shell);
  addSql(db, shell);
};

function addStart(db: Command, shell: Shell): void {
  db.command("start")
    .description("create the server if there is none, and start it; it keeps running in the background")
    .option("--port <number>", "listen on this port of 127.0.0.1 from now on", portNumber)
    .action(async (options: { port?: number }) => {
      const settings = await startEmbedded(stateDirectory(shell), { ...options, ...telling(shell) });
      shell.say(`embedded PostgreSQL runs at ${connectionUrl(settings)} (\`dataform db url\` shows the password)`);
    });
}

function addReset(db: Command, shell: Shell): void {
  db.command("reset")
    .description("stop the server and delete its databases")
    .option("--yes", "really delete")
    .action(async (options: { yes?: boolean }) => {
      const { state, dataDir } = await embeddedStatus(stateDirectory(shell)).catch(() => ({ state: "", dataDir: "" }));
      if (!options.yes) {
        throw new UserError({
          message: `this deletes every database of the embedded PostgreSQL${dataDir && ` in ${dataDir}`}`,
          hint: "`dataform db reset --yes` does it",
        });
      }
      const leftAlone = await resetEmbedded(stateDirectory(shell), telling(shell));
      shell.say(
        state === "absent" || leftAlone ? "this project has no embedded database" : "embedded database deleted",
      );
      if (leftAlone) shell.say(`${leftAlone} stays: it is not known to be this project's`);
    });
}

async function running(shell: Shell): Promise<EmbeddedStatus> {
  const status = await embeddedStatus(stateDirectory(shell));
  if (status.state === "running") return status;
  throw new UserError({ message: "the embedded PostgreSQL is not running", hint: "`dataform db start`" });
}

const urlOf = ({ settings }: EmbeddedStatus) => settings && connectionUrl(settings, { password: true });

function asJson(status: EmbeddedStatus): string {
  const { settings, ...rest } = status;
  return JSON.stringify({ ...rest, url: settings && urlOf(status) }, null, 2);
}

const copied = ({ copiedFrom }: EmbeddedStatus) => (copiedFrom ? `; the one of ${copiedFrom} stays its own` : "");

function asLines(status: EmbeddedStatus): string[] {
  const state = {
    running: `running, process ${status.pid}`,
    stopped: status.crashed ? "stopped by a crash; the next start recovers what was committed" : "stopped",
    absent: `not created yet (\`dataform db start\`)${copied(status)}`,
  }[status.state];
  const lines = [
    ["state", state],
    ["version", status.version],
    ["data", status.dataDir],
    ["kept", status.kept && `${status.kept.join(", ")} (\`dataform db upgrade --delete-old\` deletes it)`],
    ["log", status.logFile],
    ["url", urlOf(status)],
  ];
  return lines.filter(([, value]) => value !== undefined).map(([name, value]) => `${name!.padEnd(8)} ${value}`);
}
