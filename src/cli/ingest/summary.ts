import type { StreamState } from "../../land/ledger/state.ts";
import { counted, named } from "../../model/counted.ts";
import { formatUserError } from "../../model/errors.ts";
import type { FieldsSeen, FileLoad, LoadReport, StreamLoad } from "../../model/load-report.ts";
import { paint } from "../paint.ts";
import type { Shell } from "../shell.ts";
import { textTable } from "../show/table.ts";

const MAX_FILES = 20;
const MOST_NAMES = 10;

/** What landed, as a table, and below it what people must know: rejects, files that wait or failed, warnings. */
export function loadSummary(shell: Shell, reports: readonly LoadReport[], dryRun: boolean): string[] {
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
  const lines = [
    "",
    textTable(["stream", "status", "rows", "rejected", "new cursor"], rows, {
      width: shell.width?.stderr,
      cut: ["stream"],
    }),
  ];
  const below = loads.flatMap(({ name, load }) => notes(shell, name, load, dryRun));
  return below.length ? [...lines, "", ...below] : lines;
}

/** Below what `ingest state` shows: what is wrong with it. */
export function stateNotes(shell: Shell, state: StreamState): string[] {
  const name = `${state.source}.${state.stream}`;
  const { goneLoads, moreGoneLoads, error } = state;
  return [
    ...reasonNotes(shell, name, state, ""),
    ...fieldNotes(shell, name, state),
    ...(goneLoads.length
      ? [
          `${paint(shell, "yellow", "gone")} ${name}: ${state.table} has no rows any more of ${counted(goneLoads.length + moreGoneLoads, "load")} that landed some: ${some(goneLoads, moreGoneLoads)}`,
        ]
      : []),
    ...state.struck.map(
      ({ loadId, why }) => `${paint(shell, "yellow", "struck")} ${name}: load ${loadId} counts not: ${why}`,
    ),
    ...(state.lag ? [`${paint(shell, "yellow", "lag")} ${name}: ${counted(state.lag, "offset")} to land`] : []),
    ...(error === null ? [] : [`${paint(shell, "red", "error")} ${name}: ${error}`]),
  ];
}

function notes(shell: Shell, name: string, load: StreamLoad, dryRun: boolean): string[] {
  const [schema] = load.table.split(".");
  const number = load.files ? "" : `, load ${load.loadId}`;
  const where = dryRun || load.loadId === null ? "" : `, see ${schema}._rejected${number}`;
  const yellow = (word: string) => paint(shell, "yellow", word);
  const red = (word: string) => paint(shell, "red", word);
  const files = load.files ?? [];
  const failed = files.filter(({ status }) => status === "failed");
  return [
    ...reasonNotes(shell, name, load, where),
    ...fieldNotes(shell, name, load),
    ...load.warnings.map((warning) => `${yellow("warning")} ${name}: ${warning}`),
    ...fileNotes(shell, name, files),
    ...failed.slice(0, MAX_FILES).map(({ error }) => `${red("error")} ${name}: ${formatUserError(error!)}`),
    ...(failed.length > MAX_FILES
      ? [`and ${counted(failed.length - MAX_FILES, "more file", "more files")} failed`]
      : []),
    ...(load.error && !failed.length ? [`${red("error")} ${name}: ${formatUserError(load.error)}`] : []),
  ];
}

type Reasons = Pick<StreamLoad, "reasons" | "moreReasons" | "moreRejects">;

function reasonNotes(shell: Shell, name: string, { reasons, moreReasons, moreRejects }: Reasons, where: string) {
  const told = (text: string) => `${paint(shell, "yellow", "rejected")} ${name}: ${text}${where}`;
  return [
    ...reasons.map(({ reason, count }) => told(`${count} × ${reason}`)),
    ...(moreReasons ? [told(`${moreRejects} × ${counted(moreReasons, "more reason")}`)] : []),
  ];
}

function fieldNotes(shell: Shell, name: string, fields: FieldsSeen): string[] {
  const { unknownFields, moreUnknownFields, missingFields, moreMissingFields } = fields;
  const unknown = unknownFields.map(({ field, records }) => `${field} (${counted(records, "record")})`);
  const missing = missingFields.map(({ field, loads }) => (loads > 1 ? `${field} (${counted(loads, "load")})` : field));
  const told = (word: string, text: string, names: readonly string[], more: number) =>
    names.length ? [`${paint(shell, "yellow", word)} ${name}: ${text}: ${some(names, more)}`] : [];
  return [
    ...told("new", "fields that the schema does not know", unknown, moreUnknownFields),
    ...told("missing", "fields of the schema that did not come", missing, moreMissingFields),
  ];
}

/** Files that wait, that have something odd, or that are passed over, those of one reason in one line. */
function fileNotes(shell: Shell, name: string, files: readonly FileLoad[]): string[] {
  const groups = new Map<string, string[]>();
  for (const { path, status, reason } of files) {
    const told = reason ?? TOLD_OF[status] ?? null;
    if (told === null || status === "failed") continue;
    const line = `${paint(shell, "yellow", WORD_OF[status] ?? status)} ${name}: ${told}`;
    groups.set(line, [...(groups.get(line) ?? []), path]);
  }
  const lines = [...groups].map(([line, paths]) => `${line}: ${named(paths)}`);
  if (lines.length <= MAX_FILES) return lines;
  return [...lines.slice(0, MAX_FILES), `and ${counted(lines.length - MAX_FILES, "more notice")} of files (--json)`];
}

const WORD_OF: Partial<Record<FileLoad["status"], string>> = { known: "passed over", older: "passed over" };
const TOLD_OF: Partial<Record<FileLoad["status"], string>> = {
  known: "landed before as they are",
  older: "not changed since --since",
};

/** @param more how many there are beside these */
function some(names: readonly string[], more: number): string {
  const hidden = Math.max(names.length - MOST_NAMES, 0) + more;
  return hidden ? `${names.slice(0, MOST_NAMES).join(", ")} and ${hidden} more` : names.join(", ");
}
