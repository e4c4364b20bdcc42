import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Column } from "../src/model/catalog.ts";

export const SCHEMA = "bench";
export const LAYERS = 10;
const ROWS = 100;

/** The columns of every model. */
export const columns: readonly Column[] = [
  { name: "id", type: "integer" },
  { name: "category", type: "integer" },
  { name: "amount", type: "numeric" },
  { name: "name", type: "text" },
];

export interface Workload {
  readonly models: number;
  /** A model of the last layer, to check what a run has made. */
  readonly lastModel: string;
  readonly rows: number;
}

/**
 * Writes a project that both command lines compile: `models` in 10 layers, tables and views by turns, each reading
 * one of the other kind in the layer before, one assertion on each. `extraSettings` go into dataform.json.
 */
export function writeProject(projectDir: string, models: number, extraSettings: object = {}): Workload {
  rmSync(join(projectDir, "definitions"), { recursive: true, force: true });
  mkdirSync(join(projectDir, "includes"), { recursive: true });
  const settings = {
    warehouse: "postgres",
    defaultSchema: SCHEMA,
    assertionSchema: `${SCHEMA}_assertions`,
    ...extraSettings,
  };
  writeFileSync(join(projectDir, "dataform.json"), `${JSON.stringify(settings, null, 2)}\n`);
  const width = models / LAYERS;
  for (let layer = 0; layer < LAYERS; layer++) {
    const folder = join(projectDir, "definitions", `layer_${layer}`);
    mkdirSync(folder, { recursive: true });
    for (let index = 0; index < width; index++) {
      writeFileSync(join(folder, `${modelName(layer, index)}.sqlx`), model(layer, index, width));
    }
  }
  return { models, lastModel: modelName(LAYERS - 1, 0), rows: ROWS };
}

function modelName(layer: number, index: number): string {
  return `model_${layer}_${String(index).padStart(4, "0")}`;
}

function model(layer: number, index: number, width: number): string {
  const query =
    layer === 0
      ? `select id, id % 7 as category, id * 1.25 as amount, 'name ' || id as name
from generate_series(1, ${ROWS}) as id`
      : `select id, category, amount + ${layer} as amount, name
from \${ref("${modelName(layer - 1, (index + 1) % width)}")}`;
  return `config {
  type: "${index % 2 ? "view" : "table"}",
  assertions: { nonNull: ["id"] }
}

${query}
`;
}
