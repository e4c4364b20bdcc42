import type { Command } from "commander";
import type { UserError } from "../model/errors.ts";
import { SERVER_DEFAULTS, type ServerSettings } from "../model/server-settings.ts";
import type { RunningServer, startServer as StartServer } from "../serve/server.ts";
import { portNumber } from "./options.ts";
import type { Shell } from "./shell.ts";

/** Where nothing else is said. */
const PORT = 3025;

export interface ListenFlags {
  readonly host: string;
  readonly port?: number;
}

export function addListenOptions(command: Command): Command {
  return command
    .option("--host <address>", "where it listens", "127.0.0.1")
    .option(
      "--port <number>",
      `its port; 0: one that is free (${PORT}, or a free one where that is taken)`,
      portNumber,
    );
}

/** Starts a server. Where it listens is printed by `tellAddress`, once all else has been said. */
export async function listen(
  shell: Shell,
  { host, port }: ListenFlags,
  add: Parameters<typeof StartServer>[1],
  settings: ServerSettings = SERVER_DEFAULTS,
  takes?: ReadonlySet<string>,
): Promise<RunningServer> {
  const log = (line: string) => shell.say(line);
  // Loaded where something listens: writing a site takes a tenth of a second less.
  const { startServer } = await import("../serve/server.ts");
  const how = { host, settings, log, ...(takes ? { takes } : {}) };
  return startServer({ ...how, port: port ?? PORT }, add).catch((error: UserError) => {
    if (port !== undefined || error.code !== "EADDRINUSE") throw error;
    return startServer({ ...how, port: 0 }, add);
  });
}

/** Prints the address, and says how it ends: the last of what a person reads. */
export function tellAddress(shell: Shell, { address }: RunningServer): void {
  shell.say("Ctrl-C ends it");
  shell.print(address);
}
