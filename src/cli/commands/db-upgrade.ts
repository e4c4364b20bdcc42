import { resolve } from "node:path";
import type { Command } from "commander";
import { counted, named } from "../../model/counted.ts";
import { UserError } from "../../model/errors.ts";
import { deleteKept, type Upgrade, upgradeEmbedded } from "../../postgres/embedded/upgrade/upgrade.ts";
import { stateDirectory } from "../database.ts";
import { untilInterrupted } from "../interrupt.ts";
import { clock } from "../progress.ts";
import type { Shell } from "../shell.ts";
import { telling } from "../telling.ts";

interface Given {
  readonly from?: string;
  readonly deleteOld?: boolean;
  readonly json?: boolean;
}

export function addUpgrade(db: Command, shell: Shell): void {
  db.command("upgrade")
    .description(
      "bring the databases of an earlier major version over to the PostgreSQL of this release; the old ones stay",
    )
    .option(
      "--from <folder>",
      "a PostgreSQL of the old version, a folder with bin/, instead of the package that npm fetches",
    )
    .option("--delete-old", "delete what an upgrade has left behind")
    .option("--json", "as one JSON object")
    .action(async (given: Given) => {
      if (given.deleteOld) return deleteOld(given, shell);
      const started = performance.now();
      const upgrade = await untilInterrupted(shell, (signal) => bringOver(given, shell, signal), UNCHANGED);
      const seconds = Number(((performance.now() - started) / 1000).toFixed(2));
      if (given.json) shell.print(JSON.stringify({ ...upgrade, seconds }, null, 2));
      for (const line of told(upgrade, seconds)) shell.say(line);
    });
}

const UNCHANGED = "ending the upgrade, nothing is changed";

function bringOver({ from }: Given, shell: Shell, signal: AbortSignal): Promise<Upgrade> {
  const events = {
    say: (step: string) => shell.say(`${clock()}  ${step}`),
    progress: (text: string) => shell.progress?.(text && `${clock()}  ${text}`),
  };
  return upgradeEmbedded(stateDirectory(shell), {
    from: from === undefined ? undefined : resolve(from),
    events,
    signal,
    ...telling(shell),
  });
}

async function deleteOld({ from, json }: Given, shell: Shell): Promise<void> {
  if (from !== undefined) throw new UserError({ message: "--delete-old upgrades nothing: leave --from out" });
  const deleted = await deleteKept(stateDirectory(shell), telling(shell).tell);
  if (json) return shell.print(JSON.stringify({ deleted }, null, 2));
  shell.say(deleted.length ? `deleted ${deleted.join(", ")}` : "no upgrade has left anything behind");
}

function told({ from, to, databases, objects, tables, rows, leftOut, kept }: Upgrade, seconds: number): string[] {
  if (from === to) return [`the embedded database is of PostgreSQL ${to} already`];
  const what = `${counted(databases.length, "database")}, ${counted(objects, "object")}, ${counted(tables, "table")} with ${counted(rows, "row")}`;
  return [
    `upgraded from PostgreSQL ${from} to ${to} in ${seconds} s, and compared: ${what}; the server runs`,
    ...(leftOut.length ? [`PostgreSQL ${to} does not know ${named(leftOut, 10)} of the old postgresql.conf`] : []),
    `${kept} is the old one (\`dataform db upgrade --delete-old\` deletes it)`,
  ];
}
