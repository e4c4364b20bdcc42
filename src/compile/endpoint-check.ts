import type { WrittenEndpoint } from "../config/load-endpoints.ts";
import { Place } from "../config/place.ts";
import type { YamlFile, YamlPath } from "../config/yaml.ts";
import type { DeclaredParameter, OrderColumn } from "../model/api.ts";
import type { Target } from "../model/target.ts";
import { balanced } from "../sql/authored.ts";
import { comparison } from "../sql/comparisons.ts";
import { id } from "../sql/identifiers.ts";
import { commentLine, empty, type Identifier, type Sql, sql } from "../sql/sql.ts";
import { marked, telling, WrittenSql } from "./written-sql.ts";

/** One select by which the server says what is wrong with the columns, at their lines. */
export function columnsCheck(
  yaml: YamlFile,
  { columns, where, path, order }: WrittenEndpoint,
  endpoint: Place,
  read: {
    readonly from: Target;
    readonly parameters: readonly DeclaredParameter[];
    readonly order: readonly OrderColumn[];
  },
): WrittenSql {
  const from = [...endpoint.path, "from"];
  const asked = [...endpoint.path, "path"];
  const check = new WrittenSql(yaml).made(commentLine(path), asked).line(sql`select`, asked);
  for (const [at, name] of (columns ?? []).entries()) {
    const place = [...endpoint.path, "columns", at];
    check.line(sql`  answer.${quoted(yaml, name, place)}${at < columns!.length - 1 ? sql`,` : empty}`, place);
  }
  if (!columns) check.line(sql`  answer.*`, from);
  check.line(sql`from ${marked(read.from)} as answer`, from).line(sql`where true`, from);
  if (where !== undefined) {
    const at = endpoint.in("where");
    telling(at, () => balanced(where, "where", "one SQL condition"));
    check.line(sql`and (`, at.path).line(empty, at.path).copied(where, at.path).line(sql`)`, at.path);
  }
  for (const { name, column, operator } of read.parameters) {
    const place = [...endpoint.path, "parameters", name, "column"];
    check.line(sql`and ${comparedWithItself(sql`answer.${quoted(yaml, column, place)}`, operator)}`, place);
  }
  for (const [at, { column, descending }] of read.order.entries()) {
    const place = order ? [...endpoint.path, "order", at] : from;
    const term = sql`answer.${quoted(yaml, column, place)}${descending ? sql` desc` : empty}`;
    if (at) check.made(sql`, ${term}`, place);
    else check.line(sql`order by ${term}`, place);
  }
  return check;
}

function quoted(yaml: YamlFile, name: string, path: YamlPath): Identifier {
  return telling(new Place(yaml, path), () => id(name));
}

/** A column as a parameter will be compared. */
function comparedWithItself(column: Sql, operator: DeclaredParameter["operator"]): Sql {
  switch (operator) {
    case "in":
      return sql`${column} = any (array[${column}])`;
    case "starts with":
    case "contains":
      return sql`${column} ~~ ''`;
    default:
      return comparison(column, operator, column);
  }
}
