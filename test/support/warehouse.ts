import { onTestFinished } from "vitest";
import { readSource } from "../../src/compile/source.ts";
import type { RunReport, StepResult } from "../../src/model/report.ts";
import { targetKey } from "../../src/model/target.ts";
import { type Client, connect } from "../../src/postgres/client.ts";
import { type RunOptions, run } from "../../src/run/run.ts";
import { script } from "../../src/sql/authored.ts";
import { type Template, type TestDatabase, testDatabase } from "./database.ts";
import { type OnEnd, type ProjectFiles, type TestProject, testProject } from "./project.ts";

export interface Warehouse {
  readonly project: TestProject;
  readonly database: TestDatabase;
  readonly client: Client;
  /** Compiles the project as it stands and runs it. */
  run(options?: RunOptions): Promise<RunReport>;
  /** Rows of a query, each as `a|b|c`. */
  rows(sql: string): Promise<string[]>;
  sql(text: string): Promise<void>;
}

/** Connections that build at once where a test does not say it: each more costs more than all that its models do. */
const BESIDE_EACH_OTHER = 2;

/** A project and a database for one test, in which nothing has run; `from` says whether it has the record of runs already. */
export async function warehouse(
  files: ProjectFiles,
  onEnd: OnEnd = onTestFinished,
  from: Template = "recorded",
): Promise<Warehouse> {
  const project = testProject(files, onEnd);
  const database = await testDatabase(from);
  const client = await connect(database.settings, { applicationName: "test" });
  onEnd(async () => {
    await client.close();
    await database.drop();
  });
  return {
    project,
    database,
    client,
    run: async (options = {}) =>
      run(await project.compile(), database.settings, {
        readSource: (file) => readSource(project.dir, file),
        concurrency: BESIDE_EACH_OTHER,
        ...options,
      }),
    rows: async (sql) => {
      const { rows } = await client.table(script(sql));
      return rows.map((row) => row.map((value) => value ?? "∅").join("|"));
    },
    sql: async (text) => void (await client.script(script(text))),
  };
}

/** A project and a database for several tests, made in their `beforeAll`, which returns `end`. */
export async function sharedWarehouse(
  files: ProjectFiles,
  from: Template = "recorded",
): Promise<Warehouse & { end(): Promise<void> }> {
  const ends: (() => Promise<void> | void)[] = [];
  const made = await warehouse(files, (end) => void ends.unshift(end), from);
  return {
    ...made,
    end: async () => {
      for (const end of ends) await end();
    },
  };
}

/** Status by action name: `{ "marts.a": "ok" }`. */
export function statuses(report: RunReport): Record<string, StepResult["status"]> {
  return Object.fromEntries(report.steps.map((step) => [targetKey(step.target), step.status]));
}

export function stepOf(report: RunReport, key: string): StepResult {
  const found = report.steps.find((step) => targetKey(step.target) === key);
  if (!found) throw new Error(`no step ${key} in ${report.steps.map((step) => targetKey(step.target)).join(", ")}`);
  return found;
}
