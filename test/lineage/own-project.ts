import { resolve } from "node:path";
import { ingestFiles } from "../../src/config/ingest-files.ts";
import { loadIngest } from "../../src/config/load-ingest.ts";
import { prepareLedger } from "../../src/land/ledger/ledger-tables.ts";
import { rawTable } from "../../src/land/table/raw-table.ts";
import { createTable } from "../../src/land/table/tables.ts";
import { type Client, withTransaction } from "../../src/postgres/client.ts";

export const root = resolve(import.meta.dirname, "../..");

/** Makes the raw tables of this repository, empty, as their first loads would. */
export async function makeRawTables(client: Client): Promise<void> {
  // What only a load needs is something or other.
  const environment = new Proxy({}, { get: () => "1", has: () => true });
  for (const file of ingestFiles(root)) {
    const declaration = loadIngest(file, environment);
    await prepareLedger(client, declaration.schema, {});
    await withTransaction(client, async () => {
      for (const stream of declaration.streams) await createTable(client, rawTable(declaration, stream));
    });
  }
}
