import { parquetLake } from "../../export/lake.ts";
import { ingest } from "../../land/ingest.ts";
import { NO_STREAM } from "../../land/ledger/open-loads.ts";
import { rejectsOf } from "../../land/ledger/rejects.ts";
import { streamState } from "../../land/ledger/state.ts";
import { replay } from "../../land/replay.ts";
import { ownsTable, type Retype, retype } from "../../land/retype.ts";
import type { ConnectionSettings } from "../../model/connection-settings.ts";
import { counted } from "../../model/counted.ts";
import type {
  IngestDeclaration,
  KafkaDeclaration,
  StreamConnector,
  StreamDeclaration,
} from "../../model/declarations.ts";
import { UserError } from "../../model/errors.ts";
import type { LoadEvent, LoadReport } from "../../model/load-report.ts";
import { type Client, withClient } from "../../postgres/client.ts";
import { databaseLine, openDatabase } from "../database.ts";
import { attended, untilInterrupted } from "../interrupt.ts";
import type { ConnectionFlags } from "../options.ts";
import { paint } from "../paint.ts";
import type { Shell } from "../shell.ts";
import { textTable } from "../show/table.ts";
import { wrap } from "../show/width.ts";
import { annotateLoad } from "./annotate.ts";
import { chooseFetched, chooseSourcesToShow } from "./choose.ts";
import { loadProgress } from "./progress.ts";
import { loadSummary, stateNotes } from "./summary.ts";

/** Characters; `--json` has all of them. */
const MOST_OF_RECORD = 80;
const MOST_OF_QUERY = 40;

export interface IngestFlags extends ConnectionFlags {
  readonly full?: boolean;
  readonly since?: string;
  readonly dryRun?: boolean;
  readonly force?: boolean;
  readonly follow?: boolean;
  readonly waitTimeout?: number;
  readonly json?: boolean;
  readonly limit?: number;
}

export async function load(shell: Shell, names: readonly string[], flags: IngestFlags): Promise<void> {
  const chosen = chooseFetched(shell, names);
  const settings = await openDatabase(shell, flags);
  shell.say(databaseLine(settings));
  const reports: LoadReport[] = [];
  const { full, since, dryRun, force, waitTimeout } = flags;
  for (const { declaration, streams } of chosen) {
    const onEvent = loadProgress(shell, declaration.source);
    const given = { full, since, dryRun, force, waitTimeout, onEvent, streams: streams.map(({ name }) => name) };
    const options = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
    const report = await untilInterrupted(shell, (signal) =>
      ingest(declaration, settings, { ...options, signal, lake: parquetLake }),
    );
    reports.push(report);
    annotateLoad(shell, report, declaration.file);
  }
  if (flags.json) shell.print(JSON.stringify(reports));
  else for (const line of loadSummary(shell, reports, dryRun === true)) shell.say(line);
  if (reports.some((report) => !report.ok)) shell.exitCode = 1;
}

export async function list(shell: Shell, names: readonly string[], flags: IngestFlags): Promise<void> {
  const streams = chooseSourcesToShow(shell, names).flatMap(({ declaration, streams }) =>
    streams.map(({ name, table, connector, batch }) => ({
      source: declaration.source,
      stream: name,
      kind: connector.kind === "files" ? connector.format.kind : connector.kind,
      ...whereFrom(declaration, connector),
      table: `${declaration.schema}.${table}`,
      batch: batch.kind,
      file: declaration.file,
    })),
  );
  if (flags.json)
    return shell.print(
      JSON.stringify(streams.map(({ place, query, ...stream }) => ({ ...stream, from: place + query }))),
    );
  const rows = streams.map(({ source, stream, kind, place, query, table, batch }) => [
    `${source}.${stream}`,
    kind,
    place + (query.length > MOST_OF_QUERY ? `${query.slice(0, MOST_OF_QUERY)}…` : query),
    table,
    batch,
  ]);
  shell.print(
    textTable(["stream", "kind", "from", "table", "batch"], rows, {
      width: shell.width?.stdout,
      cut: ["stream", "from", "table"],
    }),
  );
}

/** Where a stream's records come from: the place, and the query behind it, which may be long. */
function whereFrom(
  { connector, source }: IngestDeclaration,
  stream: StreamConnector,
): { place: string; query: string } {
  if (stream.kind === "collect") return { place: `POST /${source}`, query: ` ${stream.type} ${stream.version}` };
  if (stream.kind === "kafka")
    return { place: (connector as KafkaDeclaration).brokers.join(","), query: ` ${stream.topics.join(", ")}` };
  const { baseUrl, at } = connector as { baseUrl?: string; at?: string };
  const { path = "", files, from, query = "" } = stream as object as Record<string, string | undefined>;
  if (baseUrl !== undefined) {
    const [page = ""] = path.split("?", 1);
    return { place: baseUrl.replace(/\/$/, "") + page, query: path.slice(page.length) };
  }
  if (at !== undefined) return { place: `${at.replace(/\/$/, "")}/${files}`, query: "" };
  return { place: from ?? "", query };
}

export async function showState(shell: Shell, names: readonly string[], flags: IngestFlags): Promise<void> {
  const chosen = chooseSourcesToShow(shell, names);
  const settings = await openDatabase(shell, flags);
  const states = await looking(shell, settings, async (client) => {
    const all = [];
    for (const { declaration, streams } of chosen)
      for (const stream of streams) all.push(await streamState(client, declaration, stream));
    return all;
  });
  if (flags.json) return shell.print(JSON.stringify(states));
  const columns = ["stream", "table", "last load", "loaded at", "cursor", "rows", "rejected", "files"];
  const rows = states.map((state) => [
    `${state.source}.${state.stream}`,
    state.table,
    state.loadId,
    state.loadedAt,
    state.cursor ?? state.asOf,
    String(state.rows),
    String(state.rejected),
    String(state.files),
  ]);
  shell.print(textTable(columns, rows, { width: shell.width?.stdout, cut: ["stream", "table"] }));
  const notes = states.flatMap((state) => stateNotes(shell, state));
  if (notes.length) shell.print("");
  for (const note of notes) for (const line of wrap(note, shell.width?.stdout)) shell.print(line);
}

/** Of events also what came for no stream. */
function withNoStream({ connector, streams: all }: IngestDeclaration, streams: readonly StreamDeclaration[]) {
  const isWhole = connector.kind === "collect" && streams.length === all.length;
  return isWhole ? [...streams, { name: NO_STREAM, table: NO_STREAM }] : streams;
}

export async function showRejects(shell: Shell, names: readonly string[], flags: IngestFlags): Promise<void> {
  const chosen = chooseSourcesToShow(shell, names);
  const settings = await openDatabase(shell, flags);
  const limit = flags.limit ?? 20;
  let count = 0;
  const rejects = await looking(shell, settings, async (client) => {
    const found = [];
    for (const { declaration, streams } of chosen) {
      const { rejects, all } = await rejectsOf(client, declaration, withNoStream(declaration, streams), limit);
      found.push(...rejects.map((reject) => ({ source: declaration.source, ...reject })));
      count += all;
    }
    return found.slice(0, limit);
  });
  if (flags.json) return shell.print(JSON.stringify(rejects));
  if (!count) return shell.say("no open rejects");
  const rows = rejects.map(({ source, stream, loadId, rowNo, file, position, reason, record }) => [
    `${source}.${stream}`,
    loadId,
    rowNo,
    file === null ? position : `${file}, ${position}`,
    reason,
    record.length > MOST_OF_RECORD ? `${record.slice(0, MOST_OF_RECORD)}…` : record,
  ]);
  const columns = ["stream", "load", "row", "where", "reason", "record"];
  shell.print(textTable(columns, rows, { width: shell.width?.stdout, sentences: ["where", "reason"] }));
  if (count > rows.length) shell.say(`\nand ${(count - rows.length).toLocaleString("en")} more (--limit ${count})`);
}

export async function retypeColumn(shell: Shell, column: string, type: string, flags: IngestFlags): Promise<void> {
  const wanted = findColumn(shell, column);
  const settings = await openDatabase(shell, flags);
  const done = await attended(shell, async (how) => {
    const connecting = { applicationName: "dataform-ingest", names: "ours", ...how } as const;
    // A login that owns all of it need not be the loader, who has no rights on views of others.
    const itself = await withClient(settings, connecting, (client) => ownsTable(client, wanted.table));
    const who = itself ? connecting : ({ ...connecting, duty: "loader" } as const);
    return withClient(settings, who, (client) => retype(client, { ...wanted, type }, how));
  });
  if (flags.json) return shell.print(JSON.stringify(done));
  const what = `${done.table}.${done.column}`;
  shell.say(
    done.from === done.to ? `${what} is ${done.to} already` : `${what} was ${done.from}, and is ${done.to} now`,
  );
  if (done.views.length) shell.say(`made anew with it: ${done.views.join(", ")}`);
  for (const { view, column, from, to } of done.changed) shell.say(`${view}.${column} was ${from}, and is ${to} now`);
}

/** The column that a person means by `orders.order_id`, `shop.orders.order_id` or with the table's name. */
function findColumn(shell: Shell, given: string): Pick<Retype, "table" | "column"> {
  const found = new Map<string, Pick<Retype, "table" | "column">>();
  const streams = chooseSourcesToShow(shell, []).flatMap(({ declaration, streams }) =>
    streams.map(({ name, table }) => ({ source: declaration.source, schema: declaration.schema, name, table })),
  );
  for (const { source, schema, name, table } of streams)
    for (const place of [`${source}.${name}`, `${schema}.${table}`, name, table])
      if (given.startsWith(`${place}.`)) {
        const column = given.slice(place.length + 1);
        found.set(JSON.stringify([schema, table, column]), { table: { schema, name: table }, column });
      }
  const [one, ...others] = found.values();
  if (one && !others.length) return one;
  const places = streams.map(({ source, name }) => `${source}.${name}`);
  throw new UserError({
    message: one ? `"${given}" may be the column of several tables` : `"${given}" is no column of a declared stream`,
    expected: `<stream>.<column>, of ${places.join(", ")}`,
  });
}

export function looking<T>(
  shell: Shell,
  settings: ConnectionSettings,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const options = { applicationName: "dataform-ingest", duty: "loader" } as const;
  return attended(shell, (how) => withClient(settings, { ...options, ...how }, work));
}

export async function replayAll(shell: Shell, names: readonly string[], flags: IngestFlags): Promise<void> {
  const chosen = chooseSourcesToShow(shell, names);
  const settings = await openDatabase(shell, flags);
  const { waitTimeout } = flags;
  const all = await attended(shell, async ({ signal, onWait }) => {
    const onEvent = (event: LoadEvent) => event.kind === "waiting" && onWait(event.reason);
    const options = { signal, onEvent, ...(waitTimeout === undefined ? {} : { waitTimeout }) };
    const replayed = [];
    for (const { declaration, streams } of chosen)
      for (const stream of streams)
        replayed.push({ source: declaration.source, ...(await replay(declaration, stream, settings, options)) });
    return replayed;
  });
  if (flags.json) return shell.print(JSON.stringify(all));
  const rows = all.map(({ source, stream, loadIds, rows, left, reasons, moreReasons }) => [
    `${source}.${stream}`,
    loadIds.join(", "),
    String(rows),
    String(left),
    [
      ...reasons.map(({ reason, count }) => `${count} × ${reason}`),
      ...(moreReasons ? [`${counted(moreReasons, "more reason")}`] : []),
    ].join("; "),
  ]);
  const columns = ["stream", "load", "landed", "still rejected", "why"];
  shell.print(textTable(columns, rows, { width: shell.width?.stdout, sentences: ["why"] }));
  for (const { source, stream, warnings } of all)
    for (const warning of warnings) shell.say(`${paint(shell, "yellow", "warning")} ${source}.${stream}: ${warning}`);
}
