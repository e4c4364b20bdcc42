import { basename, relative } from "node:path";
import { ingestFiles, loadIngest } from "../../config/ingest.ts";
import { ingest } from "../../land/ingest.ts";
import { formatUserError, UserError } from "../../model/errors.ts";
import type { LoadEvent, LoadReport, StreamLoad } from "../../model/load.ts";
import { nearest } from "../../model/nearest.ts";
import { openDatabase } from "../database.ts";
import { addConnectionOption } from "../options.ts";
import { paint } from "../paint.ts";
import type { AddCommand, Shell } from "../shell.ts";
import { textTable } from "../table.ts";

interface Flags {
  readonly url?: string;
  readonly full?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** `dataform ingest [name…]`: loads the sources declared in `ingest/*.yaml`. */
export const addIngestCommand: AddCommand = (program, shell) => {
  const command = program
    .command("ingest")
    .description("load raw data: the sources declared in ingest/*.yaml, each stream in one transaction")
    .argument("[name...]", "sources, or source.stream; all of them unless given")
    .option("--full", "begin at the beginning; what landed before stays and lands once more")
    .option("--dry-run", "fetch and check, write nothing")
    .option("--json", "the report as JSON on stdout")
    .action((names: readonly string[], flags: Flags) => run(shell, names, flags));
  addConnectionOption(command);
};

async function run(shell: Shell, names: readonly string[], flags: Flags): Promise<void> {
  const chosen = choose(shell, names);
  const settings = await openDatabase(shell, flags);
  const reports: LoadReport[] = [];
  for (const { declaration, streams } of chosen) {
    const { full, dryRun } = flags;
    const onEvent = progress(shell, declaration.source);
    reports.push(await ingest(declaration, settings, { full, dryRun, onEvent, ...(streams ? { streams } : {}) }));
  }
  if (flags.json) shell.print(JSON.stringify(reports));
  else for (const line of summary(shell, reports, flags.dryRun === true)) shell.say(line);
  if (reports.some((report) => !report.ok)) shell.exitCode = 1;
}

/** The declarations named on the command line; a source that is not asked for needs no variables. */
function choose(shell: Shell, names: readonly string[]) {
  const files = ingestFiles(shell.projectDir);
  if (files.length === 0) {
    throw new UserError({
      message: `no sources are declared in ${relative(".", shell.projectDir) || "this project"}`,
      expected: "files ingest/<source>.yaml",
      hint: "see docs/ingest.md",
    });
  }
  const byName = new Map(files.map((file) => [basename(file).replace(/\.ya?ml$/, ""), file]));
  const wanted = new Map<string, string[] | undefined>();
  for (const name of names.length > 0 ? names : byName.keys()) {
    const [source = "", stream] = name.split(".");
    if (!byName.has(source)) throw unknown("source", source, byName.keys());
    const streams = stream === undefined || (wanted.has(source) && !wanted.get(source)) ? undefined : [stream];
    wanted.set(source, streams && [...(wanted.get(source) ?? []), ...streams]);
  }
  return [...wanted].map(([source, streams]) => {
    const declaration = loadIngest(byName.get(source)!, { projectDir: shell.projectDir, env: shell.env });
    const known = declaration.streams.map((stream) => stream.name);
    const wrong = streams?.find((stream) => !known.includes(stream));
    if (wrong !== undefined) throw unknown("stream", wrong, known, declaration.file);
    return { declaration, streams };
  });
}

function unknown(what: string, name: string, known: Iterable<string>, file?: string): UserError {
  const names = [...known];
  const suggestion = nearest(name, names);
  return new UserError({
    message: `there is no ${what} "${name}"`,
    ...(file ? { location: { file } } : {}),
    expected: `one of ${names.join(", ")}`,
    ...(suggestion ? { hint: `did you mean "${suggestion}"?` } : {}),
  });
}

/** A line now and then, not one per page. */
const PAGES_PER_LINE = 50;

function progress(shell: Shell, source: string): (event: LoadEvent) => void {
  let records = 0;
  const say = (event: LoadEvent, text: string) => {
    shell.say(`${new Date().toTimeString().slice(0, 8)}  ${source}.${event.stream}: ${text}`);
  };
  return (event) => {
    if (event.kind === "started") {
      records = 0;
      say(event, `reading ${event.since === null ? "from the beginning" : `since ${event.since}`} into ${event.table}`);
    } else if (event.kind === "page") {
      records += event.records;
      if (event.page % PAGES_PER_LINE === 0) say(event, `${records.toLocaleString("en")} records, ${event.page} pages`);
    } else if (event.kind === "waiting") {
      if (event.seconds === null) say(event, `waiting: ${event.reason}`);
      else if (event.seconds >= 1) say(event, `${event.reason}, again in ${Math.round(event.seconds)} s`);
    } else if (event.kind === "finished") say(event, outcome(shell, event.load));
  };
}

function outcome(shell: Shell, load: StreamLoad): string {
  if (load.status === "failed") return paint(shell, "red", "FAIL");
  const { rows, rejected, skipped, seconds } = load;
  const parts = [`${rows.toLocaleString("en")} rows`];
  if (rejected > 0) parts.push(paint(shell, "yellow", `${rejected.toLocaleString("en")} rejected`));
  if (skipped > 0) parts.push(`${skipped.toLocaleString("en")} known already`);
  return `${paint(shell, "green", "ok")}  ${parts.join(", ")} in ${seconds.toFixed(2)} s`;
}

function summary(shell: Shell, reports: readonly LoadReport[], dryRun: boolean): string[] {
  const loads = reports.flatMap((report) =>
    report.streams.map((load) => ({ name: `${report.source}.${load.stream}`, load })),
  );
  const rows = loads.map(({ name, load }) => [
    name,
    load.status === "failed" ? "failed" : dryRun ? "would land" : "loaded",
    String(load.rows),
    String(load.rejected),
    load.cursor ?? "",
  ]);
  const lines = ["", textTable(["stream", "status", "rows", "rejected", "new cursor"], rows)];
  for (const { name, load } of loads) {
    const where =
      dryRun || load.loadId === null ? "" : `, see ${load.table.split(".")[0]}._rejected, load ${load.loadId}`;
    for (const { reason, count } of load.reasons) {
      lines.push(`${paint(shell, "yellow", "rejected")} ${name}: ${count} × ${reason}${where}`);
    }
    if (load.error) lines.push(`${paint(shell, "red", "error")} ${name}: ${formatUserError(load.error)}`);
  }
  return lines;
}
