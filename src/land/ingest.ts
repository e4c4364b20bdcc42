import type { ConnectionSettings } from "../model/connection-settings.ts";
import type { UserErrorDetails } from "../model/errors.ts";
import type { FileStream, FilesDeclaration, IngestDeclaration, StreamDeclaration } from "../model/ingest.ts";
import type { LoadReport, StreamLoad } from "../model/load-report.ts";
import { type Client, withClient } from "../postgres/client.ts";
import type { StableClock } from "../sources/files/stable-files.ts";
import type { RestOptions } from "../sources/rest/rest.ts";
import type { Filesystem } from "../sources/source.ts";
import { landFiles } from "./connectors/files.ts";
import { readPagesOf } from "./connectors/pages.ts";
import { isPostgres, landPostgres } from "./connectors/postgres.ts";
import { ledgerKey, prepareLedger, writeFailure } from "./ledger/ledger.ts";
import { land } from "./load/land.ts";
import type { LandOptions } from "./load/load.ts";
import { tend } from "./table/partitions.ts";
import { rawTable } from "./table/raw-table.ts";
import { withServerTypes } from "./table/server-types.ts";

export interface IngestOptions extends LandOptions {
  /**
   * Only these streams.
   * @default all of them
   */
  readonly streams?: readonly string[];
  /** @internal For tests: the clock, chance and the network. */
  readonly rest?: RestOptions;
  /** @internal For tests: in place of the clock that says whether a file is still being written. */
  readonly clock?: StableClock;
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
  const chosen = declaration.streams.filter(({ name }) => !options.streams || options.streams.includes(name));
  const { connector } = declaration;
  const filesystem =
    connector.kind === "files" && chosen.length
      ? await (await import("../sources/filesystems/open.ts")).openFilesystem(connector, {
          onWait: (seconds, reason) => options.onEvent?.({ kind: "waiting", stream: chosen[0]!.name, seconds, reason }),
        })
      : undefined;
  try {
    for (const stream of chosen) {
      const load = await ingestStream(declaration, stream, settings, options, filesystem);
      options.onEvent?.({ kind: "finished", stream: stream.name, load });
      streams.push(load);
    }
  } finally {
    await filesystem?.close();
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

type Outcome = Omit<StreamLoad, "stream" | "table" | "seconds">;

async function ingestStream(
  declaration: IngestDeclaration,
  stream: StreamDeclaration,
  settings: ConnectionSettings,
  options: IngestOptions,
  filesystem: Filesystem | undefined,
): Promise<StreamLoad> {
  const startedAt = new Date();
  const common = () => ({
    stream: stream.name,
    table: `${declaration.schema}.${stream.table}`,
    seconds: (Date.now() - startedAt.getTime()) / 1000,
  });
  const connection = { applicationName: `dataform ingest ${declaration.source}`, duty: "loader" as const };
  const told: string[] = [];
  return withClient(settings, connection, async (client) => {
    try {
      if (!options.dryRun) await prepareLedger(client, declaration.schema);
      const known = { ...stream, recordSchema: await withServerTypes(client, stream.recordSchema) };
      const outcome = filesystem
        ? await filesOutcome(client, declaration, known, filesystem, options)
        : await recordsOutcome(client, declaration, known, options, told);
      // Nothing that goes wrong here takes back what has landed.
      const tended = options.dryRun
        ? []
        : await tend(client, rawTable(declaration, known)).catch((error: Error) => [
            `old partitions and indexes were left as they are: ${error.message}`,
          ]);
      return { ...common(), ...outcome, warnings: [...outcome.warnings, ...told, ...tended] };
    } catch (error) {
      const loadId = options.dryRun
        ? null
        : await noteFailure(declaration, stream, settings, startedAt, error as Error);
      return { ...common(), ...nothing, warnings: told, status: "failed", loadId, error: details(error as Error) };
    }
  });
}

const nothing = { pages: 0, records: 0, rows: 0, rejected: 0, skipped: 0, cursor: null, reasons: [], warnings: [] };

async function recordsOutcome(
  client: Client,
  declaration: IngestDeclaration,
  stream: StreamDeclaration,
  options: IngestOptions,
  told: string[],
): Promise<Outcome> {
  const rest: RestOptions = {
    onWait: (seconds, reason) => options.onEvent?.({ kind: "waiting", stream: stream.name, seconds, reason }),
    onWarning: (text) => told.push(text),
    ...options.rest,
  };
  const landed = isPostgres(declaration)
    ? await landPostgres(client, declaration, stream, options)
    : await land(client, declaration, stream, (since) => readPagesOf(declaration, stream, since, rest), options);
  return { ...landed, status: "loaded", cursor: landed.cursor?.value ?? null, error: null };
}

async function filesOutcome(
  client: Client,
  declaration: IngestDeclaration,
  stream: StreamDeclaration,
  filesystem: Filesystem,
  options: IngestOptions,
): Promise<Outcome> {
  const { files, landed, warnings } = await landFiles(
    client,
    declaration as IngestDeclaration & { readonly connector: FilesDeclaration },
    stream as StreamDeclaration & { readonly connector: FileStream },
    filesystem,
    options,
    options.clock,
  );
  const sum = (field: "pages" | "records" | "rows" | "rejected" | "skipped") =>
    landed.reduce((total, load) => total + load[field], 0);
  const failed = files.find(({ status }) => status === "failed");
  const counts = new Map<string, number>();
  for (const { reason, count } of landed.flatMap(({ reasons }) => reasons))
    counts.set(reason, (counts.get(reason) ?? 0) + count);
  return {
    status: failed ? "failed" : "loaded",
    loadId: landed.at(-1)?.loadId ?? null,
    pages: sum("pages"),
    records: sum("records"),
    rows: sum("rows"),
    rejected: sum("rejected"),
    skipped: files.filter(({ status }) => status === "known").length,
    cursor: null,
    reasons: [...counts]
      .map(([reason, count]) => ({ reason, count }))
      .sort((a, b) => b.count - a.count)
      .slice(0, 10),
    error: failed?.error ?? null,
    warnings,
    files,
  };
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
    writeFailure(client, key, startedAt, error.message, stream.batch.kind),
  ).catch(() => null);
}
