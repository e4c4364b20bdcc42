import { forgetEvents } from "../land/ledger/event-keys.ts";
import { endAbandoned } from "../land/ledger/open-loads.ts";
import type { Lake } from "../land/table/archive.ts";
import { tend } from "../land/table/partitions.ts";
import { type RawTable, rawTable } from "../land/table/raw-table.ts";
import type { ConnectionSettings } from "../model/connection-settings.ts";
import type { IngestDeclaration, StreamDeclaration } from "../model/declarations.ts";
import { withClient } from "../postgres/client.ts";
import { pause } from "../wait/pause.ts";

/** Milliseconds. */
const EVERY = 60_000;

interface Where {
  readonly settings: ConnectionSettings;
  /** Where partitions are archived to. */
  readonly lake: Lake;
}

interface Care extends Where {
  readonly of: Pick<IngestDeclaration, "schema" | "source">;
  readonly tables: readonly RawTable[];
  /** Milliseconds after which events are forgotten; undefined where nothing is known of any. */
  readonly dedupe: number | undefined;
}

/** What there is to take care of: of a source, or of some of its streams. */
export function careOf(
  declaration: IngestDeclaration,
  where: Where,
  streams: readonly StreamDeclaration[] = declaration.streams,
): Care {
  const { schema, source, connector } = declaration;
  return {
    ...where,
    of: { schema, source },
    tables: streams.map((stream) => rawTable(declaration, stream)),
    dedupe: connector.kind === "collect" ? connector.dedupe : undefined,
  };
}

/**
 * Once a minute, until the signal comes: ends loads of others who are gone, forgets which events came long ago, archives and drops partitions that
 * are too old. In a session of its own: no event waits for it, and nobody takes a load for abandoned that they have open themselves.
 * @param tell warnings, and what failed: it is tried again
 */
export async function takeCare(care: Care, signal: AbortSignal, tell: (line: string) => void): Promise<void> {
  while (!signal.aborted) {
    await pause(EVERY, signal).catch(() => {});
    if (signal.aborted) return;
    await tendOnce(care, signal, tell).catch((error: Error) => {
      if (!signal.aborted) tell(`what is old was left as it is: ${error.message}`);
    });
  }
}

async function tendOnce(
  { settings, of, tables, dedupe, lake }: Care,
  signal: AbortSignal,
  tell: (line: string) => void,
): Promise<void> {
  const how = { applicationName: `dataform collect ${of.source}, old events`, duty: "loader", signal } as const;
  await withClient(settings, how, async (client) => {
    await endAbandoned(client, of);
    if (dedupe !== undefined) while (!signal.aborted && (await forgetEvents(client, of, dedupe)));
    for (const table of tables) for (const warning of await tend(client, table, lake)) tell(warning);
  });
}
