import type { IngestDeclaration, StreamDeclaration } from "../../model/ingest.ts";
import { type Client, withTransaction } from "../../postgres/client.ts";
import type { SourcePage } from "../../sources/source.ts";
import { ledgerExists } from "../ledger/ledger.ts";
import { evolveTable } from "../table/tables.ts";
import { type Landed, type LandOptions, Load } from "./load.ts";

/** Reads the source from a cursor value on, or from the beginning. */
export type ReadPages = (since: string | null) => AsyncIterable<SourcePage>;

/**
 * Loads one stream in one transaction: rows, rejects, the new cursor and the ledger's row are there together or not
 * at all. Killed anywhere and run again, nothing is lost and nothing lands twice.
 */
export async function land(
  client: Client,
  declaration: IngestDeclaration,
  stream: StreamDeclaration,
  read: ReadPages,
  options: LandOptions = {},
): Promise<Landed> {
  const load = new Load(client, declaration, stream, options);
  if (options.dryRun) {
    const since = await load.rehearse(await ledgerExists(client, declaration.schema));
    await load.readAll(read(since));
    return load.rehearsed();
  }
  await evolveTable(client, load.table);
  return withTransaction(client, async () => {
    await load.readAll(read(await load.begin()));
    return load.finish({ asOf: null });
  });
}
