import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ConnectionSettings } from "../../src/model/connection-settings.ts";
import { SCHEMA, type WorkloadModel, workloadModels, write } from "../workload.ts";
import { pythonProgram } from "./python.ts";

export const DBT = "1.12.6";
const DBT_POSTGRES = "1.11.0";

export interface DbtProject {
  /** The program. */
  readonly program: string;
  readonly folder: string;
  readonly flags: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** From now on it works in this database. */
  connect(settings: ConnectionSettings): void;
}

/**
 * The models of `writeProject` as dbt has them, each with its test.
 * @throws where pip cannot install dbt
 */
export function dbtProject(cache: string, models: number): DbtProject {
  // dbt 1.12 names a parser in Rust that it works without; pip would fetch that from elsewhere.
  const programs = pythonProgram(join(cache, "dbt"), "dbt", [
    ["dbt-core==1.11.*", "dbt-postgres", "python-dotenv", "metricflow"],
    ["--no-deps", "-U", `dbt-core==${DBT}`, `dbt-postgres==${DBT_POSTGRES}`],
  ]);
  const folder = join(cache, "dbt", `project-${models}`);
  rmSync(folder, { recursive: true, force: true });
  write(
    join(folder, "dbt_project.yml"),
    "name: bench\nversion: '1.0'\nconfig-version: 2\nprofile: bench\nmodel-paths: [models]\n",
  );
  const layers = new Map<number, string[]>();
  for (const model of workloadModels(models)) {
    const { layer, name } = model;
    write(join(folder, "models", `layer_${layer}`, `${name}.sql`), modelOf(model));
    const tested = `  - name: ${name}\n    columns:\n      - name: id\n        data_tests: [not_null]\n`;
    layers.set(layer, [...(layers.get(layer) ?? []), tested]);
  }
  for (const [layer, tested] of layers)
    write(join(folder, "models", `layer_${layer}`, "schema.yml"), `version: 2\nmodels:\n${tested.join("")}`);
  return {
    program: join(programs, "dbt"),
    folder,
    flags: ["--project-dir", folder, "--profiles-dir", folder, "--threads", "4"],
    env: { ...process.env, DBT_SEND_ANONYMOUS_USAGE_STATS: "false" },
    connect: (settings) => writeProfile(folder, settings),
  };
}

const modelOf = ({ isView, reads, query }: WorkloadModel): string =>
  `{{ config(materialized='${isView ? "view" : "table"}') }}\n${query(`{{ ref('${reads}') }}`)}\n`;

function writeProfile(folder: string, { host, port, database, user, password }: ConnectionSettings): void {
  const output = { type: "postgres", host, port, user, password, dbname: database, schema: SCHEMA, threads: 4 };
  // JSON is YAML.
  writeFileSync(
    join(folder, "profiles.yml"),
    JSON.stringify({ bench: { target: "bench", outputs: { bench: output } } }),
  );
}
