import { counted } from "../../model/counted.ts";
import { formatUserError } from "../../model/errors.ts";
import type { LoadReport, StreamLoad } from "../../model/load-report.ts";
import { paint } from "../paint.ts";
import type { Shell } from "../shell.ts";
import { textTable } from "../show/table.ts";

const MAX_FILES = 20;

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
  for (const { name, load } of loads) lines.push(...notes(shell, name, load, dryRun));
  return lines;
}

function notes(shell: Shell, name: string, load: StreamLoad, dryRun: boolean): string[] {
  const [schema] = load.table.split(".");
  const number = load.files ? "" : `, load ${load.loadId}`;
  const where = dryRun || load.loadId === null ? "" : `, see ${schema}._rejected${number}`;
  const yellow = (word: string) => paint(shell, "yellow", word);
  const red = (word: string) => paint(shell, "red", word);
  const files = load.files ?? [];
  const odd = files.filter(({ status, reason }) => status === "waiting" || (status === "loaded" && reason !== null));
  const failed = files.filter(({ status }) => status === "failed");
  return [
    ...load.reasons.map(({ reason, count }) => `${yellow("rejected")} ${name}: ${count} × ${reason}${where}`),
    ...load.warnings.map((warning) => `${yellow("warning")} ${name}: ${warning}`),
    ...odd.slice(0, MAX_FILES).map(({ path, status, reason }) => `${yellow(status)} ${name}: ${path}: ${reason}`),
    ...failed.slice(0, MAX_FILES).map(({ error }) => `${red("error")} ${name}: ${formatUserError(error!)}`),
    ...(failed.length > MAX_FILES
      ? [`and ${counted(failed.length - MAX_FILES, "more file", "more files")} failed`]
      : []),
    ...(load.error && !failed.length ? [`${red("error")} ${name}: ${formatUserError(load.error)}`] : []),
  ];
}
