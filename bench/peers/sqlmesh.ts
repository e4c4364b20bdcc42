import { rmSync } from "node:fs";
import { join } from "node:path";
import type { ConnectionSettings } from "../../src/model/connection-settings.ts";
import { timeProcess } from "../process.ts";
import { SCHEMA, type WorkloadModel, workloadModels, write } from "../workload.ts";
import { pythonProgram } from "./python.ts";

export const SQLMESH = "0.236.4";

export interface SqlmeshProject {
  /** From now on it works in this database, of which it knows nothing. */
  connect(settings: ConnectionSettings): void;
  /** One model with other amounts. */
  change(model: WorkloadModel, more: number): void;
  /** Seconds of `sqlmesh plan --auto-apply`: what changed is built, tested and in production. */
  plan(): Promise<number>;
  /** Seconds of `sqlmesh run`: what is due is built. */
  run(): Promise<number>;
}

/**
 * The models of `writeProject` as SQLMesh has them, each with its audit.
 * @throws where pip cannot install it
 */
export function sqlmeshProject(cache: string, models: number): SqlmeshProject {
  const programs = pythonProgram(join(cache, "sqlmesh"), "sqlmesh", [[`sqlmesh[postgres]==${SQLMESH}`]]);
  const folder = join(cache, "sqlmesh", `project-${models}`);
  const change = (model: WorkloadModel, more = 0) =>
    write(join(folder, "models", `layer_${model.layer}`, `${model.name}.sql`), modelOf(model, more));
  const start = (name: string, parameters: readonly string[]) =>
    timeProcess(join(programs, "sqlmesh"), ["--paths", folder, ...parameters], {
      cwd: folder,
      env: { ...process.env, SQLMESH__DISABLE_ANONYMIZED_ANALYTICS: "1" },
      logFile: join(cache, "logs", `sqlmesh-${name}.log`),
    });
  return {
    connect({ host, port, database, user, password }) {
      rmSync(folder, { recursive: true, force: true });
      const connection = { type: "postgres", host, port, user, password, database, concurrent_tasks: 4 };
      const config = {
        gateways: { bench: { connection } },
        default_gateway: "bench",
        model_defaults: { dialect: "postgres", start: "2026-01-01" },
      };
      // JSON is YAML.
      write(join(folder, "config.yaml"), JSON.stringify(config));
      for (const model of workloadModels(models)) change(model);
    },
    change,
    plan: () => start("plan", ["plan", "--auto-apply", "--no-prompts"]),
    run: () => start("run", ["run"]),
  };
}

const modelOf = ({ name, isView, reads, query }: WorkloadModel, more: number): string =>
  `MODEL (name ${SCHEMA}.${name}, kind ${isView ? "VIEW" : "FULL"}, audits (not_null(columns := (id))));\n\n${query(`${SCHEMA}.${reads}`, more)}\n`;
