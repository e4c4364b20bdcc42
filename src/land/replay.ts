import type { ConnectionSettings } from "../model/connection-settings.ts";
import type {
  CsvOptions,
  IngestDeclaration,
  OptionsOf,
  RecordSchema,
  StreamDeclaration,
} from "../model/declarations.ts";
import { type Client, withClient } from "../postgres/client.ts";
import { readCsv } from "../sources/formats/csv/read.ts";
import { recordOfText } from "../sources/formats/xlsx/record.ts";
import { isObject, JsonRecord, parseJson, type SourceRecord } from "../sources/json/document.ts";
import type { SourcePage } from "../sources/source.ts";
import { type EventName, landEvents, lockEvents, nameOf } from "./ledger/event-keys.ts";
import { ReasonCounts, type ToldReasons } from "./ledger/reason-counts.ts";
import { headerOf, loadsWithRejects, markReplayed, type OpenReject, openRejects } from "./ledger/rejects.ts";
import { emitterOf, type LandOptions, WAIT_TIMEOUT } from "./load/options.ts";
import { PostgresSink } from "./load/postgres-sink.ts";
import { type LoadTarget, resolveTarget } from "./load/target.ts";
import { withLoad } from "./load/with-load.ts";
import type { Rejection } from "./write/row-batch.ts";

/** What became of the rejects of one stream. */
export interface Replayed {
  readonly stream: string;
  /** The loads that landed them: one for each load that had rejected some. */
  readonly loadIds: readonly string[];
  readonly rows: number;
  /** Still rejected, and why. */
  readonly left: number;
  readonly reasons: ToldReasons["reasons"];
  readonly moreReasons: number;
  /** What became of the table before: columns of another type, fields that old rows gave to theirs. */
  readonly warnings: readonly string[];
}

/**
 * Tries the rejects of a stream again, after the schema or the declaration was mended. Those that are right now land
 * under a load of their own for each load that had them, so that they count as long as that one does; the others stay as they
 * are. Each such load is one transaction.
 */
export async function replay(
  declaration: IngestDeclaration,
  stream: StreamDeclaration,
  settings: ConnectionSettings,
  options: Pick<LandOptions, "waitTimeout" | "onEvent" | "signal"> = {},
): Promise<Replayed> {
  const { signal } = options;
  const emit = emitterOf(stream, options);
  const onWait = (reason: string) => emit({ kind: "waiting", seconds: null, reason });
  const how = { applicationName: `dataform ingest ${declaration.source}`, duty: "loader", onWait, signal } as const;
  return withClient(settings, how, async (client) => {
    const sink = new PostgresSink(client, settings);
    await sink.prepare(declaration.schema, { signal, onWait });
    const target = await resolveTarget(client, declaration, stream);
    await sink.forgetFiles(target);
    const deadline = options.waitTimeout ?? WAIT_TIMEOUT;
    const warnings = await sink.evolve(target, { deadline, onWait, signal });
    const loads = [];
    for (const rejectedBy of await loadsWithRejects(client, target.key)) {
      signal?.throwIfAborted();
      loads.push(await replayLoad({ sink, target, options }, rejectedBy));
    }
    const reasons = new ReasonCounts();
    for (const { answer } of loads) reasons.addAll(answer.reasons);
    const { reasons: told, more } = reasons.told();
    return {
      stream: stream.name,
      loadIds: loads.flatMap(({ landed }) => landed?.loadId ?? []),
      rows: loads.reduce((sum, { landed }) => sum + (landed?.rows ?? 0), 0),
      left: loads.reduce((sum, { answer }) => sum + answer.left, 0),
      reasons: told,
      moreReasons: more,
      warnings,
    };
  });
}

interface Replaying {
  readonly sink: PostgresSink;
  readonly target: LoadTarget;
  readonly options: Pick<LandOptions, "waitTimeout" | "onEvent" | "signal">;
}

async function replayLoad({ sink, target, options }: Replaying, rejectedBy: string) {
  const refused = new Set<number>();
  const onRefused = ({ rowNo }: Rejection) => refused.add(rowNo);
  return withLoad(sink, target, { ...options, onRefused }, async (load) => {
    const { client, loadId } = load.server!;
    const { tried, pages } = await readAgain(client, target, rejectedBy);
    await load.readAll(pages);
    await load.flush();
    const right = tried.filter((_, index) => !refused.has(index + 1));
    const answer = { left: refused.size, reasons: load.tally.seen.reasons };
    if (!right.length) return { keep: null, answer };
    await markReplayed(client, target.key, right, await loadId());
    if (target.stream.connector.kind === "collect")
      await landEvents(
        client,
        target.key,
        right.flatMap((one) => eventOf(one) ?? []),
      );
    return { keep: { batch: "log", replayOf: rejectedBy, details: { replay: true } }, answer };
  });
}

/** The open rejects of a load as a page, in the order in which a load counts its records: first those that cannot be read even now. */
async function readAgain(
  client: Client,
  target: LoadTarget,
  rejectedBy: string,
): Promise<{ readonly tried: readonly OpenReject[]; readonly pages: AsyncIterable<SourcePage> }> {
  const unreadable: OpenReject[] = [];
  const readable: OpenReject[] = [];
  const records: SourceRecord[] = [];
  const read = recordReader(client, target);
  const open = await withoutLanded(client, target, await openRejects(client, target.key, rejectedBy));
  for (const reject of open) {
    const record = await read(reject);
    if (record) records.push(record);
    (record ? readable : unreadable).push(reject);
  }
  const rejected = unreadable.map(({ position, reason, record: text }) => ({ position, reason, text }));
  const pages = (async function* () {
    if (unreadable.length || records.length) yield { number: 1, rejected, records };
  })();
  return { tried: [...unreadable, ...readable], pages };
}

/** What a record of an event is called; undefined for other records. */
function eventOf({ record }: Pick<OpenReject, "record">): EventName | undefined {
  const value = jsonRecord(record)?.value as Record<"_write_key" | "_event_id", unknown> | undefined;
  const { _write_key: writeKey, _event_id: id } = value ?? {};
  return typeof writeKey === "string" && typeof id === "string" ? { writeKey, id } : undefined;
}

/** Of events, those that were sent again since, and right, have landed: what they were before need not. Returns the others. */
async function withoutLanded(
  client: Client,
  { key, stream }: LoadTarget,
  rejects: readonly OpenReject[],
): Promise<readonly OpenReject[]> {
  if (stream.connector.kind !== "collect") return rejects;
  const landed = new Set(
    await lockEvents(
      client,
      key,
      rejects.flatMap((one) => eventOf(one) ?? []),
    ),
  );
  return rejects.filter((one) => {
    const event = eventOf(one);
    if (!event) return true;
    const isFirst = !landed.has(nameOf(event));
    landed.add(nameOf(event));
    return isFirst;
  });
}

type ReadReject = (reject: OpenReject) => Promise<SourceRecord | undefined>;

/** Reads a reject as the source sent it; undefined where it can still not be read as a record. */
function recordReader(client: Client, { stream, key }: LoadTarget): ReadReject {
  const { connector, recordSchema } = stream;
  const format = connector.kind === "files" ? connector.format : undefined;
  if (format?.kind === "xlsx") return async ({ record }) => sheetRecord(record, format, recordSchema);
  if (format?.kind !== "csv") return async ({ record }) => jsonRecord(record);
  const headers = new Map<string, Promise<readonly string[]>>();
  return async ({ loadId, record }) => {
    if (!headers.has(loadId)) headers.set(loadId, headerOf(client, key, loadId));
    return csvRecord(format, await headers.get(loadId)!, recordSchema, record);
  };
}

function sheetRecord(text: string, options: OptionsOf<"xlsx">, schema: RecordSchema): SourceRecord | undefined {
  if (!jsonRecord(text)) return undefined;
  const record = recordOfText(text, options, schema);
  return "problem" in record ? undefined : record;
}

function jsonRecord(text: string): SourceRecord | undefined {
  try {
    const document = parseJson(text);
    return isObject(document.value) ? new JsonRecord(document, document.value, document.source) : undefined;
  } catch {
    return undefined;
  }
}

async function csvRecord(
  options: CsvOptions,
  header: readonly string[],
  recordSchema: RecordSchema,
  line: string,
): Promise<SourceRecord | undefined> {
  const plain: CsvOptions = {
    ...options,
    encoding: "utf-8",
    skipLines: 0,
    finalNewline: true,
  };
  const { trailer: _, ...whole } = plain;
  const text = Buffer.from(`${line}\n`);
  const bytes = (async function* () {
    yield text;
  })();
  try {
    for await (const { records, rejected } of readCsv(whole, recordSchema, header)(bytes)) {
      if (records.length === 1 && !rejected?.length) return records[0];
    }
  } catch {
    // An open quote, for one: still no record.
  }
  return undefined;
}
