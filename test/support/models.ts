/** The text of a model. `config` has more keys: `tags: ["daily"], postgres: { adopt: true }`. */
type ModelText = (query: string, config?: string) => string;

export const modelOf =
  (type: string): ModelText =>
  (query, config = "") =>
    `config { type: "${type}"${config && `, ${config}`} }\n${query}`;

export const table = modelOf("table");
export const view = modelOf("view");
export const incremental = modelOf("incremental");
export const operations = modelOf("operations");

/** A model's own settings as a key of its config: `table("select 1 as id", postgres("adopt: true"))`. */
export const postgres = (block: string) => `postgres: { ${block} }`;

/** A source, as a model may read it. */
export const declaration = (name: string, schema = "raw") =>
  `config { type: "declaration", schema: "${schema}", name: "${name}" }`;

/** A table of one row, whose `id` that is. */
export const tableOf = (id: number | string, config?: string) => table(`select ${id} as id`, config);
