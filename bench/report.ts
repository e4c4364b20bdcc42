import { ratios, type Series, type Spread, spread, sums } from "./measure.ts";
import { table } from "./table.ts";

export interface Machine {
  readonly date: string;
  readonly cpus: number;
  readonly cpuModel: string;
  /** Over 1, 5 and 15 minutes, when the bench began. */
  readonly loadAverage: readonly number[];
  readonly node: string;
  readonly postgres: string;
  readonly tls: boolean;
}

export interface Goal {
  readonly name: string;
  readonly goal: string;
  readonly met: boolean;
  /** Of the rounds. */
  readonly figure: Spread;
}

export interface BenchReport {
  readonly version: 1;
  readonly machine: Machine;
  readonly models: number;
  readonly rounds: number;
  readonly contestants: readonly (Spread & { readonly name: string; readonly seconds: readonly number[] })[];
  readonly goals: readonly Goal[];
  /** What was left out, and why. */
  readonly notes: readonly string[];
}

/** The names of what is measured, in the order of a round. */
export const names = {
  ourCompile: "ours: compile",
  oldCompile: "old: compile",
  ourFirst: "ours: first run",
  oldFirst: "old: first run",
  plainFirst: "plain: first",
  ourSecond: "ours: second run",
  oldSecond: "old: second run",
  plainSecond: "plain: second",
} as const;

export type Measured = Readonly<Record<keyof typeof names, Series>>;

export function makeReport(
  machine: Machine,
  models: number,
  rounds: number,
  measured: Measured,
  notes: readonly string[],
): BenchReport {
  const all = Object.values(measured).filter(({ seconds }) => seconds.length);
  const limits = (["First", "Second"] as const).map((run) => ({
    name: `plain ${run.toLowerCase()} + compile`,
    seconds: sums(measured[`plain${run}`].seconds, measured.ourCompile.seconds),
  }));
  return {
    version: 1,
    machine,
    models,
    rounds,
    contestants: [...all, ...limits].map(({ name, seconds }) => ({ name, ...spread(seconds), seconds })),
    goals: goals(measured, models),
    notes,
  };
}

function goals(measured: Measured, models: number): Goal[] {
  const runs = ["First", "Second"] as const;
  const faster = runs.flatMap((run) => {
    const old = measured[`old${run}`].seconds;
    if (!old.length) return [];
    const figure = spread(ratios(old, measured[`our${run}`].seconds));
    return [{ name: `old / ours, ${run.toLowerCase()} run`, goal: "≥ 6", met: figure.median >= 6, figure }];
  });
  const overhead = runs.map((run) => {
    const limit = sums(measured[`plain${run}`].seconds, measured.ourCompile.seconds);
    const figure = spread(ratios(measured[`our${run}`].seconds, limit));
    return {
      name: `ours / (plain + compile), ${run.toLowerCase()} run`,
      goal: "≤ 1.5",
      met: figure.median <= 1.5,
      figure,
    };
  });
  const compile = spread(measured.ourCompile.seconds);
  // The goal is of an idle machine: of a shared one only the quickest round comes near.
  const idle = {
    name: "ours: compile, in seconds",
    goal: "min < 0.8",
    met: compile.min < 0.8,
    figure: compile,
  };
  return [...faster, ...overhead, ...(models === 1000 ? [idle] : [])];
}

export function printReport(report: BenchReport): string {
  const { machine } = report;
  const load = machine.loadAverage.map((value) => value.toFixed(2)).join(" ");
  return [
    `${report.models} models, ${report.models} assertions, ${report.rounds} rounds, ${machine.date}`,
    `${machine.cpus} CPUs (${machine.cpuModel}), load average ${load}, Node ${machine.node}, PostgreSQL ${machine.postgres}, TLS ${machine.tls ? "on" : "off"}`,
    "",
    ...table(
      ["seconds", "min", "median", "max"],
      report.contestants.map(({ name, min, median, max }) => [name, ...[min, median, max].map(fixed)]),
    ),
    "",
    ...table(
      ["ratio per round", "min", "median", "max", "goal", ""],
      report.goals.map(({ name, goal, met, figure: { min, median, max } }) => [
        name,
        ...[min, median, max].map(fixed),
        goal,
        met ? "met" : "missed",
      ]),
    ),
    ...report.notes.map((note) => `\nnote: ${note}`),
  ].join("\n");
}

function fixed(value: number): string {
  return value.toFixed(2);
}
