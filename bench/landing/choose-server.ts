import { join } from "node:path";
import { parseConnectionUrl } from "../../src/config/connection.ts";
import { startEmbedded, stopEmbedded } from "../../src/postgres/embedded/server.ts";
import { type Server, serverAt, startServer } from "../server.ts";

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
