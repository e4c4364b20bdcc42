import type { Command } from "commander";
import { ingest } from "../../land/ingest.ts";
import { replay } from "../../land/replay.ts";
import { rejectsOf, streamState } from "../../land/state.ts";
import { UserError } from "../../model/errors.ts";
import type { LoadReport } from "../../model/load.ts";
import { withClient } from "../../postgres/client.ts";
import { openDatabase } from "../database.ts";
import { chooseSources, chooseSourcesToShow } from "../ingest/choose.ts";
import { loadProgress } from "../ingest/progress.ts";
import { loadSummary } from "../ingest/summary.ts";
import { addConnectionOption, parseCount } from "../options.ts";
import type { AddCommand, Shell } from "../shell.ts";
import { textTable } from "../table.ts";

interface Flags {
  readonly url?: string;
  readonly full?: boolean;
  readonly since?: string;
  readonly dryRun?: boolean;
  readonly force?: boolean;
  readonly json?: boolean;
  readonly limit?: number;
}

/** `dataform ingest [name…]`: loads the sources declared in `ingest/*.yaml`; and what looks after them. */
export const addIngestCommand: AddCommand = (program, shell) => {
  const command = program
    .command("ingest")
    .description("load raw data: the sources declared in ingest/*.yaml, each stream or file in one transaction")
    .argument("[name...]", "sources, or source.stream; all of them unless given")
    .option("--full", "begin at the beginning; what landed before stays and lands once more")
    .option("--since <value>", "begin at this value of the cursor, or with files changed since this time")
    .option("--force", "land a full batch although it is empty or has shrunk")
    .option("--dry-run", "fetch and check, write nothing")
    .option("--json", "the report as JSON on stdout")
    .action((names: readonly string[], flags: Flags) => load(shell, names, flags));
  addConnectionOption(command);
  const sub = (
    name: string,
    description: string,
    action: (names: string[], flags: Flags) => Promise<void>,
  ): Command => {
    const added = command
      .command(name)
      .description(description)
      .argument("[name...]", "sources, or source.stream")
      .option("--json", "JSON on stdout")
      // The options of the command above are the same words: a flag is taken wherever it stands.
      .action((names: string[], _: Flags, self: Command) => {
        const flags = self.optsWithGlobals<Flags>();
        refuseLoadFlags(name, flags);
        return action(names, flags);
      });
    return addConnectionOption(added);
  };
  sub("ls", "the declared sources and their streams", (names, flags) => list(shell, names, flags));
  sub("state", "where each stream stands: last load, cursor, files, rejects", (names, flags) =>
    showState(shell, names, flags),
  );
  sub("rejects", "records that could not be landed, and why", (names, flags) =>
    showRejects(shell, names, flags),
  ).option("--limit <n>", "at most so many; 20 unless said", parseCount);
  sub("replay", "try the rejects again, after the schema or the declaration was mended", (names, flags) =>
    replayAll(shell, names, flags),
  );
};

/** A flag of loading that is passed over in silence would do what it was to prevent. */
function refuseLoadFlags(name: string, { full, since, force, dryRun }: Flags): void {
  const given = Object.entries({ "--full": full, "--since": since, "--force": force, "--dry-run": dryRun });
  const wrong = given.find(([, value]) => value !== undefined);
  if (wrong)
    throw new UserError({ message: `ingest ${name} has no flag ${wrong[0]}`, hint: `dataform ingest ${name} --help` });
}

async function load(shell: Shell, names: readonly string[], flags: Flags): Promise<void> {
  const chosen = chooseSources(shell, names);
  const settings = await openDatabase(shell, flags);
  const reports: LoadReport[] = [];
  const { full, since, dryRun, force } = flags;
  for (const { declaration, streams } of chosen) {
    const onEvent = loadProgress(shell, declaration.source);
    const given = { full, since, dryRun, force, onEvent, streams: streams.map(({ name }) => name) };
    const options = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
    reports.push(await ingest(declaration, settings, options));
  }
  if (flags.json) shell.print(JSON.stringify(reports));
  else for (const line of loadSummary(shell, reports, dryRun === true)) shell.say(line);
  if (reports.some((report) => !report.ok)) shell.exitCode = 1;
}

async function list(shell: Shell, names: readonly string[], flags: Flags): Promise<void> {
  const streams = chooseSourcesToShow(shell, names).flatMap(({ declaration, streams }) =>
    streams.map(({ name, table, origin, batch }) => ({
      source: declaration.source,
      stream: name,
      kind: origin.kind === "files" ? origin.format.kind : origin.kind,
      from: whereFrom(declaration.origin, origin),
      table: `${declaration.schema}.${table}`,
      batch: batch.kind,
      file: declaration.file,
    })),
  );
  if (flags.json) return shell.print(JSON.stringify(streams));
  const rows = streams.map(({ source, stream, kind, from, table, batch }) => [
    `${source}.${stream}`,
    kind,
    from,
    table,
    batch,
  ]);
  shell.print(textTable(["stream", "kind", "from", "table", "batch"], rows));
}

function whereFrom(origin: { readonly kind: string }, stream: object): string {
  const { baseUrl, at } = origin as { baseUrl?: string; at?: string };
  const { path, files, from, query } = stream as Record<string, string | undefined>;
  if (baseUrl !== undefined) return baseUrl.replace(/\/$/, "") + path;
  if (at !== undefined) return `${at.replace(/\/$/, "")}/${files}`;
  return from ?? `${query!.slice(0, 40)}…`;
}

async function showState(shell: Shell, names: readonly string[], flags: Flags): Promise<void> {
  const chosen = chooseSourcesToShow(shell, names);
  const settings = await openDatabase(shell, flags);
  const states = await withClient(settings, { duty: "loader" }, async (client) => {
    const all = [];
    for (const { declaration, streams } of chosen)
      for (const stream of streams) all.push(await streamState(client, declaration, stream));
    return all;
  });
  if (flags.json) return shell.print(JSON.stringify(states));
  const columns = ["stream", "table", "last load", "loaded at", "cursor", "rows", "rejected", "files", "last error"];
  const rows = states.map((state) => [
    `${state.source}.${state.stream}`,
    state.table,
    state.loadId,
    state.loadedAt,
    state.cursor ?? state.asOf,
    String(state.rows),
    String(state.rejected),
    String(state.files),
    state.error?.slice(0, 60) ?? null,
  ]);
  shell.print(textTable(columns, rows));
}

async function showRejects(shell: Shell, names: readonly string[], flags: Flags): Promise<void> {
  const chosen = chooseSourcesToShow(shell, names);
  const settings = await openDatabase(shell, flags);
  const limit = flags.limit ?? 20;
  const rejects = await withClient(settings, { duty: "loader" }, async (client) => {
    const all = [];
    for (const { declaration, streams } of chosen) {
      const found = await rejectsOf(
        client,
        declaration,
        streams.map(({ name }) => name),
        limit,
      );
      all.push(...found.map((reject) => ({ source: declaration.source, ...reject })));
    }
    return all.slice(0, limit);
  });
  if (flags.json) return shell.print(JSON.stringify(rejects));
  const rows = rejects.map(({ source, stream, loadId, file, position, reason, record }) => [
    `${source}.${stream}`,
    loadId,
    file === null ? position : `${file}, ${position}`,
    reason,
    record.slice(0, 80),
  ]);
  shell.print(textTable(["stream", "load", "where", "reason", "record"], rows));
}

async function replayAll(shell: Shell, names: readonly string[], flags: Flags): Promise<void> {
  const chosen = chooseSourcesToShow(shell, names);
  const settings = await openDatabase(shell, flags);
  const all = [];
  for (const { declaration, streams } of chosen)
    for (const stream of streams)
      all.push({ source: declaration.source, ...(await replay(declaration, stream, settings)) });
  if (flags.json) return shell.print(JSON.stringify(all));
  const rows = all.map(({ source, stream, loadId, rows, left, reasons }) => [
    `${source}.${stream}`,
    loadId,
    String(rows),
    String(left),
    reasons.map(({ reason, count }) => `${count} × ${reason}`).join("; "),
  ]);
  shell.print(textTable(["stream", "load", "landed", "still rejected", "why"], rows));
}
