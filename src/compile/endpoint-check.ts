import type { WrittenEndpoint } from "../config/load-endpoints.ts";
import { Place } from "../config/place.ts";
import type { YamlFile, YamlPath } from "../config/yaml.ts";
import { comparesText, type DeclaredParameter, type OrderColumn } from "../model/api.ts";
import type { Target } from "../model/target.ts";
import { balanced } from "../sql/authored.ts";
import { id } from "../sql/identifiers.ts";
import { marked, telling, WrittenSql } from "./written-sql.ts";

/** One select by which the server says what is wrong with the columns, at their lines. */
export function columnsCheck(
  yaml: YamlFile,
  { columns, where, path, order: asked }: WrittenEndpoint,
  endpoint: Place,
  read: {
    readonly from: Target;
    readonly parameters: readonly DeclaredParameter[];
    readonly order: readonly OrderColumn[];
  },
): WrittenSql {
  const sql = new WrittenSql(yaml).made(`-- ${path}\nselect\n  `, [...endpoint.path, "path"]);
  if (columns)
    for (const [at, name] of columns.entries()) {
      const place = [...endpoint.path, "columns", at];
      sql.made(`${at ? ",\n  " : ""}answer.${quoted(yaml, name, place)}`, place);
    }
  else sql.made("answer.*", [...endpoint.path, "from"]);
  sql.made(`\nfrom ${marked(read.from)} as answer\nwhere true`, [...endpoint.path, "from"]);
  if (where !== undefined) {
    const at = endpoint.in("where");
    telling(at, () => balanced(where, "where", "one SQL condition"));
    sql.made("\nand (\n", at.path).copied(where, at.path).made("\n)", at.path);
  }
  for (const { name, column, operator } of read.parameters) {
    const place = [...endpoint.path, "parameters", name, "column"];
    const compared = `answer.${quoted(yaml, column, place)}`;
    const other = operator === "in" ? `any (array[${compared}])` : compared;
    const symbol = operator === "in" ? "=" : operator;
    sql.made(comparesText(operator) ? `\nand ${compared} ~~ ''` : `\nand ${compared} ${symbol} ${other}`, place);
  }
  for (const [at, { column, descending }] of read.order.entries()) {
    const place = asked ? [...endpoint.path, "order", at] : [...endpoint.path, "from"];
    sql.made(`${at ? ", " : "\norder by "}answer.${quoted(yaml, column, place)}${descending ? " desc" : ""}`, place);
  }
  return sql;
}

function quoted(yaml: YamlFile, name: string, path: YamlPath): string {
  return telling(new Place(yaml, path), () => id(name).toString());
}
