import { join } from "node:path";
import { parseConnectionUrl } from "../../src/config/connection.ts";
import type { ConnectionSettings } from "../../src/model/connection-settings.ts";
import { startEmbedded, stopEmbedded } from "../../src/postgres/embedded/server.ts";
import { ask, type Server, startServer } from "../server.ts";

/**
 * The server to land in: the newest that is installed, or the embedded one, or one that runs at a URL.
 * @param choice "installed", "embedded" or postgresql://…
 */
export async function chooseServer(choice: string, cache: string): Promise<Server> {
  if (choice === "installed") return (await startServer(cache)).server;
  if (choice !== "embedded") return serverAt(parseConnectionUrl(choice, "--server"), async () => {});
  const stateDir = join(cache, "embedded");
  return serverAt(await startEmbedded(stateDir), async () => void (await stopEmbedded(stateDir)));
}

async function serverAt(settings: ConnectionSettings, stop: () => Promise<void>): Promise<Server> {
  const [row] = await ask(settings, "show server_version");
  let made = 0;
  return {
    version: String(row!.server_version).split(" ")[0]!,
    tls: settings.ssl.mode !== "disable",
    async createDatabase() {
      const database = `bench_${process.pid}_${++made}`;
      await ask(settings, `create database ${database} template template0`);
      return { ...settings, database };
    },
    async dropDatabase({ database }) {
      await ask(settings, `drop database ${database} with (force)`);
    },
    stop,
  };
}
