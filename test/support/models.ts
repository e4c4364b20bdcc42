/** The text of a model. `config` has more keys: `tags: ["daily"], postgres: { adopt: true }`. */
type ModelText = (query: string, config?: string) => string;

const modelOf =
  (type: string): ModelText =>
  (query, config = "") =>
    `config { type: "${type}"${config && `, ${config}`} }\n${query}`;

export const table = modelOf("table");
export const view = modelOf("view");

/** A table of one row, whose `id` that is. */
export const tableOf = (id: number | string, config?: string) => table(`select ${id} as id`, config);
