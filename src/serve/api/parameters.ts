import { type ValueCheck, valueCheck } from "../../config/value-check.ts";
import { comparesText, type DeclaredEndpoint, type DeclaredParameter, OF_EVERY_ENDPOINT } from "../../model/api.ts";
import { UserError } from "../../model/errors.ts";
import { nearest } from "../../model/nearest.ts";
import { parameterSchema } from "./cells.ts";
import { type Mistake, Problem } from "./problem.ts";

/** What a request says of a declared parameter, as texts for the server. */
export interface Given {
  readonly parameter: DeclaredParameter;
  readonly value: string | readonly string[];
}

/** What every endpoint takes besides. */
interface Paging {
  /** Rows of a page. */
  readonly limit: number;
  readonly cursor?: string;
  /** A kept release that is read instead of the current one. */
  readonly release?: number;
  /** Numbers of any length as they are, instead of texts. */
  readonly numbers: "text" | "json";
}

export interface Read {
  readonly given: readonly Given[];
  readonly paging: Paging;
  /** The same for every way of writing the same request. */
  readonly canonical: string;
}

type Query = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Values of one `in`. */
const MOST_VALUES = 1000;

/** Reads the parameters of requests of one endpoint, each checked against its schema. */
export class ParameterReader {
  readonly #endpoint: DeclaredEndpoint;
  readonly #checks: ReadonlyMap<string, ValueCheck>;
  /** What may stand in the query. */
  readonly #known: ReadonlySet<string>;

  /**
   * @param types of the relation's columns
   * @throws UserError for a default that the column refuses
   */
  constructor(endpoint: DeclaredEndpoint, types: ReadonlyMap<string, string>) {
    this.#endpoint = endpoint;
    this.#checks = new Map(
      endpoint.parameters.map((one) => [one.name, valueCheck(one.schema ?? defaultSchema(one, types))]),
    );
    const named = endpoint.parameters.flatMap((one) => (one.in === "query" ? one.name : []));
    this.#known = new Set([...OF_EVERY_ENDPOINT, ...named]);
    for (const one of endpoint.parameters) refuseDefault(endpoint, one, this.#checks.get(one.name)!);
  }

  /**
   * @param path values of the parameters in the path
   * @throws Problem with everything that is wrong
   */
  read(path: Readonly<Record<string, string>>, query: Query): Read {
    const { parameters, limit, most } = this.#endpoint;
    const mistakes: Mistake[] = [];
    const given: Given[] = [];
    for (const parameter of parameters) {
      const { name, in: where, operator } = parameter;
      const pointer = `/${where}/${name}`;
      const said = where === "path" ? path[name] : query[name];
      const written = said ?? parameter.default;
      if (written === undefined) {
        if (parameter.required) mistakes.push({ pointer, detail: "is missing" });
        continue;
      }
      const values = operator === "in" ? [written].flat().flatMap((one) => one.split(",")) : [written].flat();
      if (operator !== "in" && values.length > 1) {
        mistakes.push({ pointer, detail: "is said twice" });
        continue;
      }
      if (values.length > MOST_VALUES) {
        mistakes.push({ pointer, detail: `has ${values.length} values; at most ${MOST_VALUES} are taken` });
        continue;
      }
      const wrong = values.flatMap((one) => this.#checks.get(name)!(one) ?? []);
      mistakes.push(...wrong.slice(0, 3).map((detail) => ({ pointer, detail })));
      given.push({ parameter, value: operator === "in" ? values : values[0]! });
    }
    for (const name of Object.keys(query))
      if (!this.#known.has(name)) mistakes.push({ pointer: `/query/${name}`, detail: unknown(name, [...this.#known]) });
    const paging = readPaging(query, { limit, most }, mistakes);
    if (mistakes.length) throw new Problem("invalid-request", { detail: sentence(mistakes), errors: mistakes });
    const canonical = JSON.stringify(given.map(({ parameter, value }) => [parameter.name, value]));
    return { given, paging, canonical };
  }
}

function refuseDefault(
  { path }: DeclaredEndpoint,
  { name, default: text, operator }: DeclaredParameter,
  check: ValueCheck,
) {
  for (const one of text === undefined ? [] : operator === "in" ? text.split(",") : [text]) {
    const wrong = check(one);
    if (wrong)
      throw new UserError({
        message: `parameter ${name} of ${path}: its default ${wrong}`,
        found: one,
        hint: "correct default in serve/*.yaml, or say its schema",
      });
  }
}

function unknown(name: string, known: readonly string[]): string {
  const meant = nearest(name, known);
  return `is no parameter of this address${meant ? `; did you mean ${meant}?` : `, which has ${known.join(", ")}`}`;
}

function sentence(mistakes: readonly Mistake[]): string {
  return mistakes.map(({ pointer, detail }) => `${pointer.split("/").at(-1)} ${detail}`).join("; ");
}

function readPaging(
  query: Query,
  { limit, most }: Pick<DeclaredEndpoint, "limit" | "most">,
  mistakes: Mistake[],
): Paging {
  const one = (name: string) => {
    const said = query[name];
    if (typeof said === "object") mistakes.push({ pointer: `/query/${name}`, detail: "is said twice" });
    return typeof said === "string" ? said : undefined;
  };
  const whole = (name: string, max: number) => {
    const text = one(name);
    if (text === undefined) return undefined;
    if (/^[1-9]\d{0,15}$/.test(text) && Number(text) <= max) return Number(text);
    mistakes.push({ pointer: `/query/${name}`, detail: `must be a whole number from 1 to ${max}` });
    return undefined;
  };
  const numbers = one("numbers") ?? "text";
  if (numbers !== "text" && numbers !== "json")
    mistakes.push({ pointer: "/query/numbers", detail: "must be text or json" });
  const cursor = one("cursor");
  const release = whole("release", Number.MAX_SAFE_INTEGER);
  return {
    limit: whole("limit", most) ?? limit,
    ...(cursor === undefined ? {} : { cursor }),
    ...(release === undefined ? {} : { release }),
    numbers: numbers as Paging["numbers"],
  };
}

function defaultSchema({ operator, column }: DeclaredParameter, types: ReadonlyMap<string, string>) {
  return comparesText(operator) ? { type: "string" } : parameterSchema(types.get(column)!);
}
