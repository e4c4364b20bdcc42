import type { ApiFile, WrittenEndpoint } from "../config/load-endpoints.ts";
import type { Place } from "../config/place.ts";
import type { CachePolicy, DeclaredEndpoint } from "../model/api.ts";
import { isModel, type Trace } from "../model/graph.ts";
import { columnsCheck } from "./endpoint-check.ts";
import { readOrder } from "./endpoint-order.ts";
import { namesIn, readParameters } from "./endpoint-parameters.ts";
import type { HeldKeys } from "./held-keys.ts";
import { mistake } from "./mistake.ts";
import type { ReadableNames } from "./readable-names.ts";

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
    const parameters = readParameters(this.#written, this.#at);
    const order = readOrder(this.#written, this.#at, { target: reads, released, keys: this.#keys });
    const check = columnsCheck(this.#file.yaml, this.#written, this.#at, { from: reads, parameters, order });
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
}

/** `GET /api/v1/orders/{customer}` is `api_v1_orders_customer`. */
function nameOf(path: string): string {
  return path.replace(/[^A-Za-z0-9]+/g, "_").replace(/^_|_$/g, "");
}
