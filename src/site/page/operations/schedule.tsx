import type { DueStep, ScheduledDue, ScheduledLine } from "../../../model/operations.ts";
import { Inline } from "../markdown.tsx";
import { Gone } from "../nowhere.tsx";
import { Badge, Empty } from "../pieces.tsx";
import { href } from "../route.ts";
import { Table } from "../table.tsx";
import { clockOf, counted, isLate, ownZone, seconds, type Tone } from "../words.ts";
import type { ViewProps } from "./view.ts";

const STATES: Readonly<Record<ScheduledLine["state"], readonly [tone: Tone, what: string]>> = {
  on: ["good", "It runs when it is due"],
  paused: ["notice", "Its dues are recorded as skipped until it is resumed"],
  disabled: ["plain", "schedules.yaml has it with enabled: false"],
  "not begun": ["notice", "No scheduler has run since schedules.yaml says so"],
};

const OUTCOMES: Readonly<Record<ScheduledDue["status"], Tone>> = {
  success: "good",
  failure: "bad",
  cancelled: "notice",
  skipped: "notice",
  queued: "plain",
  running: "notice",
};

/** A due that begins within so many seconds is on time. */
const ON_TIME = 60;

/** The lines of schedules.yaml, and what came of their dues: of all of them, or of the line that is asked for. */
export function Schedule({ data, route }: ViewProps) {
  const { schedules, dues, runs } = data;
  if (!schedules.length && !dues.length)
    return <Empty>Nothing runs by itself: lines of `schedules.yaml` do, as long as `dataform schedule` runs.</Empty>;
  const asked = route.query.get("line");
  const isThere = (name: string) =>
    schedules.some((line) => line.name === name) || dues.some(({ schedule }) => schedule === name);
  const zones = new Map(schedules.map(({ name, zone }) => [name, zone]));
  const shown = asked === null ? dues : dues.filter(({ schedule }) => schedule === asked);
  const withSteps = new Set(runs.flatMap(({ runId, steps }) => (steps ? [runId] : [])));
  return (
    <>
      {asked !== null && !isThere(asked) && <Gone what={`line “${asked}”`} />}
      <Lines lines={schedules} asked={asked} />
      <section class="section" aria-labelledby="dues">
        <header>
          <h2 id="dues">{asked === null ? "Dues" : `Dues of ${asked}`}</h2>
          {asked !== null && (
            <div class="aside">
              <a href={href(["operations", "schedule"])}>of every line</a>
            </div>
          )}
        </header>
        {shown.length ? (
          <Dues dues={shown} zones={zones} withLine={asked === null} runs={withSteps} />
        ) : (
          <Empty>
            {asked === null
              ? "None of the lines was due yet, or no scheduler runs: `dataform schedule` does it."
              : `It was not due yet, or no scheduler runs. \`dataform schedule run ${asked}\` runs it now.`}
          </Empty>
        )}
        <p class="note">
          Times are those of {ownZone()}, as this browser has it; where the clocks of a line’s zone differ, they stand
          below. <Inline text="The newest of each line are here: `dataform schedule history` has all." />
        </p>
      </section>
    </>
  );
}

function Lines({ lines, asked }: { readonly lines: readonly ScheduledLine[]; readonly asked: string | null }) {
  const isLate = lines.some(({ lag }) => lag > ON_TIME);
  if (!lines.length) return <Empty>`schedules.yaml` has no line any more.</Empty>;
  return (
    <Table
      isLabelled
      caption="Lines of schedules.yaml"
      rows={lines}
      rowClass={({ name }) => (name === asked ? "chosen" : "")}
      columns={[
        { title: "Line", isText: true, cell: (line) => <LineName line={line} /> },
        { title: "When", isLong: true, cell: (line) => <When line={line} /> },
        { title: "Next due", cell: (line) => <NextDue line={line} /> },
        ...(isLate
          ? [
              {
                title: "Late by",
                isNumber: true,
                cell: ({ lag }: ScheduledLine) => (lag > ON_TIME ? seconds(lag) : ""),
              },
            ]
          : []),
        { title: "Last due", isRare: true, cell: ({ last, zone }) => last && <Moment at={last.lastDue} zone={zone} /> },
        { title: "What came of it", isLong: true, isRare: true, cell: ({ last }) => last && <Outcome due={last} /> },
      ]}
    />
  );
}

/** Its moment, and when it begins where that is another one. */
function NextDue({ line: { nextDue, startAt, zone } }: { readonly line: ScheduledLine }) {
  if (nextDue === null) return null;
  const isLater = startAt !== null && Date.parse(startAt) - Date.parse(nextDue) >= 60_000;
  return (
    <>
      <Moment at={nextDue} zone={zone} />
      {isLater && (
        <>
          <br />
          begins <Moment at={startAt} zone={zone} />
        </>
      )}
    </>
  );
}

function LineName({ line: { name, text, state, lag, pausedAt, pausedBy } }: { readonly line: ScheduledLine }) {
  const [tone, what] = STATES[state];
  return (
    <>
      <a class="line-name" href={href(["operations", "schedule"], { line: name })}>
        {name}
      </a>{" "}
      {isLate(lag) ? (
        <Badge tone="bad" title="It should have begun, and nobody has begun it">
          late
        </Badge>
      ) : (
        <Badge tone={tone} title={what}>
          {state}
        </Badge>
      )}
      {pausedAt !== null && (
        <span class="line quiet">
          by {pausedBy ?? "somebody"} since {clockOf(pausedAt)}
        </span>
      )}
      {text && <span class="line quiet">{text}</span>}
    </>
  );
}

function When({ line: { trigger, zone } }: { readonly line: ScheduledLine }) {
  if (trigger.kind === "clock")
    return (
      <>
        <code>{trigger.cron}</code> <span class="line quiet">{zone}</span>
      </>
    );
  const stream = `${trigger.source} / ${trigger.stream}`;
  return <>{trigger.kind === "load" ? `after a load of ${stream}` : `when a file comes for ${stream}`}</>;
}

/** In the time of whoever reads it, and what the clocks of the line's zone show then, where that is another. */
function Moment({ at, zone }: { readonly at: string; readonly zone: string | undefined }) {
  const own = clockOf(at);
  const there = zone === undefined ? own : clockOf(at, zone);
  const isSameDay = there.slice(0, 10) === own.slice(0, 10);
  return (
    <time dateTime={at}>
      {own}
      {there !== own && (
        <span class="line quiet">
          {isSameDay ? there.slice(11) : there} {zone}
        </span>
      )}
    </time>
  );
}

function Outcome({ due: { status, reason, dues, cause } }: { readonly due: Omit<ScheduledDue, "steps"> }) {
  return (
    <>
      <Badge tone={OUTCOMES[status]}>{status}</Badge> {reason ?? ""}
      {dues > 1 && <span class="quiet"> ({counted(dues, "due")})</span>}
      {cause !== "clock" && <span class="quiet"> by {cause === "catch-up" ? "catching up" : cause}</span>}
    </>
  );
}

interface DuesProps {
  readonly dues: readonly ScheduledDue[];
  /** Of the lines that are declared. */
  readonly zones: ReadonlyMap<string, string>;
  readonly withLine: boolean;
  /** Runs that a page shows. */
  readonly runs: ReadonlySet<string>;
}

function Dues({ dues, zones, withLine, runs }: DuesProps) {
  return (
    <Table
      isLabelled
      caption="Dues, the newest first"
      rows={dues}
      columns={[
        { title: "Due", cell: ({ due, schedule }) => <Moment at={due} zone={zones.get(schedule)} /> },
        ...(withLine
          ? [
              {
                title: "Line",
                cell: ({ schedule }: ScheduledDue) => (
                  <a href={href(["operations", "schedule"], { line: schedule })}>{schedule}</a>
                ),
              },
            ]
          : []),
        { title: "What came of it", isText: true, cell: (due) => <Outcome due={due} /> },
        {
          title: "Late by",
          isNumber: true,
          cell: ({ delay }) => (delay !== null && delay > ON_TIME ? seconds(delay) : ""),
        },
        { title: "Took", isNumber: true, cell: (due) => (due.seconds === null ? "" : seconds(due.seconds)) },
        { title: "Steps", isText: true, cell: ({ steps }) => steps.length > 0 && <Steps steps={steps} runs={runs} /> },
      ]}
    />
  );
}

function Steps({ steps, runs }: { readonly steps: readonly DueStep[]; readonly runs: ReadonlySet<string> }) {
  const commands = new Map(steps.map(({ step, command }) => [step, command]));
  return (
    <details>
      <summary>{[...commands.values()].join(", ")}</summary>
      {steps.map((step) => (
        <p class="note" key={`${step.step} ${step.attempt}`}>
          <code>{[step.command, ...step.arguments.filter((word) => word !== "--")].join(" ")}</code>{" "}
          {[
            step.status,
            step.seconds === null ? "" : `in ${seconds(step.seconds)}`,
            step.exitCode ? `exit code ${step.exitCode}` : (step.signal ?? ""),
            step.attempt > 1 ? `attempt ${step.attempt}` : "",
            step.loadIds.length ? `load ${step.loadIds.join(", ")}` : "",
          ]
            .filter(Boolean)
            .join(", ")}
          {step.runIds
            .filter((run) => runs.has(run))
            .map((run) => (
              <>
                {", "}
                <a href={href(["operations", "runs"], { run })}>its run</a>
              </>
            ))}
          {step.error !== null && <span class="line">{step.error}</span>}
        </p>
      ))}
    </details>
  );
}
