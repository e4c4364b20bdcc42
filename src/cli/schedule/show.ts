import { hasMetadata } from "../../environment/layout.ts";
import { UserError } from "../../model/errors.ts";
import { nearest } from "../../model/nearest.ts";
import type { RecordedDue, RecordedSchedule, RecordedStep, ScheduleLine } from "../../model/schedule.ts";
import { type Client, withClient } from "../../postgres/client.ts";
import { duesBetween } from "../../schedule/cron/dues.ts";
import { blackoutAt, cronOf, startOf } from "../../schedule/decide.ts";
import { readHistory, readRecorded } from "../../schedule/read-record.ts";
import { openDatabase } from "../database.ts";
import { attended } from "../interrupt.ts";
import { type ConnectionFlags, type EnvironmentFlags, environmentName } from "../options.ts";
import { paint } from "../paint.ts";
import type { Shell } from "../shell.ts";
import { lasting } from "../show/lasting.ts";
import { minuteOf } from "../show/minute.ts";
import { textTable } from "../show/table.ts";
import { declaredLines } from "./declared.ts";

export interface ShowFlags extends EnvironmentFlags, ConnectionFlags {
  readonly json?: boolean;
}

interface CountFlags extends ShowFlags {
  readonly count: number;
}

/** `dataform schedule ls`. */
export async function showLines(shell: Shell, flags: ShowFlags): Promise<void> {
  const { lines } = await declaredLines(shell, flags);
  const recorded = await reading(shell, flags, (client) => readRecorded(client, environmentName(flags)));
  const known = new Map(recorded.filter(({ removedAt }) => removedAt === null).map((one) => [one.name, one]));
  const all = lines.map((line) => ({ ...stateOf(line, known.get(line.name)), line }));
  if (flags.json) return shell.print(JSON.stringify(all, null, 2));
  const rows = all.map(({ line, state, nextDue, last }) => [
    line.name,
    whenOf(line),
    state === "on" ? nextDue && `${minuteOf(nextDue)}${whyNot(line, nextDue)}` : state,
    last && minuteOf(last.lastDue),
    last && outcomeOf(last),
  ]);
  const names = ["line", "when", "next due", "last due", "outcome"];
  shell.print(textTable(names, rows, { width: shell.width?.stdout, cut: ["line"], cutEnd: ["when", "outcome"] }));
  const unknown = all.filter(({ isRecorded }) => !isRecorded);
  if (unknown.length)
    shell.say(
      `${paint(shell, "yellow", "not begun")} ${unknown.map(({ line }) => line.name).join(", ")}: no scheduler has run since schedules.yaml says so`,
    );
}

/** Why it does not begin at its moment; empty where it does. */
function whyNot(line: ScheduleLine, nextDue: string): string {
  const [due, now] = [new Date(nextDue), new Date()];
  if (blackoutAt(line, due)) return " blackout";
  if (due > now) return "";
  // Behind one that is made up for before it, or before the end of a blackout.
  return startOf(line, due) < now ? " waits" : "";
}

interface State {
  readonly state: "on" | "paused" | "disabled";
  readonly isRecorded: boolean;
  readonly nextDue: string | null;
  readonly pausedAt: string | null;
  readonly pausedBy: string | null;
  readonly last: RecordedDue | null;
}

function stateOf(line: ScheduleLine, recorded: RecordedSchedule | undefined): State {
  const isRecorded = recorded?.definition.version === line.version && recorded.definition.enabled === line.enabled;
  const { pausedAt = null, pausedBy = null, last = null } = recorded ?? {};
  return {
    state: !line.enabled ? "disabled" : pausedAt === null ? "on" : "paused",
    isRecorded,
    nextDue: isRecorded ? recorded.nextDue : (nextOf(line, 1)[0]?.toISOString() ?? null),
    ...{ pausedAt, pausedBy, last },
  };
}

/** `dataform schedule next`: by the declaration alone. */
export async function showNext(shell: Shell, name: string | undefined, flags: CountFlags): Promise<void> {
  const { lines } = await declaredLines(shell, flags);
  const chosen = name === undefined ? lines : [lineNamed(lines, name)];
  const dues = chosen
    .flatMap((line) =>
      nextOf(line, flags.count).map((due) => {
        const isBlackout = blackoutAt(line, due) !== undefined;
        return { line: line.name, due, startAt: startOf(line, due), isBlackout };
      }),
    )
    .sort((a, b) => a.due.getTime() - b.due.getTime() || (a.line < b.line ? -1 : 1));
  if (flags.json) return shell.print(JSON.stringify(dues, null, 2));
  const zones = new Map(chosen.map(({ name, zone }) => [name, zone]));
  const rows = dues.map(({ line, due, isBlackout }) => [
    due.toISOString().replace(".000Z", "Z"),
    `${inZone(due, zones.get(line)!)}${isBlackout ? ", blackout" : ""}`,
    line,
  ]);
  shell.print(textTable(["due", "in its zone", "line"], rows, { width: shell.width?.stdout, cut: ["line"] }));
  const others = chosen.filter(({ trigger, enabled }) => trigger.kind !== "clock" || !enabled);
  for (const line of others) shell.say(`${line.name}: ${line.enabled ? whenOf(line) : "not enabled"}`);
}

function nextOf(line: ScheduleLine, count: number): Date[] {
  const cron = line.enabled ? cronOf(line) : undefined;
  const now = new Date();
  const far = new Date(now.getTime() + 40 * 366 * 86_400_000);
  return cron ? duesBetween(cron, now, far, count) : [];
}

function inZone(due: Date, zone: string): string {
  const shown = new Intl.DateTimeFormat("en-GB", {
    timeZone: zone,
    ...{ weekday: "short", day: "2-digit", month: "short", hour: "2-digit", minute: "2-digit", timeZoneName: "short" },
  } as Intl.DateTimeFormatOptions);
  return shown.format(due);
}

/** @throws UserError where there is none of the name */
export function lineNamed(lines: readonly ScheduleLine[], name: string): ScheduleLine {
  const found = lines.find((line) => line.name === name);
  if (found) return found;
  const names = lines.map((line) => line.name);
  const close = nearest(name, names);
  throw new UserError({
    message: `schedules.yaml has no line ${name}`,
    expected: names.length ? `one of ${names.join(", ")}` : "a line: it has none",
    ...(close === undefined ? {} : { hint: `did you mean ${close}?` }),
  });
}

function whenOf({ trigger, zone }: ScheduleLine): string {
  if (trigger.kind === "clock") return zone === "UTC" ? trigger.cron : `${trigger.cron} ${zone}`;
  return trigger.kind === "load"
    ? `after a load of ${trigger.source}.${trigger.stream}`
    : `when a file comes for ${trigger.source}.${trigger.stream}`;
}

/** `dataform schedule history`. */
export async function showHistory(shell: Shell, name: string | undefined, flags: CountFlags): Promise<void> {
  const dues = await reading(shell, flags, (client) => readHistory(client, environmentName(flags), name, flags.count));
  if (flags.json) return shell.print(JSON.stringify(dues, null, 2));
  const rows = dues.flatMap((due) => [dueRow(due), ...due.steps.map(stepRow)]);
  shell.print(
    textTable(["due", "line", "took", "outcome"], rows, {
      width: shell.width?.stdout,
      cut: ["line"],
      cutEnd: ["outcome"],
    }),
  );
}

function dueRow(due: RecordedDue): (string | null)[] {
  const until = due.dues > 1 ? ` … ${minuteOf(due.lastDue)}` : "";
  return [`${minuteOf(due.due)}${until}`, due.schedule, tookOf(due), outcomeOf(due)];
}

function stepRow(step: RecordedStep): (string | null)[] {
  const again = step.attempt > 1 ? `, attempt ${step.attempt}` : "";
  const code = step.exitCode === null || step.exitCode === 0 ? "" : `, exit code ${step.exitCode}`;
  const why = step.error === null ? code : `: ${step.error}`;
  return [null, `  ${step.step} ${step.command}`, tookOf(step), `${step.status}${again}${why}`];
}

function tookOf({ startedAt, finishedAt }: Pick<RecordedStep, "startedAt" | "finishedAt">): string | null {
  if (startedAt === null) return null;
  return lasting(((finishedAt === null ? Date.now() : Date.parse(finishedAt)) - Date.parse(startedAt)) / 1000);
}

/** What came of a due, in words. */
export function outcomeOf({ status, reason, dues, cause }: RecordedDue): string {
  const count = dues > 1 ? ` (${dues} dues)` : "";
  const because = cause === "clock" ? "" : ` (${cause})`;
  return `${status}${reason === null ? "" : `: ${reason}`}${count}${because}`;
}

/** Nothing where no run has made the record yet. */
async function reading<T>(
  shell: Shell,
  flags: ShowFlags,
  read: (client: Client) => Promise<readonly T[]>,
): Promise<readonly T[]> {
  const settings = await openDatabase(shell, flags);
  return attended(shell, (how) =>
    withClient(settings, { applicationName: "dataform-schedule", duty: "publisher", ...how }, async (client) =>
      (await hasMetadata(client)) ? read(client) : [],
    ),
  );
}
