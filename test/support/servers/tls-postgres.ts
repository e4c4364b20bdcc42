import { chmodSync, chownSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ConnectionSettings } from "../../../src/model/connection-settings.ts";
import { withClient } from "../../../src/postgres/client.ts";
import { embeddedStatus, resetEmbedded, startEmbedded, stopEmbedded } from "../../../src/postgres/embedded/server.ts";
import { sql } from "../../../src/sql/sql.ts";
import { makeAuthority, makeCertificate } from "../certificates.ts";

/** A PostgreSQL of its own that speaks TLS to those who ask for it. */
export async function tlsPostgres(): Promise<{ readonly settings: ConnectionSettings; stop(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), "dataform-tls-"));
  chmodSync(folder, 0o755); // as root, the server user has to get in
  const stateDir = join(folder, ".dataform");
  const first = await startEmbedded(stateDir);
  const { dataDir } = await embeddedStatus(stateDir);
  const { uid, gid } = statSync(dataDir);
  const { certificate, key } = makeCertificate(makeAuthority("the authority"), "localhost", ["localhost"]);
  for (const [name, text] of [
    ["server.crt", certificate],
    ["server.key", key],
  ] as const) {
    writeFileSync(join(dataDir, name), text, { mode: 0o600 });
    chownSync(join(dataDir, name), uid, gid);
  }
  await withClient(first, {}, (client) => client.query(sql`alter system set ssl = on`));
  await stopEmbedded(stateDir);
  const settings = await startEmbedded(stateDir);
  return {
    settings,
    stop: async () => {
      await resetEmbedded(stateDir);
      rmSync(folder, { recursive: true });
    },
  };
}
