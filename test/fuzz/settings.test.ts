import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { stringify } from "yaml";
import { loadIngest } from "../../src/config/load-ingest.ts";
import { infer } from "../../src/infer/infer.ts";
import { ingest } from "../../src/land/ingest.ts";
import type { IngestDeclaration } from "../../src/model/declarations.ts";
import { UserError, type UserErrorDetails, UserErrors } from "../../src/model/errors.ts";
import { ingestSchema } from "../../src/schemas/ingest/declaration.ts";
import { within } from "../../src/wait/timers.ts";
import { fuzzing } from "../support/fuzzing.ts";
import { ingestDatabase } from "../support/ingest-database.ts";
import { complaints, mutated } from "../support/mutating.ts";

// Every setting of a declaration and of a record schema with every odd value, over files whole and broken: what is taken
// works, what is not is told with its file and place. Nothing is a defect, a stack, or goes on for ever.

const { timeLimit, timeout } = fuzzing("settings");
const inferring = fuzzing("infer");
const HANGS = 20_000;
const db = ingestDatabase();

const recordSchema = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  description: "Orders",
  type: "object",
  required: ["id"],
  additionalProperties: true,
  properties: {
    id: { type: "integer", description: "Its number", minimum: 0, maximum: 99, multipleOf: 1 },
    name: { type: ["string", "null"], maxLength: 40, minLength: 0, pattern: "^[^!]*$", enum: ["x", "é", null] },
    at: { type: "string", format: "date-time" },
    amount: { type: "number", postgresType: "numeric(10,2)", exclusiveMinimum: -1 },
    tags: { type: "array", items: { type: "string" }, const: [] },
  },
};

const common = {
  name: "rows",
  table: "rows",
  recordSchema,
  drift: "evolve",
  batch: { kind: "slice", by: ["id"], maxShrink: "30%", asOf: "(\\d+)" },
  indexes: [["id"], ["name", "at"]],
};
const bucket = {
  by: "load_date",
  keepDays: 9,
  archive: { to: "s3://bucket/a", s3: { accessKeyId: "${TOKEN}", secretAccessKey: "${TOKEN}" } },
};
const partition = { by: "load_date", every: "day", keepDays: 9, archive: { to: "lake" } };
const byColumn = { by: "column", column: "name", values: ["x", "é"] };
const cursor = { field: "at" };
const patience = { retry: { attempts: 1, maxDelaySeconds: 1 }, timeoutSeconds: 1, allowHosts: ["files.example"] };
const read = {
  files: "rows.*",
  changed: "version",
  settleSeconds: 0,
  doneSuffix: ".done",
  sequence: "rows-(\\d+)",
  minRows: 0,
  maxBytes: 100_000,
};
const samples = join(import.meta.dirname, "../sources/formats/files");
const ndjson = '{"id":1,"name":"x","at":"2026-01-01T00:00:00Z","amount":1.50,"tags":[]}\n{"id":2,"more":{"a":[1]}}\n';
const dates = ["DD.MM.YYYY", { at: "YYYY-MM-DD" }];

/** A file of each format, and how it is declared with everything that can be said of it. */
const FORMATS: Readonly<Record<string, { readonly options: object; readonly whole: Buffer }>> = {
  csv: {
    options: {
      ...{ delimiter: ";", quote: '"', escape: '"', header: true, encoding: "utf-8", null: ["", "-"], forceNull: true },
      ...{ decimal: ",", thousands: ".", dates: dates[1], comment: "#", zeroBytes: "remove", skipLines: 0 },
      ...{ trailer: "END", columns: { No: "id" }, finalNewline: true },
    },
    whole: Buffer.from('No;name;at;amount\n1;x;2026-01-01;1.000,50\n2;"a ""b""";;-\nEND 2\n'),
  },
  ndjson: { options: { encoding: "utf-8" }, whole: Buffer.from(ndjson) },
  json: { options: { records: "data" }, whole: Buffer.from(`{"data":[${ndjson.trim().replace("\n", ",")}]}`) },
  "json of a map": {
    options: { records: "", shape: "map", key: "id" },
    whole: Buffer.from('{"1":{"name":"x"},"2":{"amount":1.50}}'),
  },
  "json of rows": {
    options: { shape: "rows", fields: ["id", "name"] },
    whole: Buffer.from('[[1,"x"],[2,null]]'),
  },
  "json within json": {
    options: { records: "a[].b[]", parent: { name: "../name" } },
    whole: Buffer.from('{"a":[{"name":"x","b":[{"id":1},{"id":2}]},{"b":null}]}'),
  },
  xml: {
    options: { record: "a/r", fields: { id: "@id", name: "n", tags: "t[]" } },
    whole: Buffer.from('<?xml version="1.0"?><a><r id="1"><n>x</n><t>1</t></r><r id="2"><n>&lt;é</n></r></a>'),
  },
  avro: { options: {}, whole: readFileSync(join(samples, "small.avro")) },
  parquet: { options: {}, whole: readFileSync(join(samples, "small.parquet")) },
  xlsx: {
    options: {
      ...{ sheet: 1, range: "A1:F9", header: true, skipRows: 0, null: ["#N/A"], decimal: ",", thousands: "." },
      ...{ dates: dates[0], columns: { No: "id" } },
    },
    whole: readFileSync(join(samples, "mac.xlsx")),
  },
};

const kindOf = (format: string) => format.split(" ")[0]!;

const head = { version: 1, source: "shop", schema: "raw" };
const secret = (name: string) => `\${${name}}`;
const http = { baseUrl: "https://shop.example", headers: { "x-a": "b" }, ...patience };
const auths = [
  { bearer: secret("TOKEN") },
  { header: { name: "x-key", value: secret("TOKEN") } },
  { basic: { user: "ann", password: secret("TOKEN") } },
  {
    oauth2: {
      ...{ grant: "refresh_token", tokenUrl: "https://shop.example/t", clientId: "a", scope: "read" },
      ...{ clientSecret: secret("TOKEN"), refreshToken: secret("TOKEN") },
    },
  },
];
const pagings = [
  { cursorParam: "c", cursorPath: "next", limitParam: "n", limit: 9, totalPath: "total", maxPages: 9 },
  { pageParam: "p", firstPage: 0 },
  { offsetParam: "o", limit: 9 },
  { nextLink: "link" },
];
const rest = { ...common, path: "/a", records: "data", recordsOptional: true, params: { a: "b" } };
const job = {
  ...{ method: "POST", body: { a: 1 }, idPath: "id", statusPath: "/s/{id}", statusField: "s", done: ["ok"] },
  ...{ failed: ["no"], resultPath: "/r/{id}", pollSeconds: 1, timeoutSeconds: 9 },
};
const window = { startParam: "a", endParam: "b", start: "2026-01-01", days: 9, lookbackDays: 1 };

/** Declarations that have every key among them. */
const DECLARATIONS: readonly object[] = [
  ...Object.entries(FORMATS).map(([format, { options }], at) => ({
    ...head,
    files: { at: "data", ...patience },
    streams: [
      {
        ...common,
        ...read,
        partition: at % 2 ? partition : byColumn,
        format: kindOf(format),
        [kindOf(format)]: options,
      },
    ],
  })),
  {
    ...head,
    files: {
      ...{ at: "s3://bucket/a", user: "ann", password: secret("TOKEN"), privateKey: secret("TOKEN"), hostKey: "abc" },
      headers: { "x-a": "b" },
      s3: {
        ...{ endpoint: "http://127.0.0.1:1", region: "eu", accessKeyId: secret("TOKEN") },
        ...{ secretAccessKey: secret("TOKEN"), sessionToken: secret("TOKEN") },
      },
    },
    streams: [{ ...common, ...read, format: "ndjson", freshness: { warn: "25h", error: "49h" } }],
  },
  ...auths.map((auth, at) => ({
    ...head,
    rest: { ...http, auth, paging: pagings[at], status: { path: "code", ok: ["0"], retry: ["1"] } },
    streams: [
      { ...rest, cursor: { ...cursor, param: "since" }, body: { q: "{since}" } },
      { ...rest, name: "b", table: "b", window },
      { ...rest, name: "c", table: "c", job: at % 2 ? job : { ...job, resultPath: undefined, resultUrlField: "url" } },
    ],
  })),
  {
    ...head,
    sql: { url: secret("URL") },
    streams: [
      { ...common, from: "shop.rows", cursor: { field: "name", order: "bytes" } },
      { ...common, name: "b", table: "b", query: "select 1 as id" },
    ],
  },
  {
    ...head,
    collect: {
      ...{ scope: "collect", dedupe: "7d", clockSkew: "5m", maxEventBytes: 1000, maxRequestBytes: 100_000 },
      spool: { for: "1h", maxMegabytes: 8, folder: "spool" },
    },
    streams: [{ ...common, type: "seen", version: 2, drift: "quarantine", batch: { kind: "log" }, partition: bucket }],
  },
  {
    ...head,
    collect: {
      produce: { brokers: "127.0.0.1:1", protocol: "classic", topic: "a", key: "name", group: "g", start: "latest" },
    },
    streams: [{ ...common, batch: { kind: "log" } }],
  },
  {
    ...head,
    kafka: {
      brokers: "127.0.0.1:1",
      protocol: "classic",
      tls: { ca: "ca.pem", cert: "cert.pem", key: "${TOKEN}", serverName: "x" },
    },
    streams: [
      {
        ...common,
        batch: { kind: "log" },
        topic: ["a", "b"],
        group: "g",
        keyFormat: "bytes",
        metadata: ["key"],
        tombstones: "skip",
        start: "latest",
      },
    ],
  },
  {
    ...head,
    kafka: {
      brokers: "127.0.0.1:1",
      sasl: { mechanism: "oauthbearer", token: "${TOKEN}" },
      registry: { baseUrl: http.baseUrl },
    },
    streams: [{ ...common, batch: { kind: "log" }, topic: "a", format: "protobuf" }],
  },
  {
    ...head,
    kafka: { brokers: "127.0.0.1:1" },
    streams: [{ ...common, batch: { kind: "log" }, topic: "a", format: "protobuf", schema: "a.proto", message: "A" }],
  },
  {
    ...head,
    soap: { ...http, auth: auths[0] },
    streams: [
      { ...common, path: "/a", action: "x", body: "<a>{since}</a>", version: "1.1", xml: FORMATS.xml!.options, cursor },
    ],
  },
];

const ODD: readonly unknown[] = [
  ...[null, true, false, 0, -1, 1.5, 1e300, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53],
  ...["", " ", "\0", "\ud800", "\u202e", "a\nb", "9".repeat(400), "x".repeat(3000), "é".repeat(40)],
  ...[
    "${",
    "${UNSET}",
    "${TOKEN}",
    "${HOME}/x",
    "../..",
    "/",
    "(",
    "[",
    "*",
    "{a,b",
    "?",
    "%zz",
    "\\",
    "{since}",
    "a.b",
  ],
  ...[
    "__proto__",
    "constructor",
    "toString",
    "_load_id",
    "ctid",
    "select",
    "2026-02-30",
    "1e999",
    "http://[",
    "file:///etc",
  ],
  ...[
    "(a+)+$",
    "(?<=a)",
    "int[]",
    "crm.mood",
    "numeric(1000,1000)",
    "varchar(0)",
    '"',
    "text; drop table x",
    "trigger",
  ],
  ...[[], {}, [null], [[]], [[[]]], { a: 1 }, [{}], ["id", "id"], { type: "x" }, { $ref: "#" }, { $ref: "#/nowhere" }],
  { type: "string", default: "\0", description: "a\0b" },
];

type Path = readonly (string | number)[];

function pathsOf(value: unknown, path: Path = []): Path[] {
  const inner = Array.isArray(value)
    ? value.flatMap((one, at) => pathsOf(one, [...path, at]))
    : value !== null && typeof value === "object"
      ? Object.entries(value).flatMap(([key, one]) => pathsOf(one, [...path, key]))
      : [];
  return path.length ? [path, ...inner] : inner;
}

/** The same with another value, or another key, at a path. */
function replaced(value: unknown, [key, ...path]: Path, odd: unknown, asKey: boolean): unknown {
  const isLast = path.length === 0;
  const change = (one: unknown) => (isLast ? odd : replaced(one, path, odd, asKey));
  if (Array.isArray(value)) return value.map((one, at) => (at === key ? change(one) : one));
  return Object.fromEntries(
    Object.entries(value as object).map(([name, one]) => {
      if (name !== key) return [name, one];
      return isLast && asKey ? [String(odd), one] : [name, change(one)];
    }),
  );
}

// From a number: whoever is asked again, as when a failure is made smaller, gives the same again.
const random = fc.nat().map((seed) => () => {
  let state = seed;
  return (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state >>> 8) % below;
  };
});

const inputs = fc.nat(DECLARATIONS.length - 1).chain((declared) => {
  const whole = JSON.parse(JSON.stringify(DECLARATIONS[declared])) as object;
  return fc.record({
    declared: fc.constant(declared),
    changed: fc
      .record({ path: fc.constantFrom(...pathsOf(whole)), odd: fc.constantFrom(...ODD), asKey: fc.boolean() })
      .map(({ path, odd, asKey }) =>
        replaced(whole, path, odd, asKey && typeof odd === "string" && typeof path.at(-1) === "string"),
      ),
    breaking: fc.option(random),
  });
});

const dir = mkdtempSync(join(tmpdir(), "dataform-settings-"));
for (const folder of ["ingest", "data"]) mkdirSync(join(dir, folder));
afterAll(() => rmSync(dir, { recursive: true }));
const write = (name: string, content: string | Buffer) => writeFileSync(join(dir, name), content);

const env = { TOKEN: "s3cret-value", URL: "postgresql://127.0.0.1:1/x" };

/** What is wrong with what came of it. Empty where nothing is. */
async function outcome({ declared, changed, breaking }: typeof inputs extends fc.Arbitrary<infer T> ? T : never) {
  write("ingest/shop.yaml", stringify(changed));
  const format = Object.keys(FORMATS)[declared];
  const placed = (one: UserErrorDetails) => [...complaints(one), ...(one.location ? [] : [`no place: ${one.message}`])];
  let declaration: IngestDeclaration;
  try {
    declaration = loadIngest(join(dir, "ingest/shop.yaml"), { projectDir: dir, env });
  } catch (error) {
    if (error instanceof UserErrors) return error.errors.flatMap(placed);
    return error instanceof UserError ? placed(error) : [`it throws: ${(error as Error).stack}`];
  }
  if (format === undefined) return [];
  const { whole } = FORMATS[format]!;
  write(`data/rows.${kindOf(format)}`, breaking ? mutated(whole, breaking()) : whole);
  write(`data/rows.${kindOf(format)}.done`, "");
  const { streams } = await ingest(declaration, db.settings, { waitTimeout: 1000 });
  const errors = streams.flatMap(({ error, files = [] }) => [error, ...files.map((file) => file.error)]);
  return errors.flatMap((error) => (error ? complaints(error) : []));
}

test("each key of a declaration stands in one of those that are tried, and they are right", () => {
  const keysOf = (schema: unknown): string[] => {
    if (schema === null || typeof schema !== "object") return [];
    const own = Object.keys((schema as { properties?: object }).properties ?? {});
    return [...own, ...Object.values(schema).flatMap(keysOf)];
  };
  const tried = new Set(DECLARATIONS.flatMap((one) => pathsOf(one)).flat());
  expect([...new Set(keysOf(ingestSchema))].filter((key) => !tried.has(key))).toEqual([]);
  write("ingest/a.proto", 'syntax = "proto3"; message A { int64 id = 1; }');
  for (const declared of DECLARATIONS) {
    write("ingest/shop.yaml", stringify(JSON.parse(JSON.stringify(declared))));
    try {
      loadIngest(join(dir, "ingest/shop.yaml"), { projectDir: dir, env });
    } catch (error) {
      throw new Error(`${JSON.stringify(declared)}\n${(error as Error).message}`);
    }
  }
});

test("any setting with any value, over any file, is done or told with its place", { timeout }, async () => {
  const property = fc.asyncProperty(inputs, async (input) => {
    await db.rows("drop schema if exists raw cascade");
    expect(await within(HANGS, outcome(input), () => ["it hangs"])).toEqual([]);
  });
  await fc.assert(property, timeLimit);
});

test("what infer looks at, whole or broken, is told, or becomes a declaration that can be read", {
  timeout: inferring.timeout,
}, async () => {
  const looked = fc.tuple(fc.constantFrom(...Object.keys(FORMATS)), fc.option(random));
  const property = fc.asyncProperty(looked, async ([format, breaking]) => {
    const { whole } = FORMATS[format]!;
    const what = `data/looked.${kindOf(format)}`;
    const looked = breaking ? mutated(whole, breaking()) : whole;
    write(what, looked);
    // A declaration of another run, or of the test before, would be read, too.
    rmSync(join(dir, "ingest"), { recursive: true, force: true });
    mkdirSync(join(dir, "ingest"));
    const found = infer({ projectDir: dir, env, what, hints: {}, force: true }).then(({ text }) => {
      write("ingest/looked.yaml", text);
      loadIngest(join(dir, "ingest/looked.yaml"), { projectDir: dir, env });
      return [];
    });
    const told = found.catch((error: Error) =>
      error instanceof UserError ? complaints(error) : [`it throws: ${error.stack}`],
    );
    // The bytes themselves, so that a failure needs no seed.
    expect([await within(HANGS, told, () => ["it hangs"]), what, looked.toString("base64")]).toEqual([
      [],
      what,
      expect.anything(),
    ]);
  });
  await fc.assert(property, inferring.timeLimit);
});
