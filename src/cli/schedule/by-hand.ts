import { prepareMetadata } from "../../environment/layout.ts";
import { UserError } from "../../model/errors.ts";
import type { RecordedDue, ScheduleLine } from "../../model/schedule.ts";
import { LOCKED_EXIT_CODE } from "../../postgres/advisory-lock.ts";
import { type Client, withClient } from "../../postgres/client.ts";
import { claimByHand, pauseLine } from "../../schedule/claim.ts";
import type { Deciding } from "../../schedule/deciding.ts";
import { readDue, readWork } from "../../schedule/read-record.ts";
import { leaveDues } from "../../schedule/steps.ts";
import { Working } from "../../schedule/working.ts";
import { pause } from "../../wait/pause.ts";
import { openDatabase, whereLine } from "../database.ts";
import { untilInterrupted } from "../interrupt.ts";
import { environmentName } from "../options.ts";
import type { Shell } from "../shell.ts";
import { whoami } from "../whoami.ts";
import { declaredLines } from "./declared.ts";
import { lineNamed, outcomeOf, type ShowFlags } from "./show.ts";
import { programOf } from "./start.ts";

export type LineFlags = ShowFlags;

interface Asked {
  readonly client: Client;
  readonly deciding: Deciding;
  readonly line: ScheduleLine;
  readonly signal: AbortSignal;
}

/** `dataform schedule run <line>`. */
export function runByHand(shell: Shell, name: string, flags: LineFlags): Promise<void> {
  return asking(shell, name, flags, async ({ client, deciding, line, signal }) => {
    const dueId = await claimByHand(client, deciding, line);
    if (dueId === undefined) throw goesOn(name);
    const due = await untilEnded(shell, flags, { client, deciding, line, signal }, dueId);
    if (flags.json) shell.print(JSON.stringify(due, null, 2));
    else if (due.status !== "success")
      for (const { output } of due.steps.slice(-1)) shell.say((output ?? "").trimEnd());
    shell.say(`${name}: ${outcomeOf(due)}`);
    shell.exitCode = due.status === "success" ? 0 : 1;
  });
}

/** As a scheduler does, for this due alone; where one runs beside it, either begins it, and this process waits for its end. */
async function untilEnded(
  shell: Shell,
  flags: LineFlags,
  { client, deciding, signal }: Asked,
  dueId: string,
): Promise<RecordedDue> {
  const { environment, by } = deciding;
  let woken = new AbortController();
  const working = new Working({
    by,
    jobs: 1,
    program: programOf(shell, flags),
    say: (text) => shell.say(text),
    wake: () => woken.abort(),
  });
  for (;;) {
    woken = new AbortController();
    await working.recordEnds(client);
    const due = await readDue(client, dueId);
    if (due && due.status !== "queued" && due.status !== "running") return due;
    if (signal.aborted && working.isIdle) {
      await leaveDues(client, environment, by);
      throw signal.reason;
    }
    const { dues, ...work } = await readWork(client, environment);
    const own = { ...work, dues: signal.aborted ? [] : dues.filter(({ id }) => id === dueId) };
    const wait = Math.min(await working.advance(client, own), 1_000);
    await pause(Math.max(wait, 1), woken.signal).catch(() => {});
  }
}

/** `dataform schedule pause <line>`, and `resume`. */
export function pauseOrResume(shell: Shell, name: string, verb: "pause" | "resume", flags: LineFlags): Promise<void> {
  return asking(shell, name, flags, async ({ client, deciding, line }) => {
    const changed = await pauseLine(client, deciding, line, verb === "pause" ? whoami() : undefined);
    if (flags.json) shell.print(JSON.stringify({ name, isPaused: verb === "pause", changed }, null, 2));
    const was = changed ? "is" : "was already";
    if (verb === "pause") shell.say(`${name} ${was} paused: its dues are recorded as skipped until it is resumed`);
    else if (changed) shell.say(`${name} goes on with its next due`);
    else shell.say(`${name} was not paused`);
  });
}

/** With the line as schedules.yaml has it here. That is no declaration for those who run the schedule: it may be a clone that is behind. */
async function asking(
  shell: Shell,
  name: string,
  flags: LineFlags,
  work: (asked: Asked) => Promise<void>,
): Promise<void> {
  const { lines } = await declaredLines(shell, flags);
  const line = lineNamed(lines, name);
  const settings = await openDatabase(shell, flags);
  shell.say(whereLine(settings, flags, shell));
  const environment = environmentName(flags);
  const deciding = { environment, by: whoami(), lines: new Map(lines.map((one) => [one.name, one])) };
  await untilInterrupted(
    shell,
    (signal) =>
      withClient(settings, { applicationName: "dataform-schedule", duty: "publisher" }, async (client) => {
        await prepareMetadata(client, { signal });
        await work({ client, deciding, line, signal });
      }),
    "the step that goes on is waited for, and no other begun",
  );
}

function goesOn(name: string): UserError {
  return new UserError({
    message: `${name} goes on already`,
    hint: "`dataform schedule history` shows it; run it again when it has ended",
    exitCode: LOCKED_EXIT_CODE,
  });
}
