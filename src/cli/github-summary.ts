import { appendFileSync } from "node:fs";
import { counted } from "../model/counted.ts";
import { formatLocation, type UserErrorDetails } from "../model/errors.ts";
import type { RunReport, StepResult, StepStatus } from "../model/report.ts";
import { targetKey } from "../model/target.ts";
import type { UnitTestReport } from "../run/unit-tests.ts";
import type { Outcome } from "./junit.ts";
import { unitTestError } from "./print-unit-tests.ts";
import type { Shell } from "./shell.ts";
import { visible } from "./show/visible.ts";

/** Rows of a table: a page takes a megabyte, and nobody reads more. */
const MOST_ROWS = 100;
const MOST_LINES = 1000;
/** Characters of one cell. */
const LONGEST = 300;

/** Shows what was done on the page of a job of GitHub Actions; nothing elsewhere. */
export function summarize(shell: Shell, outcome: Outcome): void {
  write(shell, () => markdownOf(outcome));
}

/** The same of what would be done, as it is printed. */
export function summarizePlan(shell: Shell, lines: () => readonly string[]): void {
  write(shell, () => {
    const all = lines();
    const more = all.length > MOST_LINES ? [`… and ${all.length - MOST_LINES} lines more, which the log has`] : [];
    const text = [...all.slice(0, MOST_LINES), ...more].join("\n");
    return `### dataform plan\n\n<pre>${inHtml(visible(text).toWellFormed())}</pre>\n`;
  });
}

function write(shell: Shell, markdown: () => string): void {
  const path = shell.env.GITHUB_STEP_SUMMARY;
  if (shell.env.GITHUB_ACTIONS === "true" && path) appendFileSync(path, `${markdown()}\n`);
}

function markdownOf({ report, unitTests }: Outcome): string {
  return [...(unitTests ? ofUnitTests(unitTests) : []), ...(report ? ofRun(report) : [])].join("\n");
}

const VERDICTS: Readonly<Record<RunReport["status"], string>> = {
  success: "✅ done",
  failure: "❌ failed",
  cancelled: "⛔ cancelled and rolled back",
};

const SIGNS: Readonly<Record<StepStatus, string>> = {
  failed: "❌ failed",
  held: "✋ held",
  skipped: "⏭️ skipped",
  waiting: "⏳ waiting",
  warned: "⚠️ warned",
  ok: "✅ ok",
};
const WORST_FIRST = Object.keys(SIGNS) as StepStatus[];

function ofRun({ environment, status, releases, duration, steps, errors, warnings, unchanged }: RunReport): string[] {
  const count = (one: StepStatus) => steps.filter((step) => step.status === one).length;
  const counts = WORST_FIRST.flatMap((one) => (count(one) ? [`${count(one)} ${one}`] : []));
  const published = releases.length ? [`release ${releases.join(", ")} published`] : ["nothing published"];
  const others = unchanged === undefined ? [] : [`${unchanged} as they were`];
  const looked = steps
    .filter((step) => step.status !== "ok")
    .sort((a, b) => WORST_FIRST.indexOf(a.status) - WORST_FIRST.indexOf(b.status));
  const built = steps.filter((step) => step.status === "ok" && step.kind !== "assertion");
  return [
    `### dataform run: ${VERDICTS[status]}`,
    "",
    `Environment ${code(environment)}: ${[...counts, ...others, ...published].join(", ")}, in ${duration.toFixed(2)} s.`,
    "",
    ...errors.map((error) => `- ❌ ${cell(placed(error))}`),
    ...warnings.map((warning) => `- ⚠️ ${cell(warning)}`),
    ...(errors.length || warnings.length ? [""] : []),
    ...table(["", "what", "where", "why"], looked.map(lookedRow)),
    ...folded(`${counted(built.length, "action")} done`, table(["what", "rows", "seconds"], built.map(builtRow))),
  ];
}

function lookedRow(step: StepResult): string[] {
  const { status, reason, error, rows = 0, location, failingRows: [first] = [] } = step;
  const found = `${counted(rows, "row")} that should not exist${first === undefined ? "" : `: ${first}`}`;
  const why = reason ?? error?.message ?? found;
  const place = error?.location ?? location;
  return [SIGNS[status], nameOf(step), place ? code(formatLocation(place)) : "", cell(why)];
}

function builtRow(step: StepResult): string[] {
  return [nameOf(step), step.rows === undefined ? "" : String(step.rows), step.duration.toFixed(2)];
}

const nameOf = ({ kind, target }: StepResult) => `${kind} ${code(targetKey(target))}`;

function ofUnitTests({ tests }: UnitTestReport): string[] {
  const failed = tests.filter(({ passed }) => !passed);
  const verdict = failed.length ? `❌ ${failed.length} of ${counted(tests.length, "unit test")} failed` : "✅ passed";
  return [
    `### dataform test: ${failed.length ? verdict : `${verdict}, ${counted(tests.length, "unit test")}`}`,
    "",
    ...table(["test", "where", "expected", "found"], failed.map(testRow)),
  ];
}

function testRow(test: UnitTestReport["tests"][number]): string[] {
  const { message, location, expected = "", found = "" } = unitTestError(test);
  return [
    code(test.name),
    location ? code(formatLocation(location)) : "",
    cell(expected),
    cell(test.error ? message : found),
  ];
}

const placed = ({ location, message }: UserErrorDetails) =>
  location ? `${formatLocation(location)}: ${message}` : message;

function table(columns: readonly string[], rows: readonly (readonly string[])[]): string[] {
  if (!rows.length) return [];
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [
    line(columns),
    line(columns.map(() => "---")),
    ...rows.slice(0, MOST_ROWS).map(line),
    "",
    ...(rows.length > MOST_ROWS ? [`… and ${rows.length - MOST_ROWS} more, which the log has.`, ""] : []),
  ];
}

function folded(title: string, lines: readonly string[]): string[] {
  return lines.length ? [`<details><summary>${title}</summary>`, "", ...lines, "</details>", ""] : [];
}

/** A text that is only a text: neither Markdown nor HTML, and one line. */
function cell(text: string): string {
  return inHtml(shortened(text)).replaceAll(/[\\`*_{}[\]()#+.!|~@:-]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

function inHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** A name as code, whatever signs it has. */
function code(text: string): string {
  return `<code>${cell(text)}</code>`;
}

function shortened(text: string): string {
  const line = visible(text).replaceAll(/\s+/g, " ").trim().toWellFormed();
  return line.length > LONGEST ? `${line.slice(0, LONGEST).toWellFormed()}…` : line;
}
