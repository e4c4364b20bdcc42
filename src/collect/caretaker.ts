import { forgetEvents } from "../land/ledger/event-keys.ts";
import { endAbandoned } from "../land/ledger/open-loads.ts";
import type { Lake } from "../land/table/archive.ts";
import { tend } from "../land/table/partitions.ts";
import type { ConnectionSettings } from "../model/connection-settings.ts";
import { withClient } from "../postgres/client.ts";
import { pause } from "../wait/pause.ts";
import type { EventStreams } from "./event-streams.ts";
import type { CollectedSource } from "./lane.ts";

/** Milliseconds. */
const EVERY = 60_000;

interface Care {
  readonly settings: ConnectionSettings;
  readonly source: CollectedSource;
  readonly streams: EventStreams;
  /** Where partitions are archived to. */
  readonly lake: Lake;
  readonly signal: AbortSignal;
}

/**
 * Once a minute, until the signal comes: ends loads of others who are gone, forgets which events came long ago, archives and drops partitions that
 * are too old. In a session of its own: no event waits for it, and nobody takes a load for abandoned that they have open themselves.
 * @param tell warnings, and what failed: it is tried again
 */
export async function takeCare(care: () => Omit<Care, "signal">, signal: AbortSignal, tell: (line: string) => void) {
  while (!signal.aborted) {
    await pause(EVERY, signal).catch(() => {});
    if (signal.aborted) return;
    await tendOnce({ ...care(), signal }, tell).catch((error: Error) => {
      if (!signal.aborted) tell(`what is old was left as it is: ${error.message}`);
    });
  }
}

async function tendOnce(
  { settings, source, streams, lake, signal }: Care,
  tell: (line: string) => void,
): Promise<void> {
  const how = { applicationName: `dataform collect ${source.source}, old events`, duty: "loader", signal } as const;
  await withClient(settings, how, async (client) => {
    await endAbandoned(client, source);
    while (!signal.aborted && (await forgetEvents(client, source, source.connector.dedupe)));
    for (const { target } of streams.all) for (const warning of await tend(client, target.table, lake)) tell(warning);
  });
}
