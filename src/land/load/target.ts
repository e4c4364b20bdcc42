import type { IngestDeclaration, StreamDeclaration } from "../../model/declarations.ts";
import type { Client } from "../../postgres/client.ts";
import { type LedgerKey, ledgerKey } from "../ledger/ledger.ts";
import { type RawTable, rawTable } from "../table/raw-table.ts";
import { withServerTypes } from "../table/server-types.ts";

/** What loads are about: a stream, its key in the ledger, its table. The types are called as the server calls them. */
export interface LoadTarget<S extends StreamDeclaration = StreamDeclaration> {
  readonly stream: S;
  readonly key: LedgerKey;
  readonly table: RawTable;
}

/** @throws UserError for a type that no column can have */
export async function resolveTarget(
  client: Client,
  declaration: IngestDeclaration,
  declared: StreamDeclaration,
): Promise<LoadTarget> {
  const stream = { ...declared, recordSchema: await withServerTypes(client, declared.recordSchema) };
  return { stream, key: ledgerKey(declaration, stream), table: rawTable(declaration, stream) };
}

/** "shop.orders", for messages. */
export function streamName({ key }: LoadTarget): string {
  return `${key.source}.${key.stream}`;
}
