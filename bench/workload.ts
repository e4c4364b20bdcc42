import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
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

/** One model, in the words of no tool. */
export interface WorkloadModel {
  readonly name: string;
  readonly layer: number;
  readonly isView: boolean;
  /** The model that it reads. */
  readonly reads?: string;
  /** Its SQL. `from` is what `reads` is called; `more` makes other amounts. */
  query(from: string, more?: number): string;
}

/** `models` in 10 layers, tables and views by turns, each reading one of the other kind in the layer before. */
export function workloadModels(models: number): readonly WorkloadModel[] {
  const width = models / LAYERS;
  const nameOf = (layer: number, index: number) => `model_${layer}_${String(index).padStart(4, "0")}`;
  return Array.from({ length: models }, (_, at) => {
    const [layer, index] = [Math.floor(at / width), at % width];
    const made = { name: nameOf(layer, index), layer, isView: index % 2 === 1 };
    if (layer === 0)
      return {
        ...made,
        query: (
          _from,
          more = 0,
        ) => `select id, id % 7 as category, id * 1.25${plus(more)} as amount, 'name ' || id as name
from generate_series(1, ${ROWS}) as id`,
      };
    return {
      ...made,
      reads: nameOf(layer - 1, (index + 1) % width),
      query: (from, more = 0) => `select id, category, amount + ${layer + more} as amount, name
from ${from}`,
    };
  });
}

const plus = (more: number): string => (more ? ` + ${more}` : "");

/**
 * Writes a project that both command lines of Dataform compile, with one assertion on each model. `extraSettings` go into
 * dataform.json.
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
  const all = workloadModels(models);
  for (const model of all) writeModel(projectDir, model);
  return { models, lastModel: all.find(({ layer }) => layer === LAYERS - 1)!.name, rows: ROWS };
}

/** Writes one model of such a project; with `more` its amounts are others. */
export function writeModel(projectDir: string, { name, layer, isView, reads, query }: WorkloadModel, more = 0): void {
  write(
    join(projectDir, "definitions", `layer_${layer}`, `${name}.sqlx`),
    `config {
  type: "${isView ? "view" : "table"}",
  assertions: { nonNull: ["id"] }
}

${query(`\${ref("${reads}")}`, more)}
`,
  );
}

/** With the folders that it is in. */
export function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
