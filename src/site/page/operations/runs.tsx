import type { VNode } from "preact";
import { useRef } from "preact/hooks";
import { separated } from "../../../charts/shown.ts";
import { clippedWithin } from "../../../charts/widths.ts";
import type { RunStep, RunSummary } from "../../../model/operations.ts";
import type { Target } from "../../../model/target.ts";
import { findRelation, useProject } from "../context.ts";
import { Badge, Empty } from "../pieces.tsx";
import { href, relationHref } from "../route.ts";
import { Table } from "../table.tsx";
import { useWidth } from "../width.ts";
import { bytes, counted, minute, seconds, type Tone } from "../words.ts";
import type { ViewProps } from "./view.ts";

const TONES: Readonly<Record<RunSummary["status"], Tone>> = {
  success: "good",
  failure: "bad",
  cancelled: "notice",
  abandoned: "bad",
  running: "notice",
};

/** The runs, and of the one that is asked for, or the last one, what took its time. */
export function Runs({ data: { runs, moreRuns }, route }: ViewProps) {
  const asked = route.query.get("run");
  const run = runs.find(({ runId }) => runId === asked) ?? runs.find(({ steps }) => steps);
  if (!runs.length) return <Empty>No run is recorded yet: `dataform run` is one.</Empty>;
  return (
    <>
      {asked !== null && run?.runId !== asked && (
        <p class="gone" role="status">
          The steps of run {asked} are not here: of the last {runs.filter(({ steps }) => steps).length} runs they are.
          This is the last one.
        </p>
      )}
      {run && <Waterfall run={run} />}
      <section class="section">
        <h2>Runs</h2>
        <Table
          isLabelled
          caption="Runs, the newest first"
          rows={runs}
          rowClass={({ runId }) => (runId === run?.runId ? "chosen" : "")}
          columns={[
            {
              title: "Began",
              cell: ({ runId, startedAt, steps }) =>
                steps ? (
                  <a href={href(["operations", "runs"], { run: runId })}>{minute(startedAt)}</a>
                ) : (
                  minute(startedAt)
                ),
            },
            { title: "Outcome", cell: ({ status }) => <Badge tone={TONES[status]}>{status}</Badge> },
            { title: "Took", isNumber: true, cell: (one) => seconds(one.seconds) },
            { title: "Built", isNumber: true, cell: ({ built }) => built },
            { title: "Failed", isNumber: true, cell: ({ failed }) => failed || "" },
            { title: "Held", isNumber: true, cell: ({ held }) => held || "" },
            { title: "Skipped", isNumber: true, cell: ({ skipped }) => skipped || "" },
            { title: "Waited for readers", isNumber: true, cell: ({ waited }) => (waited ? seconds(waited) : "") },
            { title: "Releases", isNumber: true, cell: ({ releases }) => releases.join(", ") },
          ]}
        />
        {moreRuns > 0 && <p class="note">and {counted(moreRuns, "earlier run")}</p>}
      </section>
    </>
  );
}

const ROW = 24;
/** Room for names where there is room, and for how long the last steps took. */
const MOST_NAMES = 340;
const TOOK = 70;
/** Narrower than that it scrolls. */
const NARROWEST = 320;
/** Steps that are drawn: the longest of them, in the order in which they began. */
const MOST = 60;

function Waterfall({ run }: { readonly run: RunSummary }) {
  const begun = (run.steps ?? []).filter((step) => step.start !== null);
  const total = Math.max(run.seconds, ...begun.map((step) => step.start! + step.seconds), 0.001);
  const longest = new Set([...begun].sort(important(total)).slice(0, MOST));
  const steps = begun.filter((step) => longest.has(step));
  const frame = useRef<HTMLDivElement>(null);
  const width = Math.max(NARROWEST, useWidth(frame, 900));
  const names = Math.min(MOST_NAMES, width * 0.4);
  const room = width - names - TOOK;
  const x = (at: number) => names + (at / total) * room;
  const critical = begun.filter(({ isCritical }) => isCritical);
  return (
    <section class="section" aria-labelledby="waterfall">
      <header>
        <h2 id="waterfall">
          Run of {minute(run.startedAt)} <Badge tone={TONES[run.status]}>{run.status}</Badge>
        </h2>
        <div class="aside">{seconds(run.seconds)}</div>
      </header>
      {run.errors.map(({ message }) => (
        <p class="failure" key={message}>
          {message}
        </p>
      ))}
      {run.warnings.map((text) => (
        <p class="note" key={text}>
          {text}
        </p>
      ))}
      {critical.length > 0 && (
        <p class="note legend-of-steps">
          <span class="swatch critical" aria-hidden="true" /> The run waited for {counted(critical.length, "step")} in
          turn and would have been shorter had one of them been; most for {longestOf(critical)}.
        </p>
      )}
      {steps.length === 0 ? (
        <Empty>It recorded no step.</Empty>
      ) : (
        <div class="waterfall" role="region" aria-label="Steps over time" tabIndex={0} ref={frame}>
          <svg width={width} height={steps.length * ROW + 26} viewBox={`0 0 ${width} ${steps.length * ROW + 26}`}>
            {ticks(total, room).map((at) => (
              <g class="tick" key={at}>
                <path d={`M${x(at)} 18V${steps.length * ROW + 22}`} />
                <text x={x(at)} y="12" text-anchor="middle">
                  {seconds(at)}
                </text>
              </g>
            ))}
            {steps.map((step, index) => {
              const y = 22 + index * ROW;
              const long = Math.max(2, (step.seconds / total) * room);
              return (
                <g
                  key={`${nameOf(step)} ${step.start}`}
                  class={`bar-row ${step.status} ${step.isCritical ? "critical" : ""}`}
                >
                  <title>{`${nameOf(step)}: ${step.status}, ${seconds(step.seconds)} from ${seconds(step.start!)} on${step.reason ? `; ${step.reason}` : ""}`}</title>
                  <Linked target={step.target}>
                    <text x={names - 10} y={y + 16} text-anchor="end">
                      {clippedWithin(step.target.name, names - 14, 12.5)}
                    </text>
                  </Linked>
                  <rect x={x(step.start!)} y={y + 4} width={long} height={ROW - 9} rx="2" />
                  <text class="took" x={x(step.start!) + long + 6} y={y + 16}>
                    {seconds(step.seconds)}
                  </text>
                </g>
              );
            })}
          </svg>
        </div>
      )}
      {begun.length > steps.length && <p class="note">and {counted(begun.length - steps.length, "shorter step")}</p>}
      <details class="steps">
        <summary>All {counted((run.steps ?? []).length, "step")} as a table</summary>
        <Steps steps={run.steps ?? []} />
      </details>
    </section>
  );
}

/** A way to the page of a step's relation. An assertion has none. */
function Linked({ target, children }: { readonly target: Target; readonly children: VNode }) {
  const hasPage = findRelation(useProject(), target.schema, target.name) !== undefined;
  return hasPage ? <a href={relationHref(target)}>{children}</a> : children;
}

function Steps({ steps }: { readonly steps: readonly RunStep[] }) {
  return (
    <Table
      isLabelled
      caption="Steps"
      rows={steps}
      columns={[
        { title: "Step", cell: (step) => nameOf(step) },
        { title: "Kind", cell: ({ kind }) => kind },
        { title: "Outcome", cell: ({ status }) => <Badge tone={toneOf(status)}>{status}</Badge> },
        { title: "Began after", isNumber: true, cell: ({ start }) => (start === null ? "" : seconds(start)) },
        { title: "Took", isNumber: true, cell: (step) => seconds(step.seconds) },
        { title: "Rows", isNumber: true, cell: ({ rows }) => (rows === null ? "" : separated(String(rows))) },
        { title: "Stored", isNumber: true, cell: (step) => (step.bytes === null ? "" : bytes(step.bytes)) },
        { title: "Why", isText: true, cell: ({ reason, error }) => error?.message ?? reason ?? "" },
      ]}
    />
  );
}

export function toneOf(status: RunStep["status"]): Tone {
  if (status === "ok") return "good";
  return status === "failed" || status === "held" ? "bad" : "notice";
}

const nameOf = ({ target }: Pick<RunStep, "target">): string => `${target.schema}.${target.name}`;

/** What failed, and what the run waited for long enough to be seen, before what only took long. */
const important = (total: number) => (a: RunStep, b: RunStep) => {
  const isSeen = ({ seconds: took }: RunStep) => took > total / 100;
  const rank = (step: RunStep) => (step.status === "failed" ? 0 : step.isCritical && isSeen(step) ? 1 : 2);
  return rank(a) - rank(b) || b.seconds - a.seconds;
};

/** Times along it, with room for each. */
function ticks(total: number, room: number): readonly number[] {
  const steps = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21_600];
  const step = steps.find((one) => total / one <= Math.max(2, Math.min(6, room / 70))) ?? 86_400;
  return Array.from({ length: Math.floor(total / step) + 1 }, (_, index) => index * step);
}

/** The three that took longest, in words. */
function longestOf(steps: readonly RunStep[]): string {
  const told = [...steps]
    .sort((a, b) => b.seconds - a.seconds)
    .slice(0, 3)
    .map((step) => `${step.target.name} (${seconds(step.seconds)})`);
  return told.join(", ");
}
