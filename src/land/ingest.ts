import type { ConnectionSettings } from "../model/connection-settings.ts";
import type {
  FilesDeclaration,
  IngestDeclaration,
  KafkaDeclaration,
  StreamDeclaration,
} from "../model/declarations.ts";
import { errorData } from "../model/errors.ts";
import type { LoadReport, StreamLoad } from "../model/load-report.ts";
import { withClient } from "../postgres/client.ts";
import { databaseFailure } from "../postgres/sqlstate.ts";
import type { StableClock } from "../sources/files/stable-files.ts";
import type { RestOptions } from "../sources/rest/rest.ts";
import type { Filesystem, SourceFile } from "../sources/source.ts";
import { heeding, heedingEach } from "../wait/timers.ts";
import type { FileTarget } from "./connectors/file.ts";
import { landFiles } from "./connectors/files.ts";
import { type KafkaTarget, landKafka } from "./connectors/kafka.ts";
import { landPages, readPagesOf } from "./connectors/pages.ts";
import { isPostgres, landPostgres } from "./connectors/postgres.ts";
import { ledgerKey } from "./ledger/ledger.ts";
import { tokenStore } from "./ledger/token-store.ts";
import { Findings } from "./load/findings.ts";
import type { Landed } from "./load/load.ts";
import { emitterOf, type LandOptions, WAIT_TIMEOUT } from "./load/options.ts";
import { PostgresSink } from "./load/postgres-sink.ts";
import { Rehearsal } from "./load/rehearsal.ts";
import type { Sink } from "./load/sink.ts";
import { type LoadTarget, resolveTarget } from "./load/target.ts";
import type { Lake } from "./table/archive.ts";

export interface IngestOptions extends LandOptions {
  /**
   * Only these streams.
   * @default all of them
   */
  readonly streams?: readonly string[];
  /**
   * Where partitions are archived to (`partition.archive`): `parquetLake`.
   * @default none: such partitions stay, and a warning says so
   */
  readonly lake?: Lake;
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
  let opened: Promise<Filesystem | undefined> | undefined;
  const filesystem = () => {
    opened ??= filesystemOf(declaration, chosen[0]!, options);
    return opened;
  };
  try {
    for (const stream of chosen) {
      options.signal?.throwIfAborted();
      const load = await ingestStream(declaration, stream, settings, options, filesystem);
      options.onEvent?.({ kind: "finished", stream: stream.name, load });
      streams.push(load);
    }
  } finally {
    // One that is asked for something does not say goodbye.
    if (!options.signal?.aborted) await (await opened?.catch(() => undefined))?.close();
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

/** Where files are; undefined for what sends pages. What is waited for there is left once the signal comes. */
async function filesystemOf(
  { connector }: IngestDeclaration,
  { name }: StreamDeclaration,
  { onEvent, signal }: IngestOptions,
): Promise<Filesystem | undefined> {
  if (connector.kind !== "files") return undefined;
  const { openFilesystem } = await import("../sources/filesystems/open.ts");
  const onWait = (seconds: number, reason: string) => onEvent?.({ kind: "waiting", stream: name, seconds, reason });
  const filesystem = await heeding(openFilesystem(connector, { onWait }), signal);
  const opening = (file: SourceFile): SourceFile => ({
    ...file,
    open: async () => heedingEach(await heeding(file.open(), signal), signal),
  });
  return {
    list: async (glob) => (await heeding(filesystem.list(glob), signal)).map(opening),
    close: () => filesystem.close(),
  };
}

type Outcome = Omit<StreamLoad, "stream" | "table" | "seconds">;

async function ingestStream(
  declaration: IngestDeclaration,
  stream: StreamDeclaration,
  settings: ConnectionSettings,
  options: IngestOptions,
  open: () => Promise<Filesystem | undefined>,
): Promise<StreamLoad> {
  const startedAt = new Date();
  // A clock may be put back meanwhile.
  const began = performance.now();
  const common = () => ({
    stream: stream.name,
    table: `${declaration.schema}.${stream.table}`,
    seconds: (performance.now() - began) / 1000,
  });
  const { signal } = options;
  const emit = emitterOf(stream, options);
  const onWait = (reason: string) => emit({ kind: "waiting", seconds: null, reason });
  const connection = {
    applicationName: `dataform ingest ${declaration.source}`,
    duty: "loader" as const,
    onWait,
    signal,
  };
  const noticed: string[] = [];
  const onLost = (why: string) => noticed.push(tokenLost(why));
  const tokens = tokenStore(settings, declaration.schema, { signal, onWait, onLost });
  return withClient(settings, connection, async (client): Promise<StreamLoad> => {
    const sink: Sink = options.dryRun ? new Rehearsal(client) : new PostgresSink(client, settings);
    try {
      await sink.prepare(declaration.schema, { signal, onWait });
      const target = await resolveTarget(client, declaration, stream);
      noticed.push(...(await sink.evolve(target, { deadline: options.waitTimeout ?? WAIT_TIMEOUT, onWait, signal })));
      const filesystem = await open();
      const outcome = filesystem
        ? await filesOutcome(sink, declaration, target, filesystem, options)
        : declaration.connector.kind === "kafka"
          ? await topicsOutcome(sink, declaration.connector, target, options)
          : await recordsOutcome(sink, declaration, target, { ...options, rest: { tokens, ...options.rest } }, noticed);
      const warnings = [...outcome.warnings, ...noticed, ...(await sink.tend(target, options.lake))];
      return { ...common(), ...outcome, warnings };
    } catch (error) {
      const told = errorData(databaseFailure(error) ?? (error as Error));
      const message = signal?.aborted ? "interrupted" : told.message;
      const key = ledgerKey(declaration, stream);
      const loadId = await sink.noteFailure({ key }, { startedAt, error: message, batch: stream.batch.kind });
      signal?.throwIfAborted();
      return { ...common(), ...nothing, warnings: noticed, status: "failed", loadId, error: told };
    }
  }).finally(tokens.settled);
}

function tokenLost(why: string): string {
  return `the refresh token that the server gave could not be kept, and the one before may be used up: ${why}; where the next load fails, put a new one into its variable`;
}

const nothing = {
  ...{ pages: 0, records: 0, rows: 0, rejected: 0, skipped: 0, cursor: null, warnings: [] },
  ...toldOf([]),
};

/** For the report. */
function toldOf(loads: readonly Pick<Landed, "seen">[]) {
  const seen = new Findings();
  for (const load of loads) seen.add(load.seen);
  const { reasons, more: moreReasons, moreRejects } = seen.reasons.told();
  return { reasons, moreReasons, moreRejects, ...seen.fields };
}

async function recordsOutcome(
  sink: Sink,
  declaration: IngestDeclaration,
  target: LoadTarget,
  options: IngestOptions,
  told: string[],
): Promise<Outcome> {
  const emit = emitterOf(target.stream, options);
  const rest: RestOptions = {
    onWait: (seconds, reason) => emit({ kind: "waiting", seconds, reason }),
    onWarning: (text) => told.push(text),
    from: options.since,
    ...options.rest,
  };
  const landed = isPostgres(declaration)
    ? await landPostgres(sink, declaration, target, options)
    : await landPages(sink, target, (stream, since) => readPagesOf(declaration, stream, since, rest), options);
  const { seen: _, ...figures } = landed;
  const cursor = landed.cursor?.value ?? null;
  return { ...figures, ...toldOf([landed]), status: "loaded", cursor, error: null };
}

/** Several loads of a stream as one. */
function sumsOf(landed: readonly Landed[]) {
  const sum = (field: "pages" | "records" | "rows" | "rejected") =>
    landed.reduce((total, load) => total + load[field], 0);
  return {
    loadId: landed.at(-1)?.loadId ?? null,
    ...{ pages: sum("pages"), records: sum("records"), rows: sum("rows"), rejected: sum("rejected") },
  };
}

async function topicsOutcome(
  sink: Sink,
  connector: KafkaDeclaration,
  target: LoadTarget,
  options: IngestOptions,
): Promise<Outcome> {
  const landed = await landKafka(sink, connector, target as KafkaTarget, options);
  const warnings = landed.flatMap((load) => load.warnings);
  return { status: "loaded", ...sumsOf(landed), skipped: 0, cursor: null, ...toldOf(landed), error: null, warnings };
}

async function filesOutcome(
  sink: Sink,
  { connector }: IngestDeclaration,
  target: LoadTarget,
  filesystem: Filesystem,
  options: IngestOptions,
): Promise<Outcome> {
  const { at } = connector as FilesDeclaration;
  const place = { filesystem, at, clock: options.clock };
  const { files, landed, warnings } = await landFiles(sink, target as FileTarget, place, options);
  const failed = files.find(({ status }) => status === "failed");
  return {
    status: failed ? "failed" : "loaded",
    ...sumsOf(landed),
    skipped: files.filter(({ status }) => status === "known" || status === "older").length,
    cursor: null,
    ...toldOf(landed),
    error: failed?.error ?? null,
    warnings,
    files,
  };
}
