import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { connectionUrl } from "../../src/model/connection.ts";
import { withClient } from "../../src/postgres/client.ts";
import { startEmbedded, stopEmbedded } from "../../src/postgres/embedded/server.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** A superuser's URL of the server that all tests share. */
    serverUrl: string;
  }
}

/** One PostgreSQL for the whole run: TEST_DATABASE_URL, or an embedded one that is gone afterwards. */
export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  if (process.env.TEST_DATABASE_URL) {
    project.provide("serverUrl", process.env.TEST_DATABASE_URL);
    return undefined;
  }
  const folder = mkdtempSync(join(tmpdir(), "dataform-test-"));
  chmodSync(folder, 0o755); // as root, the server user has to get in
  const stateDir = join(folder, ".dataform");
  const settings = await startEmbedded(stateDir);
  // Nothing here survives the machine: to wait for its disk would only cost time.
  await withClient(settings, {}, (client) =>
    client.query("alter system set fsync = off").then(() => client.query("select pg_reload_conf()")),
  );
  project.provide("serverUrl", connectionUrl(settings, { password: true }));
  return async () => {
    await stopEmbedded(stateDir);
    rmSync(folder, { recursive: true, force: true });
  };
}
