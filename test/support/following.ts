import { cpSync } from "node:fs";
import { join, resolve } from "node:path";
import fc from "fast-check";
import { expect } from "vitest";
import { compile } from "../../src/compile/compile.ts";
import type { StepResult } from "../../src/model/report.ts";
import { run } from "../../src/run/run.ts";
import { makeLedger } from "./history.ts";
import { warehouse } from "./warehouse.ts";

/** A product whose models follow what lands, and what they must then hold. */
export interface Following<T> {
  /** Files and folders of this repository that the product is made of. */
  readonly paths: readonly string[];
  /** Its raw tables: name and columns. */
  readonly tables: Readonly<Record<string, string>>;
  readonly arrival: fc.Arbitrary<T>;
  /** Arrivals in one scenario. */
  readonly arrivals: number;
  readonly scenarios: number;
  /** Scenarios that are tried each time, before those drawn at random. */
  readonly examples?: readonly (readonly T[])[];
  /** The incremental model that the others follow: now and then it is computed alone, and they have to catch up. */
  readonly store: string;
  /** The statements that land an arrival; the first has the number 1. */
  landing(id: number, arrival: T): string;
  /** What `shown` gives after these arrivals, computed in another way. */
  naive(arrivals: readonly T[]): readonly string[];
  readonly shown: string;
  /** Assertions about figures that drawn at random are not plausible. */
  readonly without?: readonly string[];
  /** Relations that a full refresh must not change. */
  readonly relations: readonly string[];
}

/** Lands scenarios, arrival by arrival with a run after each, and compares; then with a full refresh. */
export async function followsWhatLands<T>(product: Following<T>): Promise<void> {
  const { project, database, rows, sql } = await warehouse({ "definitions/package.json": '{ "type": "commonjs" }' });
  const root = resolve(import.meta.dirname, "../..");
  for (const path of product.paths) cpSync(join(root, path), join(project.dir, path), { recursive: true });
  const tables = Object.entries(product.tables);
  await sql(`${makeLedger}; ${tables.map(([name, columns]) => `create table raw.${name} (${columns});`).join("\n")}`);
  const compiled = await compile(project.dir);
  const actions = compiled.actions.filter(({ target }) => !product.without?.includes(target.name));
  const graph = { ...compiled, actions };
  const update = async (fullRefresh = false) => {
    // What is struck out is most of what there is, sometimes, and what lands is odd; that this is told is shown elsewhere.
    const { steps } = await run(graph, database.settings, { fullRefresh, allowLoss: ["*"] });
    const told = ({ status, target }: StepResult) =>
      status === "warned" && /_guard_(?:maxRowDrop|keep)$|_of_the_last_run$/.test(target.name);
    expect(steps.filter((step) => step.status !== "ok" && !told(step))).toEqual([]);
  };
  const storeAlone = (fullRefresh: boolean) =>
    run(graph, database.settings, {
      actions: [product.store],
      fullRefresh,
      allowLoss: ["*"],
      assertions: "report",
    });
  const contents = async () => {
    const all: string[][] = [];
    for (const name of product.relations) all.push(await rows(`select t::text from ${name} as t order by 1`));
    return all;
  };
  const scenario = fc.array(product.arrival, { minLength: product.arrivals, maxLength: product.arrivals });
  await fc.assert(
    fc.asyncProperty(scenario, async (arrivals) => {
      await sql(`truncate ${["_load", ...tables.map(([name]) => name)].map((name) => `raw.${name}`).join(", ")}`);
      await update(true);
      for (const [index, arrival] of arrivals.entries()) {
        await sql(product.landing(index + 1, arrival));
        if (index % 2 === 1) await storeAlone(index === 3);
        await update();
        const landed = arrivals.slice(0, index + 1);
        expect(await rows(product.shown), JSON.stringify(landed)).toEqual(product.naive(landed));
      }
      const followed = await contents();
      await update(true);
      expect(await contents(), JSON.stringify(arrivals)).toEqual(followed);
    }),
    {
      numRuns: product.scenarios,
      endOnFailure: true,
      examples: (product.examples ?? []).map((arrivals): [T[]] => [[...arrivals]]),
    },
  );
}
