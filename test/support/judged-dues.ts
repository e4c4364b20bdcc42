import type { RecordedDue } from "../../src/model/schedule.ts";

// What the dues of lines are, by nobody's cron, and whether what is recorded of them is what the policies of the lines say.

const MINUTE = 60_000;
/** Later than that, a due is one that nobody was there for. */
const LATE = MINUTE;
/** From looking to writing. */
const MOMENT = 1_000;

/** A line as its policies have it. Times are milliseconds. */
export interface JudgedLine {
  readonly name: string;
  readonly catchUp: "skip" | "once" | "all";
  readonly overlap: "skip" | "queue";
  readonly within: number;
  readonly jitter: number;
  readonly steps: number;
  /** Its dues, in their order. */
  readonly dues: readonly number[];
  /** Of those, which are not to run; null: it never rests. */
  readonly blackout: readonly [from: number, until: number] | null;
}

const berlin = new Intl.DateTimeFormat("en-GB", {
  timeZone: "Europe/Berlin",
  ...{ hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
});

/** Minutes from `from` until `until` whose time in Berlin is one that is asked for. */
export function minutesInBerlin(
  from: number,
  until: number,
  isDue: (hour: number, minute: number) => boolean,
): readonly number[] {
  const found: number[] = [];
  for (let at = Math.ceil(from / MINUTE) * MINUTE; at <= until; at += MINUTE) {
    const [hour, minute] = berlin.format(at).split(":").map(Number) as [number, number];
    if (isDue(hour, minute)) found.push(at);
  }
  return found;
}

/** What the test did with the clock, and with the line. */
export interface Happened {
  /** The first moment at which anybody could have decided the due. */
  knownAt(due: number): number;
  /** Whether the line was paused at that moment. */
  isPaused(line: string, at: number): boolean;
}

/** What is wrong with what is recorded of a line, as sentences; none where each due ran once, or was skipped by its policy. */
export function wrongWith(line: JudgedLine, recorded: readonly RecordedDue[], happened: Happened): readonly string[] {
  const rows = [...recorded].sort((a, b) => Date.parse(a.due) - Date.parse(b.due));
  const covered = rows.flatMap(({ due, lastDue }) =>
    line.dues.filter((one) => one >= Date.parse(due) && one <= Date.parse(lastDue)),
  );
  const said = (at: number, what: string) => `${line.name} ${new Date(at).toISOString()}: ${what}`;
  const isOnce = new Set(covered).size === covered.length;
  return [
    ...line.dues.filter((due) => !covered.includes(due)).map((due) => said(due, "missed, and not recorded")),
    ...(isOnce ? [] : [said(covered[0]!, "one of its dues is there twice")]),
    ...rows.flatMap((row) => wrongRow(line, row, rows, happened).map((what) => said(Date.parse(row.due), what))),
  ];
}

function wrongRow(
  line: JudgedLine,
  row: RecordedDue,
  rows: readonly RecordedDue[],
  happened: Happened,
): readonly string[] {
  const dues = line.dues.filter((one) => one >= Date.parse(row.due) && one <= Date.parse(row.lastDue));
  if (dues.length !== row.dues || dues[0] !== Date.parse(row.due))
    return [`stands for ${row.dues}, not ${dues.length}`];
  if (row.status === "skipped")
    return dues
      .filter((due) => !isSkippedBy(line, due, row, rows, happened))
      .map((due) => `${new Date(due).toISOString()} skipped at ${row.finishedAt} as ${row.reason}`);
  return [
    ...(row.status === "success" ? wrongSteps(line, row) : [`${row.status}: ${row.reason}`]),
    ...(row.startedAt !== null && isIn(line.blackout, Date.parse(row.startedAt)) ? ["began in a blackout"] : []),
    ...(mayRun(line, dues[0]!, happened) ? [] : [`ran, cause ${row.cause}, though its policy skips it`]),
  ];
}

/** Whether what is recorded as the reason was so when it was decided, and the line wants it skipped then. */
function isSkippedBy(
  line: JudgedLine,
  due: number,
  row: RecordedDue,
  rows: readonly RecordedDue[],
  { isPaused }: Happened,
): boolean {
  const decided = Date.parse(row.finishedAt!);
  const later = laterOf(line, due);
  const hasLater = later.some((one) => one + line.jitter <= decided);
  const mayHaveLater = later.some((one) => one <= decided);
  switch (row.reason) {
    case "paused":
      return isPaused(line.name, decided);
    case "blackout":
      return isIn(line.blackout, due);
    case "missed":
      return line.catchUp === "skip"
        ? mayHaveLater || decided - due > LATE
        : line.catchUp === "once" && (hasLater || mayHaveLater);
    case "too old":
      return line.catchUp !== "skip" && decided - due > line.within;
    default:
      // It is decided by what was seen, and written a moment later.
      return rows.some(
        (other) =>
          other.status !== "skipped" &&
          Date.parse(other.due) < due &&
          Date.parse(other.finishedAt!) >= decided - MOMENT,
      );
  }
}

/** Whether it may run, whenever it was decided: at the first moment at which anybody could, at the earliest. */
function mayRun(line: JudgedLine, due: number, { knownAt, isPaused }: Happened): boolean {
  const known = knownAt(due);
  if (isIn(line.blackout, due) || isPaused(line.name, known)) return false;
  if (known - due - line.jitter <= LATE) return true;
  if (line.catchUp === "skip" || known - due > line.within) return false;
  return line.catchUp === "all" || !laterOf(line, due).some((one) => one + line.jitter <= known);
}

/** Those behind it that may run. */
const laterOf = ({ dues, blackout }: JudgedLine, due: number) =>
  dues.filter((one) => one > due && !isIn(blackout, one));

const isIn = (window: JudgedLine["blackout"], due: number) => window !== null && window[0] <= due && due < window[1];

/** Each step ended well once, and began when the one before it was recorded as done. */
function wrongSteps({ steps }: JudgedLine, row: RecordedDue): readonly string[] {
  const done = row.steps.filter(({ status }) => status === "success");
  const order = done.map(({ step }) => step);
  if (order.join() !== Array.from({ length: steps }, (_, n) => n + 1).join()) return [`its steps ended well: ${order}`];
  const early = row.steps.filter(
    ({ step, madeAt }) => step > 1 && !(Date.parse(madeAt) >= Date.parse(done[step - 2]!.finishedAt!)),
  );
  return early.map(({ step, attempt }) => `step ${step}.${attempt} began before step ${step - 1} was recorded`);
}
