import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { renderPlan } from "../../src/cli/plan/script.ts";
import { type CompileOptions, compile } from "../../src/compile/compile.ts";
import type { BuiltObject, Catalog, Column } from "../../src/model/catalog.ts";
import type { CompiledGraph } from "../../src/model/graph.ts";
import type { BuildStep, NewRowsShape, Plan, Statement } from "../../src/model/plan.ts";
import { targetKey } from "../../src/model/target.ts";
import { type PlanOptions, plan, planCandidate } from "../../src/plan/planner.ts";
import { type KeptRelease, planRollback } from "../../src/plan/rollback-plan.ts";
import { type Preview, previewRelease } from "../../src/run/preview.ts";
import { objectsOf, publishItem } from "../../src/run/publish-item.ts";
import { deepFreeze } from "../support/deep-freeze.ts";
import { expectGolden } from "../support/golden.ts";
import { testProject } from "../support/project.ts";

// A case is a small project (definitions/), the database as it was read (catalog.json), what else is given (case.json), and
// the plan as it is printed (plan.sql). No server takes part.

const cases = resolve(import.meta.dirname, "cases");

interface Given {
  readonly compile?: CompileOptions;
  readonly plan?: PlanOptions;
  /** Columns that PostgreSQL would find, by model: name and type. */
  readonly columns: Readonly<Record<string, readonly (readonly [name: string, type: string])[]>>;
  /** Ways in which new rows have NULL in their key, by model. */
  readonly nullKeys?: Readonly<Record<string, NewRowsShape["nullKeys"]>>;
  /** Instead of a run: back to the release of that number. */
  readonly rollback?: { readonly to: number; readonly kept: readonly KeptRelease[] };
}

test.each(readdirSync(cases))("the plan of the case %s is what is expected of it", async (name) => {
  const read = <T>(file: string) => JSON.parse(readFileSync(join(cases, name, file), "utf8")) as T;
  const [catalog, given] = [read<Catalog>("catalog.json"), read<Given>("case.json")];
  expectGolden(
    `plan/cases/${name}/plan.sql`,
    given.rollback ? rollbackOf(catalog, given.rollback) : await planOf(name, catalog, given),
  );
});

async function planOf(name: string, catalog: Catalog, given: Given): Promise<string> {
  const folder = join(cases, name, "definitions");
  const files = readdirSync(folder).map((file) => [file, readFileSync(join(folder, file), "utf8")] as const);
  const graph = await compile(testProject(Object.fromEntries(files)).dir, given.compile);
  const made = plan(graph, catalog, given.plan);
  // Planning is pure: it writes to nothing it is given, says the same again, and its plan is data.
  for (const input of [graph, catalog, given, made]) deepFreeze(input);
  expect(plan(graph, catalog, given.plan)).toEqual(made);
  expect(JSON.parse(JSON.stringify(made))).toEqual(made);
  return renderPlan(made, previewOf(graph, catalog, made, given));
}

/** What the server would find out, from what is given. */
function previewOf(graph: CompiledGraph, catalog: Catalog, made: Plan, given: Given): Preview {
  const secondHalves: Record<string, readonly Statement[]> = {};
  const columnsOf = (key: string): Column[] => {
    const columns = given.columns[key];
    if (!columns) expect.fail(`case.json gives no columns of ${key}`);
    return columns.map(([name, type]) => ({ name, type }));
  };
  const complete = (step: BuildStep): BuildStep => {
    if (!step.newRows) return step;
    const key = targetKey(step.target);
    const shape = { columns: columnsOf(key), nullKeys: given.nullKeys?.[key] ?? [] };
    const completed = planCandidate(graph, catalog, made, { ...step, newRows: step.newRows }, shape);
    secondHalves[key] = completed.statements;
    return completed;
  };
  let current = catalog;
  const releases = made.segments.flatMap(({ release, steps }) => {
    const items = steps.flatMap((step) => {
      if (step.step !== "build") return [];
      const completed = complete(step);
      const built = (name: string): [string, BuiltObject] => [
        name,
        { name, columns: columnsOf(targetKey(step.target)), grants: [] },
      ];
      return [publishItem(completed, new Map(objectsOf(completed).map(built)))];
    });
    if (!items.length) return [];
    const published = previewRelease(release, items, current);
    current = { ...current, releaseId: release };
    return [published];
  });
  return { version: 1, releases, secondHalves, failures: {}, warned: {}, awaits: {}, untried: [] };
}

function rollbackOf(catalog: Catalog, { to, kept }: NonNullable<Given["rollback"]>): string {
  const release = catalog.nextRelease;
  const target = kept.find((one) => one.release === to)!;
  deepFreeze([catalog, kept]);
  const { items } = planRollback(catalog, target, kept, release);
  expect(planRollback(catalog, target, [...kept].reverse(), release).items).toEqual(items);
  const nothing: Plan = {
    version: 1,
    environment: catalog.environment,
    baseRelease: catalog.releaseId,
    schemas: [],
    preparation: [],
    segments: [{ release, steps: [], audits: [] }],
    removed: [],
    notes: [],
  };
  const releases = [previewRelease(release, items, catalog)];
  return renderPlan(nothing, {
    version: 1,
    releases,
    secondHalves: {},
    failures: {},
    warned: {},
    awaits: {},
    untried: [],
  });
}
