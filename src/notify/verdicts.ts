import { counted } from "../model/counted.ts";
import type { Trouble, Verdict } from "../model/notifying.ts";
import type { StreamFreshness } from "../model/operations.ts";
import type { StepScope } from "../model/schedule.ts";
import { targetKey } from "../model/target.ts";
import type { Belongings } from "./belongings.ts";

/** A run that ended, and what it did, as the record has it. */
export interface EndedRun {
  readonly runId: string;
  readonly status: string;
  /** As the server wrote it. */
  readonly fence: string;
  /** Of what belongs to no step. */
  readonly errors: readonly string[];
  readonly steps: readonly EndedStep[];
}

export interface EndedStep {
  readonly schema: string;
  readonly name: string;
  readonly kind: string;
  readonly status: string;
  readonly rows: number | null;
  readonly reason: string | null;
  readonly error: string | null;
}

/** The last load of a stream that came to an end. */
export interface LastLoad {
  readonly source: string;
  readonly stream: string;
  readonly status: "loaded" | "failed";
  readonly error: string | null;
  /** Fields that its schema does not know, and columns that it lacked. */
  readonly unknown: readonly string[];
  readonly missing: readonly string[];
}

/** The last due of a line of schedules.yaml that ended. */
export interface LastDue {
  readonly schedule: string;
  readonly status: string;
  readonly reason: string | null;
  /** What its steps are about. */
  readonly scopes: readonly StepScope[];
}

/** Characters of what somebody else wrote. */
const LONGEST = 300;

/** What an error says, in one line: it may be long, and hold what it likes. */
function oneLine(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  // No half of a pair: PostgreSQL takes none.
  return line.length > LONGEST ? `${line.slice(0, LONGEST - 1).replace(/\p{Surrogate}$/u, "")}…` : line.toWellFormed();
}

/** What a run found out: what it did not try has no verdict. */
export function verdictsOfRun(run: EndedRun, belongings: Belongings): readonly Verdict[] {
  return [
    ...verdictOfWhole(run, belongings),
    ...run.steps.flatMap((step) => verdictsOfStep(step, run.runId, belongings)),
  ];
}

function verdictOfWhole({ runId, status, errors, steps }: EndedRun, belongings: Belongings): readonly Verdict[] {
  const [first] = errors;
  // One whose process is gone has recorded nothing of what it was about.
  const its = steps.length ? belongings.ofAll(steps.map(targetKey)) : belongings.named;
  const about = { kind: "failure" as const, subject: "a run", link: "#/operations/runs", runId, ...its };
  if (status === "abandoned")
    return [{ key: "failure:run", trouble: { ...about, text: "it never ended: its process is gone" } }];
  if (status === "failure" && first !== undefined)
    return [{ key: "failure:run", trouble: { ...about, text: oneLine(first) } }];
  return status === "success" || status === "failure" ? [{ key: "failure:run", trouble: null }] : [];
}

function verdictsOfStep(step: EndedStep, runId: string, belongings: Belongings): readonly Verdict[] {
  const { kind, status, rows, reason, error } = step;
  if (status === "skipped") return [];
  const key = targetKey(step);
  const guarded = kind === "assertion" ? belongings.guarded(step) : undefined;
  const action = guarded ?? key;
  const about = { subject: action, action, runId, ...belongings.of(action) };
  const isTest = kind === "assertion";
  const link =
    isTest || kind === "dashboard"
      ? "#/operations/tests"
      : `#/relation/${key.split(".").map(encodeURIComponent).join("/")}`;
  const found =
    error ??
    reason ??
    (rows === null ? "it failed" : counted(rows, "row that should not exist", "rows that should not exist"));
  if (guarded !== undefined) {
    const trouble = status === "failed" ? { ...about, kind: "guard" as const, link, text: oneLine(found) } : null;
    return [{ key: `guard:${key}`, trouble }];
  }
  if (status === "failed")
    return [{ key: `failure:${key}`, trouble: { ...about, kind: "failure", link, text: oneLine(found) } }];
  const isRight: Verdict = { key: `failure:${key}`, trouble: null };
  if (isTest) return [isRight];
  const held: Trouble | null =
    status === "held"
      ? { ...about, kind: "held", link, text: oneLine(reason ?? "it is kept out of the release") }
      : null;
  return [isRight, { key: `held:${key}`, trouble: held }];
}

const product = (source: string): Pick<Trouble, "product"> => ({ product: source });
const nameOf = ({ source, stream }: { readonly source: string; readonly stream: string }) => `${source}.${stream}`;

export function verdictOfFreshness(stream: StreamFreshness, lasting: (seconds: number) => string): Verdict {
  const { source, state, age, warn, error, by } = stream;
  const limit = state === "warn" ? warn : error;
  const isLate = state === "warn" || state === "error" || (state === "never" && error !== null);
  const old =
    age === null
      ? "nothing was ever loaded"
      : `${by === null ? "asked" : `the newest ${by} is from`} ${lasting(age)} ago`;
  return {
    key: `freshness:${nameOf(stream)}`,
    trouble: isLate
      ? {
          kind: "freshness",
          subject: `source ${nameOf(stream)}`,
          text: `${old}, at most ${lasting(limit ?? 0)} wanted`,
          link: "#/operations/freshness",
          ...product(source),
          stream: stream.stream,
        }
      : null,
  };
}

export function verdictsOfLoad(load: LastLoad): readonly Verdict[] {
  const { source, status, error, unknown, missing } = load;
  const about = {
    subject: `source ${nameOf(load)}`,
    link: "#/operations/loads",
    ...product(source),
    stream: load.stream,
  };
  const failure: Verdict = {
    key: `failure:load:${nameOf(load)}`,
    trouble: status === "failed" ? { ...about, kind: "failure", text: oneLine(error ?? "a load failed") } : null,
  };
  // A load that failed says nothing of the fields.
  if (status === "failed") return [failure];
  const said = [
    ...(unknown.length ? [`fields that its schema does not know: ${listed(unknown)}`] : []),
    ...(missing.length ? [`fields that did not come: ${listed(missing)}`] : []),
  ];
  const other: Trouble | null = said.length ? { ...about, kind: "schema", text: oneLine(said.join("; ")) } : null;
  return [failure, { key: `schema:${nameOf(load)}`, trouble: other }];
}

function listed(names: readonly string[]): string {
  return names.length > 8 ? `${names.slice(0, 8).join(", ")} and ${names.length - 8} more` : names.join(", ");
}

export function verdictOfDue({ schedule, status, reason, scopes }: LastDue, belongings: Belongings): Verdict {
  return {
    key: `failure:schedule:${schedule}`,
    trouble:
      status === "success"
        ? null
        : {
            kind: "failure",
            subject: `schedule ${schedule}`,
            schedule,
            ...belongings.ofLine(scopes),
            text: oneLine(reason ?? `it ended with ${status}`),
            link: "#/operations/runs",
          },
  };
}
