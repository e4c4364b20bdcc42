import { ratios, type Spread, spread } from "../measure.ts";
import type { Machine } from "../report.ts";
import { table } from "../table.ts";
import type { Timing } from "./landers.ts";
import { type Contest, type Key, names } from "./rounds.ts";
import type { Sustained } from "./sustained.ts";

export type Measured = Readonly<Partial<Record<Key, readonly Timing[]>>>;

interface Line {
  readonly name: string;
  readonly bytes: number;
  readonly seconds: readonly number[];
  /** Millions of bytes a second, of the rounds. */
  readonly speed: Spread;
  /** Bytes, the most of the rounds. */
  readonly peakMemory?: number;
}

interface Goal {
  readonly name: string;
  readonly goal: string;
  readonly met: boolean;
  readonly figure: Spread;
}

export interface LandingReport {
  readonly version: 1;
  readonly machine: Machine;
  readonly rounds: number;
  readonly lines: readonly Line[];
  readonly sustained?: Sustained;
  readonly goals: readonly Goal[];
  readonly notes: readonly string[];
}

const MAX_XML_MEMORY = 200e6;

interface Circumstances {
  readonly machine: Machine;
  readonly rounds: number;
  readonly sustained: Sustained | undefined;
  readonly notes: readonly string[];
}

export function makeReport(
  { files }: Pick<Contest, "files">,
  measured: Measured,
  { machine, rounds, sustained, notes }: Circumstances,
): LandingReport {
  const sizes = { psqlCsv: files.csv, psqlPipe: files.csv, postgres: files.csv, ...files };
  const lines = (Object.keys(names) as Key[]).flatMap((key) => {
    const timings = measured[key] ?? [];
    if (!timings.length) return [];
    const { bytes } = sizes[key]!;
    const seconds = timings.map((timing) => timing.seconds);
    const peaks = timings.flatMap(({ peakMemory }) => (peakMemory === undefined ? [] : [peakMemory]));
    return [
      {
        name: names[key],
        bytes,
        seconds,
        speed: spread(seconds.map((one) => bytes / 1e6 / one)),
        ...(peaks.length ? { peakMemory: Math.max(...peaks) } : {}),
      },
    ];
  });
  const goals = [...ratioGoals(measured, machine.postgres), ...otherGoals(lines, sustained)];
  return { version: 1, machine, rounds, lines, ...(sustained ? { sustained } : {}), goals, notes };
}

function ratioGoals(measured: Measured, postgres: string): Goal[] {
  const wanted: readonly (readonly [ours: Key, plain: Key, least: number])[] = [
    ["csv", "psqlCsv", 0.8],
    ["bad", "psqlCsv", Number.parseInt(postgres, 10) >= 17 ? 0.7 : 0.4],
    ["ndjson", "psqlCsv", 0.5],
    ["postgres", "psqlPipe", 0.8],
  ];
  return wanted.flatMap(([ours, plain, least]) => {
    const over = measured[plain]?.map(({ seconds }) => seconds) ?? [];
    const under = measured[ours]?.map(({ seconds }) => seconds) ?? [];
    if (!under.length) return [];
    const figure = spread(ratios(over, under));
    return [{ name: `${names[plain]} / ${names[ours]}`, goal: `≥ ${least}`, met: figure.median >= least, figure }];
  });
}

function otherGoals(lines: readonly Line[], sustained: Sustained | undefined): Goal[] {
  const goals: Goal[] = [];
  const xml = lines.find(({ name }) => name === names.xml);
  if (xml) {
    const memory = xml.peakMemory! / 1e6;
    goals.push(
      { name: `${names.xml}, MB/s`, goal: "≥ 25", met: xml.speed.median >= 25, figure: xml.speed },
      {
        name: `${names.xml}, peak MB of memory`,
        goal: "< 200",
        met: xml.peakMemory! < MAX_XML_MEMORY,
        figure: spread([memory]),
      },
    );
  }
  if (sustained) {
    const rate = sustained.bytes / 1e9 / (sustained.seconds / 60);
    goals.push({ name: "sustained, GB a minute", goal: "≥ 1", met: rate >= 1, figure: spread([rate]) });
  }
  return goals;
}

export function printReport({ machine, rounds, lines, sustained, goals, notes }: LandingReport): string {
  const load = machine.loadAverage.map((value) => value.toFixed(2)).join(" ");
  const last = sustained && [
    "",
    `sustained: ${sustained.files} files of gzip, ${whole(sustained.bytes)} MB unpacked, in ${sustained.seconds.toFixed(1)} s; ` +
      `longest file ${sustained.longest.toFixed(1)} s, peak memory ${whole(sustained.peakMemory)} MB`,
  ];
  return [
    `landing, ${rounds} rounds, ${machine.date}`,
    `${machine.cpus} CPUs (${machine.cpuModel}), load average ${load}, Node ${machine.node}, PostgreSQL ${machine.postgres}, TLS ${machine.tls ? "on" : "off"}`,
    "",
    ...table(
      ["MB/s", "size in MB", "min", "median", "max", "peak MB of memory"],
      lines.map(({ name, bytes, speed: { min, median, max }, peakMemory }) => [
        name,
        whole(bytes),
        ...[min, median, max].map((value) => value.toFixed(1)),
        peakMemory === undefined ? "" : whole(peakMemory),
      ]),
    ),
    ...(last ?? []),
    "",
    ...table(
      ["per round", "min", "median", "max", "goal", ""],
      goals.map(({ name, goal, met, figure: { min, median, max } }) => [
        name,
        ...[min, median, max].map((value) => value.toFixed(2)),
        goal,
        met ? "met" : "missed",
      ]),
    ),
    ...notes.map((note) => `\nnote: ${note}`),
  ].join("\n");
}

function whole(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}
