import type { ApiFile, WrittenEndpoint, WrittenParameter } from "../config/load-endpoints.ts";
import { Place } from "../config/place.ts";
import { valueCheck } from "../config/value-check.ts";
import type { YamlPath } from "../config/yaml.ts";
import {
  type CachePolicy,
  comparesText,
  type DeclaredEndpoint,
  type DeclaredParameter,
  OF_EVERY_ENDPOINT,
  type OrderColumn,
} from "../model/api.ts";
import type { UserError } from "../model/errors.ts";
import { isModel, type Trace } from "../model/graph.ts";
import type { Target } from "../model/target.ts";
import { targetKey } from "../model/target.ts";
import { balanced } from "../sql/authored.ts";
import { id } from "../sql/identifiers.ts";
import type { HeldKeys } from "./held-keys.ts";
import { mistake } from "./mistake.ts";
import type { ReadableNames } from "./readable-names.ts";
import { marked, telling, WrittenSql } from "./written-sql.ts";

/** First words of addresses that the server itself answers. */
const OF_THE_SERVER = [
  "docs",
  "events",
  "explore",
  "health",
  "healthz",
  "metrics",
  "openapi.json",
  "openapi.yaml",
  "readyz",
  "site",
];

/** Reads one endpoint; `adopted` throws the first mistake in it, at its line. */
export class EndpointReader {
  readonly #file: ApiFile;
  readonly #at: Place;
  readonly #written: WrittenEndpoint;
  readonly #names: ReadableNames;
  readonly #keys: HeldKeys;

  constructor(file: ApiFile, index: number, names: ReadableNames, keys: HeldKeys) {
    this.#file = file;
    this.#at = file.place.in("endpoints", index);
    this.#written = file.written.endpoints[index]!;
    this.#names = names;
    this.#keys = keys;
  }

  adopted(): { readonly endpoint: DeclaredEndpoint; readonly trace: Trace } {
    const { path, title, text, where, columns, limit = 100, most = 1000, stream = true } = this.#written;
    this.#checkPath();
    const reads = this.#names.find(this.#written.from, this.#at.value("from"));
    const action = this.#names.actionOf(reads);
    const released = action !== undefined && isModel(action);
    this.#checkColumns();
    if (limit > most)
      throw mistake({
        message: "a page has more rows than it may have",
        ...this.#at.value(this.#written.limit === undefined ? "most" : "limit"),
        expected: `limit is at most ${most}`,
        found: `limit ${limit}`,
        hint: "raise most, or lower limit",
      });
    const parameters = this.#parameters();
    const order = this.#order(reads, released);
    const check = this.#check(reads, parameters, order);
    const endpoint: DeclaredEndpoint = {
      name: nameOf(path),
      path,
      title,
      ...(text ? { text } : {}),
      reads,
      released,
      ...(columns ? { columns } : {}),
      ...(where === undefined ? {} : { where }),
      parameters,
      order,
      limit,
      most,
      stream,
      cache: this.#cache(released),
      access: this.#written.access ?? "key",
      scope: this.#written.scope ?? this.#file.name,
      check: check.text,
    };
    return { endpoint, trace: check.trace };
  }

  #checkPath(): void {
    const { path, parameters = {} } = this.#written;
    const [first = ""] = path.slice(1).split("/");
    if (OF_THE_SERVER.includes(first) || first.startsWith("{"))
      throw mistake({
        message: first.startsWith("{")
          ? "a path that begins with a parameter would answer every address"
          : `addresses that begin with /${first} are the server's own`,
        ...this.#at.value("path"),
        expected: "a first word that is no parameter, and none of the server's own",
        found: path,
        hint: "begin it with a word of its own: /api/v1/…",
      });
    const names = namesIn(path);
    const twice = names.find((name, at) => names.indexOf(name) < at);
    if (twice !== undefined)
      throw mistake({
        message: `the path has {${twice}} twice`,
        ...this.#at.value("path"),
        expected: "each parameter once",
        found: path,
        hint: "give one of them another name",
      });
    for (const name of names)
      if (!Object.hasOwn(parameters, name))
        throw mistake({
          message: `nothing says what {${name}} filters by`,
          ...this.#at.value("path"),
          expected: `parameters: { ${name}: { column: … } }`,
          found: Object.keys(parameters).join(", ") || "no parameters",
          hint: "name the column that it is compared with",
        });
  }

  #checkColumns(): void {
    const { columns = [] } = this.#written;
    const twice = columns.findIndex((name, at) => columns.indexOf(name) < at);
    if (twice >= 0)
      throw mistake({
        message: `column ${columns[twice]} stands there twice`,
        ...this.#at.value("columns", twice),
        expected: "each column once",
        found: columns.join(", "),
        hint: "leave one out",
      });
  }

  #parameters(): DeclaredParameter[] {
    const { path, parameters = {} } = this.#written;
    const inPath = new Set(namesIn(path));
    return Object.entries(parameters).map(([name, written]) => {
      const at = this.#at.in("parameters", name);
      if (!/^[A-Za-z_][A-Za-z0-9_.-]{0,62}$/.test(name))
        throw mistake({
          message: `${JSON.stringify(name)} is no name of a parameter`,
          ...at.key(),
          expected: "letters, digits, _, . and -, a letter first",
          found: name,
          hint: "give it another name",
        });
      if (OF_EVERY_ENDPOINT.includes(name))
        throw mistake({
          message: `${name} is a parameter of every endpoint already`,
          ...at.key(),
          expected: `another name than ${OF_EVERY_ENDPOINT.join(", ")}`,
          found: name,
          hint: "give it another name: its column may be called like that",
        });
      return this.#parameter(name, written, inPath.has(name), at);
    });
  }

  #parameter(name: string, written: WrittenParameter, isInPath: boolean, at: Place): DeclaredParameter {
    const { column, operator = "=", schema, text, required = false, default: otherwise } = written;
    if (isInPath && otherwise !== undefined)
      throw mistake({
        message: `{${name}} stands in the path, so that it is always there`,
        ...at.key("default"),
        expected: "a default of a parameter in the query",
        found: otherwise,
        hint: "leave default out",
      });
    if (required && otherwise !== undefined)
      throw mistake({
        message: `${name} is required, and has a value where a request does not say it`,
        ...at.key("default"),
        expected: "required: true, or a default",
        found: otherwise,
        hint: "leave required or default out",
      });
    if (schema) checkSchema(schema, operator === "in" ? otherwise?.split(",") : otherwise, at);
    return {
      name,
      in: isInPath ? "path" : "query",
      column,
      operator,
      required: isInPath || required,
      ...(schema ? { schema } : {}),
      ...(text ? { text } : {}),
      ...(otherwise === undefined ? {} : { default: otherwise }),
    };
  }

  /** Columns with their directions; where it is a model's, they must end in what names a row. */
  #order(reads: Target, released: boolean): OrderColumn[] {
    const { unique, neverNull } = this.#keys.of(reads);
    const key = unique.find((columns) => columns.every((column) => neverNull.has(column)));
    const { order } = this.#written;
    if (order === undefined) {
      if (!released)
        throw mistake({
          message: `${targetKey(reads)} is in no release, so that nothing here says what names a row of it`,
          ...this.#at.value("from"),
          expected: "order: […], which ends in the columns of a unique index of the table that are not null",
          found: "no order",
          hint: "`dataform serve` looks for that index when it starts",
        });
      if (key) return key.map((column) => ({ column, descending: false, neverNull: true }));
      throw this.#noKey(reads, this.#at.value("from"), "order: is not said, and");
    }
    const read = order.map((written, index) => {
      const [, column, direction] = /^(.*?)(?:\s+(asc|desc))?$/i.exec(written.trim())!;
      const again = order.slice(0, index).some((one) => one.trim().replace(/\s+(?:asc|desc)$/i, "") === column);
      if (again || !column)
        throw mistake({
          message: `the order has ${column || "nothing"} twice`,
          ...this.#at.value("order", index),
          expected: "each column once",
          found: order.join(", "),
          hint: "leave one out",
        });
      return { column, descending: /^desc$/i.test(direction ?? ""), neverNull: neverNull.has(column) };
    });
    const names = new Set(read.map(({ column }) => column));
    const ends = unique.some((columns) => columns.every((column) => names.has(column) && neverNull.has(column)));
    if (released && !ends)
      throw this.#noKey(reads, this.#at.value("order"), `order: ${order.join(", ")} does not end in`);
    return read;
  }

  /** Pages go on behind the last row of the one before: rows that are alike, or NULL, would be left out in silence. */
  #noKey(reads: Target, at: ReturnType<Place["value"]>, found: string): UserError {
    const { unique, neverNull } = this.#keys.of(reads);
    const nullable = [...new Set(unique.flat())].filter((column) => !neverNull.has(column));
    const model = targetKey(reads);
    const hint = nullable.length
      ? `nothing holds that ${nullable.join(" and ")} ${nullable.length > 1 ? "are" : "is"} never NULL: add ${JSON.stringify(nullable)} to assertions: { nonNull } of ${model}`
      : unique.length
        ? `end it in ${unique.map((columns) => columns.join(", ")).join(" or ")}`
        : `give ${model} assertions: { uniqueKey: […], nonNull: […] }, which hold for each release`;
    return mistake({
      message: "the rows have no order in which each has a place of its own",
      ...at,
      expected: "an order that ends in columns of which an assertion holds that they are unique and never NULL",
      found: `${found} a key of ${model}`,
      hint,
    });
  }

  #cache(released: boolean): CachePolicy {
    const { cache } = this.#written;
    const seconds = /^(\d+)s$/.exec(cache ?? "")?.[1];
    const at = this.#at.value("cache");
    if (released && seconds !== undefined)
      throw mistake({
        message: "a model's answer is kept as long as its release is the published one: no time says that",
        ...at,
        expected: "cache: release, or none",
        found: cache!,
        hint: "leave cache out: an answer is of the published release then",
      });
    if (!released && cache === "release")
      throw mistake({
        message: `${this.#written.from} is in no release: nothing tells when it changes`,
        ...at,
        expected: "cache: none, or so many seconds: 30s",
        found: cache,
        hint: "for so long an answer may be out of date",
      });
    if (seconds !== undefined) return { seconds: Number(seconds) };
    return (cache as "release" | "none" | undefined) ?? (released ? "release" : "none");
  }

  /** One select by which the server says what is wrong with the columns, at their lines. */
  #check(reads: Target, parameters: readonly DeclaredParameter[], order: readonly OrderColumn[]): WrittenSql {
    const { columns, where, path } = this.#written;
    const sql = new WrittenSql(this.#file.yaml).made(`-- ${path}\nselect\n  `, [...this.#at.path, "path"]);
    if (columns)
      for (const [at, name] of columns.entries()) {
        const place = [...this.#at.path, "columns", at];
        sql.made(`${at ? ",\n  " : ""}answer.${this.#id(name, place)}`, place);
      }
    else sql.made("answer.*", [...this.#at.path, "from"]);
    sql.made(`\nfrom ${marked(reads)} as answer\nwhere true`, [...this.#at.path, "from"]);
    if (where !== undefined) {
      const at = this.#at.in("where");
      telling(at, () => balanced(where, "where", "one SQL condition"));
      sql.made("\nand (\n", at.path).copied(where, at.path).made("\n)", at.path);
    }
    for (const { name, column, operator } of parameters) {
      const place = [...this.#at.path, "parameters", name, "column"];
      const compared = `answer.${this.#id(column, place)}`;
      const other = operator === "in" ? `any (array[${compared}])` : compared;
      const symbol = operator === "in" ? "=" : operator;
      sql.made(comparesText(operator) ? `\nand ${compared} ~~ ''` : `\nand ${compared} ${symbol} ${other}`, place);
    }
    const asked = this.#written.order;
    for (const [at, { column, descending }] of order.entries()) {
      const place = asked ? [...this.#at.path, "order", at] : [...this.#at.path, "from"];
      sql.made(`${at ? ", " : "\norder by "}answer.${this.#id(column, place)}${descending ? " desc" : ""}`, place);
    }
    return sql;
  }

  #id(name: string, path: YamlPath): string {
    return telling(new Place(this.#file.yaml, path), () => id(name).toString());
  }
}

/** A schema that is one, and takes what it is to have where a request says nothing. */
function checkSchema(
  schema: NonNullable<WrittenParameter["schema"]>,
  otherwise: string | readonly string[] | undefined,
  at: Place,
): void {
  let check: ReturnType<typeof valueCheck>;
  try {
    check = valueCheck(schema);
  } catch (error) {
    throw mistake({
      message: "the schema is no JSON Schema of a value",
      ...at.value("schema"),
      expected: "JSON Schema of a text, a number or a boolean",
      found: (error as Error).message,
      hint: "schema: { type: integer, minimum: 1 }, or { enum: [paid, sent] }",
    });
  }
  for (const one of otherwise === undefined ? [] : [otherwise].flat()) {
    const wrong = check(one);
    if (wrong)
      throw mistake({
        message: `default ${wrong}`,
        ...at.value("default"),
        expected: "a value that its schema takes",
        found: one,
        hint: "correct default, or schema",
      });
  }
}

function namesIn(path: string): string[] {
  return [...path.matchAll(/\{([^}]*)\}/g)].map(([, name]) => name!);
}

/** `GET /api/v1/orders/{customer}` is `api_v1_orders_customer`. */
function nameOf(path: string): string {
  return path.replace(/[^A-Za-z0-9]+/g, "_").replace(/^_|_$/g, "");
}
