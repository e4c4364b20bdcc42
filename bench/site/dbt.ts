import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ConnectionSettings } from "../../src/model/connection-settings.ts";
import { runTool } from "../process.ts";
import { columns, LAYERS, SCHEMA } from "../workload.ts";
import { type Timing, timed } from "./timed.ts";

/** dbt's documentation of the same models, in the database where ours are published. */
export interface DbtDocs {
  readonly version: string;
  /** `dbt docs generate`: it parses, compiles and asks for the catalogue. */
  generate(): Promise<Timing>;
  /** Of what a browser loads. */
  bytes(): number;
}

/** @throws where pip cannot install it */
export function dbtDocs(cache: string, settings: ConnectionSettings, models: number): DbtDocs {
  const folder = join(cache, "dbt");
  const python = installDbt(folder);
  const project = join(folder, "project");
  rmSync(project, { recursive: true, force: true });
  writeDbtProject(project, models);
  writeProfile(project, settings);
  const version = runTool(python, ["-c", "import importlib.metadata as m; print(m.version('dbt-core'))"]).trim();
  const flags = ["docs", "generate", "--project-dir", project, "--profiles-dir", project, "--threads", "4"];
  const env = { ...process.env, DBT_SEND_ANONYMOUS_USAGE_STATS: "false" };
  const log = join(cache, "logs/dbt-docs.log");
  return {
    version,
    generate: () => timed(join(folder, "venv/bin/dbt"), flags, { cwd: project, env, logFile: log }),
    bytes: () =>
      ["index.html", "manifest.json", "catalog.json"].reduce(
        (sum, name) => sum + statSync(join(project, "target", name)).size,
        0,
      ),
  };
}

/** Into an environment of its own, once. Gives its Python. */
function installDbt(folder: string): string {
  const python = join(folder, "venv/bin/python");
  if (existsSync(join(folder, "venv/bin/dbt"))) return python;
  process.stderr.write("installing dbt\n");
  runTool("python3", ["-m", "venv", join(folder, "venv")]);
  runTool(python, ["-m", "pip", "install", "-q", "dbt-core<1.12", "dbt-postgres"]);
  return python;
}

/** The models of `writeProject` as dbt has them, each with its test. */
function writeDbtProject(project: string, models: number): void {
  const width = models / LAYERS;
  const name = (layer: number, index: number) => `model_${layer}_${String(index).padStart(4, "0")}`;
  mkdirSync(project, { recursive: true });
  writeFileSync(
    join(project, "dbt_project.yml"),
    "name: bench\nversion: '1.0'\nconfig-version: 2\nprofile: bench\nmodel-paths: [models]\n",
  );
  for (let layer = 0; layer < LAYERS; layer++) {
    const folder = join(project, "models", `layer_${layer}`);
    mkdirSync(folder, { recursive: true });
    const described = Array.from(
      { length: width },
      (_, index) => `  - name: ${name(layer, index)}\n    columns:\n      - name: id\n        tests: [not_null]\n`,
    );
    writeFileSync(join(folder, "schema.yml"), `version: 2\nmodels:\n${described.join("")}`);
    for (let index = 0; index < width; index++) {
      const from = layer ? `{{ ref('${name(layer - 1, (index + 1) % width)}') }}` : "generate_series(1, 100) as id";
      const list = layer
        ? columns.map((column) => column.name).join(", ")
        : "id, id as category, id as amount, id as name";
      writeFileSync(
        join(folder, `${name(layer, index)}.sql`),
        `{{ config(materialized='${index % 2 ? "view" : "table"}') }}\nselect ${list} from ${from}\n`,
      );
    }
  }
}

function writeProfile(project: string, { host, port, database, user, password }: ConnectionSettings): void {
  const output = { type: "postgres", host, port, user, password, dbname: database, schema: SCHEMA, threads: 4 };
  // JSON is YAML.
  writeFileSync(
    join(project, "profiles.yml"),
    JSON.stringify({ bench: { target: "bench", outputs: { bench: output } } }),
  );
}

/** What a folder holds, in bytes. */
export function bytesOf(folder: string): number {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
}
