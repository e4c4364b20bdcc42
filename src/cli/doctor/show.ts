import { counted } from "../../model/counted.ts";
import { formatUserError, type UserErrorDetails } from "../../model/errors.ts";
import { paint } from "../paint.ts";
import type { Shell } from "../shell.ts";
import { padded, width, wrap } from "../show/width.ts";
import type { Diagnosis, Finding, Level } from "./findings.ts";

const COLOURS = { ok: "green", warning: "yellow", error: "red" } as const;
const LEVELS: readonly Level[] = ["ok", "warning", "error"];
const GAP = "  ";

/** A line for each finding below the name of its group, its cure under it. */
export function showDiagnosis({ findings }: Diagnosis, shell: Shell): void {
  const widths = { level: widest(LEVELS), check: widest(findings.map(({ check }) => check)) };
  let group: string | undefined;
  for (const one of findings) {
    if (one.group !== group) {
      if (group !== undefined) shell.print("");
      shell.print(paint(shell, "bold", one.group, "stdout"));
      group = one.group;
    }
    for (const line of linesOf(one, widths, shell)) shell.print(line);
  }
}

const widest = (words: readonly string[]) => Math.max(...words.map(width));

function linesOf(
  { level, check, found, cure, errors = [] }: Finding,
  widths: Readonly<Record<"level" | "check", number>>,
  shell: Shell,
): string[] {
  const columns = shell.width?.stdout;
  const left = width(GAP) * 3 + widths.level + widths.check;
  const below = " ".repeat(left);
  const room = columns === undefined ? undefined : Math.max(20, columns - left);
  const mark = paint(shell, COLOURS[level], padded(level, widths.level), "stdout");
  const [first = "", ...rest] = wrap(found, room, "");
  return [
    `${GAP}${mark}${GAP}${padded(check, widths.check)}${GAP}${first}`,
    ...rest.map((line) => below + line),
    ...shownOf(errors),
    ...(cure === undefined ? [] : wrap(`→ ${cure}`, room, "  ").map((line) => below + line)),
  ];
}

/** Mistakes that are shown; `--json` has all. */
const MOST = 5;

/** As compile tells them: their lines of code stay whole. */
function shownOf(errors: readonly UserErrorDetails[]): string[] {
  const shown = errors.slice(0, MOST).flatMap((error) => formatUserError(error).split("\n"));
  const more =
    errors.length > MOST
      ? [`and ${counted(errors.length - MOST, "more", "more")}: \`dataform compile\` shows all`]
      : [];
  return [...shown, ...more].map((line) => `${GAP}${GAP}${line}`);
}

/** The last line: "1 error, 2 warnings", and what could not be looked at. */
export function summaryOf({ findings }: Diagnosis): string {
  const number = (level: Level) => findings.filter((one) => one.level === level).length;
  const [warnings, errors] = [number("warning"), number("error")];
  const wrong = [...(errors ? [counted(errors, "error")] : []), ...(warnings ? [counted(warnings, "warning")] : [])];
  const unseen = findings.some(({ group }) => group === "server")
    ? ""
    : "; what a server has to say is left out: none is reached";
  return `${wrong.join(", ") || "nothing is wrong"}${unseen}`;
}
