import { join } from "node:path";
import { runTool } from "../process.ts";
import type { Bench } from "./bench.ts";
import { fasterBy, type Line } from "./line.ts";

// Benches of their own, which say as JSON what they measured.

/** Least that a dbt snapshot's statements take of ours, by versions and changed keys. */
const WANTED: Readonly<Record<string, number>> = {
  "1000000 1000": 8,
  "1000000 10000": 3,
  "10000000 10000": 8,
  "10000000 100000": 2,
};

interface Histories {
  readonly whole: { readonly ours: number; readonly dbt: readonly number[] };
  readonly timings: readonly {
    readonly changes: number;
    readonly unaudited: number[];
    readonly run: number[];
    readonly dbt: number[];
  }[];
}

/** Changes applied to a long history, beside the statements of a dbt snapshot. */
export function* historyLines({ root, versions, rounds }: Bench): Generator<Line> {
  for (const many of versions) {
    const changes = [many / 1000, many / 100].join();
    const flags = ["--versions", String(many), "--changes", changes, "--rounds", String(rounds), "--json"];
    const report: Histories = JSON.parse(runTool(process.execPath, tsx(root, "bench/products/scd2.ts", flags)));
    for (const { changes: keys, unaudited, run, dbt } of report.timings)
      yield fasterBy(
        {
          what: `SCD2: ${keys} changed keys of ${many} versions, applied`,
          ours: unaudited,
          beside: { "a dbt snapshot's statements": dbt, "ours, with its audits": run },
        },
        dbt,
        WANTED[`${many} ${keys}`] ?? 2,
      );
    const sum = report.whole.dbt.reduce((all, one) => all + one, 0);
    yield fasterBy(
      {
        what: `SCD2: ${many} versions anew`,
        ours: [report.whole.ours],
        beside: { "dbt snapshots after each of the loads": [sum] },
      },
      [sum],
      1,
    );
  }
}

interface Landed {
  readonly lines: readonly { readonly name: string; readonly seconds: readonly number[] }[];
}

/** Files that land, beside `\copy`: everything on one core, and with a second one. */
export function* landingLines({ root, mb, rounds }: Bench): Generator<Line> {
  const measure = (size: number, only: string, before: readonly string[]) => {
    const flags = ["--mb", String(size), "--only", only, "--rounds", String(rounds), "--json"];
    const [program, ...parameters] = [...before, process.execPath, ...tsx(root, "bench/landing.ts", flags)];
    const { lines }: Landed = JSON.parse(runTool(program!, parameters));
    const of = (name: string) => lines.find((line) => line.name === name)!.seconds;
    return { of, copy: of("psql: \\copy of CSV") };
  };
  const alone = measure(mb, "csv,ndjson", ["taskset", "-c", "0"]);
  const beside = { "`\\copy` into a plain table": alone.copy };
  const oneCore = (what: string) => `${what}, ${mb} MB, all on one core`;
  yield fasterBy({ what: oneCore("CSV"), ours: alone.of("ours: CSV"), beside }, alone.copy, 0.8);
  const ndjson = alone.of("ours: NDJSON of the same rows");
  yield fasterBy({ what: oneCore("NDJSON of the same rows"), ours: ndjson, beside }, alone.copy, 0.6);
  const small = measure(99, "csv", []);
  yield fasterBy(
    {
      what: "CSV, 99 MB, two cores",
      ours: small.of("ours: CSV"),
      beside: { "`\\copy` into a plain table": small.copy },
    },
    small.copy,
    0.65,
  );
}

const tsx = (root: string, file: string, flags: readonly string[]): string[] => [
  "--import",
  "tsx",
  join(root, file),
  ...flags,
];
