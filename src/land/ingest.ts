import type { ConnectionSettings } from "../model/connection.ts";
import type { UserErrorDetails } from "../model/errors.ts";
import type { IngestDeclaration, StreamDeclaration } from "../model/ingest.ts";
import type { LoadReport, StreamLoad } from "../model/load.ts";
import { withClient } from "../postgres/client.ts";
import { type RestOptions, readPages } from "../sources/rest.ts";
import { type LandOptions, land } from "./land.ts";
import { ledgerKey, writeFailure } from "./ledger.ts";

export interface IngestOptions extends LandOptions {
  /** Only these streams; all of them unless given. */
  readonly streams?: readonly string[];
  /** For tests: the clock, chance and the network. */
  readonly rest?: RestOptions;
}

/**
 * Loads the streams of a declaration, one after the other. A stream that fails is told in the report, is noted in the
 * ledger and does not keep the others from loading. Throws when the database cannot be reached.
 */
export async function ingest(
  declaration: IngestDeclaration,
  settings: ConnectionSettings,
  options: IngestOptions = {},
): Promise<LoadReport> {
  const startedAt = new Date();
  const streams: StreamLoad[] = [];
  for (const stream of declaration.streams) {
    if (options.streams && !options.streams.includes(stream.name)) continue;
    const load = await ingestStream(declaration, stream, settings, options);
    options.onEvent?.({ kind: "finished", stream: stream.name, load });
    streams.push(load);
  }
  return {
    version: 1,
    source: declaration.source,
    dryRun: options.dryRun ?? false,
    startedAt: startedAt.toISOString(),
    finishedAt: new Date().toISOString(),
    ok: streams.every((stream) => stream.status === "loaded"),
    streams,
  };
}

async function ingestStream(
  declaration: IngestDeclaration,
  stream: StreamDeclaration,
  settings: ConnectionSettings,
  options: IngestOptions,
): Promise<StreamLoad> {
  const startedAt = new Date();
  const rest: RestOptions = {
    onWait: (seconds, reason) => options.onEvent?.({ kind: "waiting", stream: stream.name, seconds, reason }),
    ...options.rest,
  };
  const read = (since: string | null) => readPages(declaration, stream, since, rest);
  const common = () => ({
    stream: stream.name,
    table: `${declaration.schema}.${stream.table}`,
    seconds: (Date.now() - startedAt.getTime()) / 1000,
  });
  const connection = { applicationName: `dataform ingest ${declaration.source}`, duty: "loader" as const };
  return withClient(settings, connection, async (client) => {
    try {
      const landed = await land(client, declaration, stream, read, options);
      return { ...common(), status: "loaded", ...landed, cursor: landed.cursor?.value ?? null, error: null };
    } catch (error) {
      const loadId = options.dryRun
        ? null
        : await noteFailure(declaration, stream, settings, startedAt, error as Error);
      const nothing = { pages: 0, records: 0, rows: 0, rejected: 0, skipped: 0, cursor: null, reasons: [] };
      return { ...common(), status: "failed", loadId, ...nothing, error: details(error as Error) };
    }
  });
}

/** The error as data. The cause stays behind: it is no plain value. */
function details(error: Error & Partial<UserErrorDetails>): UserErrorDetails {
  const { message, location, expected, found, hint, code } = error;
  const given = Object.entries({ location, expected, found, hint, code }).filter(([, value]) => value !== undefined);
  return { message, ...Object.fromEntries(given) };
}

/** On a connection of its own, since the load's may be gone. The ledger being out of reach hides no error. */
async function noteFailure(
  declaration: IngestDeclaration,
  stream: StreamDeclaration,
  settings: ConnectionSettings,
  startedAt: Date,
  error: Error,
): Promise<string | null> {
  const key = ledgerKey(declaration, stream);
  return withClient(settings, { duty: "loader" }, (client) =>
    writeFailure(client, key, startedAt, error.message),
  ).catch(() => null);
}
