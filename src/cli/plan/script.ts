import { counted } from "../../model/counted.ts";
import type { Bounds, Plan, Segment, Statement, Step } from "../../model/plan.ts";
import { targetKey } from "../../model/target.ts";
import { BETWEEN_ASSERTIONS, SNAPSHOT, SNAPSHOT_END } from "../../plan/snapshot.ts";
import type { Preview, ReleasePreview } from "../../run/preview.ts";
import { scriptOf } from "../../sql/message.ts";
import { onSavepoint } from "../../sql/statement.ts";

/** The plan as a script, the reasons as comments in it. */
export function renderPlan(made: Plan, seen: Preview): string {
  const preparation = scriptOf(made.preparation);
  const segments = made.segments.flatMap((segment) =>
    renderSegment(
      segment,
      seen.releases.find(({ release }) => release === segment.release),
      seen.secondHalves,
    ),
  );
  return [...preparation, ...segments].join("\n");
}

function renderSegment(
  segment: Segment,
  published: ReleasePreview | undefined,
  secondHalves: Preview["secondHalves"],
): string[] {
  const builds = segment.steps.filter(({ step }) => step === "build");
  return [
    `\n-- release ${segment.release}: ${counted(builds.length, "model")} built aside, ${checksOf(segment.audits)}`,
    ...segment.steps.flatMap((step) => [
      ...renderStep(step),
      ...renderSecondHalf(secondHalves[targetKey(step.target)]),
    ]),
    ...(segment.audits.length
      ? [
          `\n-- ${heading(segment.audits)}, in one snapshot`,
          ...scriptOf([...SNAPSHOT, BETWEEN_ASSERTIONS]),
          ...segment.audits.flatMap((step) => renderStep(step)),
          ...scriptOf([SNAPSHOT_END]),
        ]
      : []),
    ...(published ? renderPublish(published) : []),
  ];
}

/** "assertions, dashboards and APIs" */
function heading(audits: Segment["audits"]): string {
  const there = new Set(audits.map(({ kind }) => kind));
  const words = [
    there.has("assertion") ? "assertions" : [],
    there.has("dashboard") ? "dashboards" : [],
    there.has("api") ? "APIs" : [],
  ].flat();
  return words.join(", ").replace(/, ([^,]*)$/, " and $1");
}

/** "3 assertions, 1 dashboard, 1 API" */
function checksOf(audits: Segment["audits"]): string {
  const count = (kind: string) => audits.filter((step) => step.kind === kind).length;
  const [dashboards, apis] = [count("dashboard"), count("api")];
  const parts = [
    counted(count("assertion"), "assertion"),
    dashboards ? counted(dashboards, "dashboard") : [],
    apis ? counted(apis, "API") : [],
  ];
  return parts.flat().join(", ");
}

function renderPublish({ release, paths, publish }: ReleasePreview): string[] {
  const follow = Object.entries(paths).map(([name, how]) => `${name} (${how})`);
  return [
    `\n-- publish release ${release}, in one transaction: ${follow.join(", ")}`,
    ...renderLimits(publish.bounds),
    ...(publish.offer.length
      ? ["-- the publisher lends what is its own to the transaction, which is the builder's"]
      : []),
    ...scriptOf(publish.offer),
    ...scriptOf([...publish.warmUp, ...publish.deltas, ...publish.views]),
    ...scriptOf(publish.withdraw),
  ];
}

/** What the statements alone do not say: an attempt is repeated, and may then take longer. */
function renderLimits({ lockMs, holdMs, longestHoldMs }: Bounds): string[] {
  return [
    `-- an attempt waits ${lockMs} ms for locks and holds readers for ${holdMs} ms at most; then it goes back to the savepoint and tries`,
    `-- again, where the machine was too slow for that with twice the time, up to ${longestHoldMs} ms`,
  ];
}

/** What follows once the new rows of an incremental model are there. */
function renderSecondHalf(statements: readonly Statement[] | undefined): string[] {
  if (!statements) return [];
  const told = "-- then, for the columns that its new rows have; where keys have NULL, they are compared as such";
  return [told, ...scriptOf(statements)];
}

function renderStep(step: Step): string[] {
  const statements = step.step === "audit" ? onSavepoint("audit", [step.statement]) : step.statements;
  return [`\n-- ${step.kind} ${targetKey(step.target)} (${step.reason})`, ...scriptOf(statements)];
}
