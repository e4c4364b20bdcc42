import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { loadIngest } from "../../src/config/load-ingest.ts";
import type { CollectDeclaration, RestDeclaration } from "../../src/model/declarations.ts";
import { formatUserError, type UserError, UserErrors } from "../../src/model/errors.ts";

const env = { SHOP_URL: "https://shop.example/api", SHOP_TOKEN: "canary-token" };

const good = `version: 1
source: shop
rest:
  baseUrl: \${SHOP_URL}
  auth:
    bearer: \${SHOP_TOKEN}
  paging: { cursorParam: cursor, cursorPath: next }
streams:
  - name: items
    path: /items
    records: data
    table: shop_items
    recordSchema: schemas/items.json
    cursor: { field: updated_at, param: since }
`;

const schema = {
  type: "object",
  description: "Things",
  required: ["id"],
  properties: {
    id: { type: "string", description: "Its name" },
    updated_at: { type: "string", format: "date-time" },
    day: { type: ["string", "null"], format: "date" },
    count: { type: "integer" },
    weight: { type: "number" },
    price: { type: "string", postgresType: "numeric" },
    at: { type: "string", postgresType: "timestamptz" },
    ok: { type: "boolean" },
    tags: { type: "array" },
    more: { type: "object" },
  },
};

function project(yaml: string, recordSchema: unknown = schema): string {
  const folder = mkdtempSync(join(tmpdir(), "dataform-ingest-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, "ingest/schemas"), { recursive: true });
  writeFileSync(join(folder, "ingest/shop.yaml"), yaml);
  const text = typeof recordSchema === "string" ? recordSchema : JSON.stringify(recordSchema, null, 2);
  writeFileSync(join(folder, "ingest/schemas/items.json"), text);
  return folder;
}

function load(yaml: string, recordSchema?: unknown, variables: object = env) {
  const projectDir = project(yaml, recordSchema);
  return loadIngest(join(projectDir, "ingest/shop.yaml"), { projectDir, env: variables as typeof env });
}

function mistakes(...args: Parameters<typeof load>): readonly UserError[] {
  try {
    load(...args);
  } catch (error) {
    return error instanceof UserErrors ? error.errors : [error as UserError];
  }
  return expect.fail("nothing was thrown");
}

describe("a declaration", () => {
  test("gives the source, its streams and the columns of their records", () => {
    const declaration = load(good);
    expect(declaration).toMatchObject({
      file: "ingest/shop.yaml",
      source: "shop",
      schema: "raw",
      connector: {
        kind: "rest",
        baseUrl: "https://shop.example/api",
        retry: { attempts: 5, maxDelaySeconds: 30 },
        timeoutSeconds: 60,
      },
    });
    expect(declaration.streams[0]!.recordSchema.columns.map(({ name, type }) => `${name} ${type}`)).toEqual([
      "id text",
      "updated_at timestamp with time zone",
      "day date",
      "count bigint",
      "weight numeric",
      "price numeric",
      "at timestamptz",
      "ok boolean",
      "tags jsonb",
      "more jsonb",
    ]);
  });

  test.each([
    ["id", "{ field: id, param: since }", "22", "is text in", "order: bytes"],
    ["ok", "{ field: ok, param: since }", "22", "is boolean in", "follow another field"],
    ["more", "{ field: more, order: bytes, param: since }", "22", "is jsonb in", "follow another field"],
    ["count", "{ field: count, order: bytes, param: since }", "36", "is bigint in", "leave order out"],
  ])("whose cursor no load could follow is refused at its place: %s", (_, cursor, column, message, hint) => {
    const [error, ...more] = mistakes(good.replace("{ field: updated_at, param: since }", cursor));
    expect(more).toEqual([]);
    expect(error).toMatchObject({
      message: expect.stringContaining(message),
      location: { file: "ingest/shop.yaml", line: 14, column: Number(column) },
      hint: expect.stringContaining(hint),
      exitCode: 2,
    });
  });

  test.each(["{ field: id, order: bytes, param: since }", "{ field: price, param: since }"])(
    "takes the cursor %s",
    (cursor) => {
      expect(load(good.replace("{ field: updated_at, param: since }", cursor)).streams[0]!.cursor).toBeDefined();
    },
  );

  test("how new a stream is to be is said by itself, or else by its source, in seconds", () => {
    const withStream = (own: string) =>
      `${good.replace("source: shop\n", "source: shop\nfreshness: { warn: 25h }\n")}${own}`;
    expect(load(withStream("")).streams[0]!.freshness).toEqual({ warn: 90_000 });
    expect(load(withStream("    freshness: { error: 90m, by: day }\n")).streams[0]!.freshness).toEqual({
      error: 5_400,
      by: "day",
    });
    expect(load(good).streams[0]).not.toHaveProperty("freshness");
  });

  test.each([
    ["{}", "freshness"],
    ["{ by: day }", "freshness says by which column, and not how new that is to be"],
    ["{ warn: 2h, error: 1h }", "a stream would be an error before it is a warning"],
    ["{ warn: 90 }", "warn"],
    ["{ warn: 2 days }", "warn"],
    ["{ warn: 1h, by: count }", "the column count is bigint in ingest/schemas/items.json, and no date or time"],
    ["{ warn: 1h, by: nope }", 'the column "nope" is not in ingest/schemas/items.json'],
  ])("freshness: %s is refused at its line", (written, message) => {
    const [mistake] = mistakes(`${good}    freshness: ${written}\n`);
    expect(mistake).toMatchObject({
      message: expect.stringContaining(message),
      location: { file: "ingest/shop.yaml", line: 15 },
    });
  });

  test("gives the token only when asked for it", () => {
    const declaration = load(good);
    const { bearer } = (declaration.connector as RestDeclaration).auth!;
    expect(bearer!.reveal()).toBe("canary-token");
    expect(JSON.stringify(declaration)).not.toContain("canary-token");
    expect(String(bearer)).toBe("${SHOP_TOKEN}");
  });
});

describe("a mistake in a declaration is shown with its line", () => {
  test("a record schema may stand in the declaration, where its mistakes have their line", () => {
    const inline = (type: string) =>
      good.replace(
        "schemas/items.json",
        `{ properties: { id: { type: ${type} }, updated_at: { type: string, format: date-time } } }`,
      );
    expect(load(inline("integer")).streams[0]!.recordSchema).toMatchObject({
      file: "ingest/shop.yaml",
      columns: [
        { name: "id", type: "bigint" },
        { name: "updated_at", type: "timestamp with time zone" },
      ],
    });
    const [error] = mistakes(inline("[integer, string]"));
    expect(error!.message).toContain('the column type of "id" is not clear');
    expect(error!.location).toMatchObject({ file: "ingest/shop.yaml", line: 13 });
  });

  test("a number that would be sent as another one is refused; a record schema keeps its digits", () => {
    const body = good.replace(
      "schemas/items.json",
      "{ properties: { id: { maximum: 9007199254740993, type: integer }, updated_at: { type: string, format: date-time } } }\n    body: { id: 9007199254740993, ids: [7, 1e400, .nan], rate: 1.10, next: &n 12345678901234567890.1, last: *n }",
    );
    expect(
      mistakes(body).map(({ message, found, location }) => [message.split(" ")[0], found, location!.line]),
    ).toEqual([
      ["streams.0.body.id", "9007199254740993", 14],
      ["streams.0.body.ids.1", "1e400", 14],
      ["streams.0.body.ids.2", ".nan", 14],
      ["streams.0.body.next", "12345678901234567890.1", 14],
      ["streams.0.body.last", "12345678901234567890.1", 14],
    ]);
    const kept = load(body.replace(/\n {4}body: .*/, "")).streams[0]!.recordSchema.bentNumbers;
    expect(kept).toEqual([{ path: ["properties", "id", "maximum"], text: "9007199254740993" }]);
  });

  test("when a key is unknown, with the nearest known one", () => {
    const [error] = mistakes(good.replace("recordSchema:", "recordShema:"));
    const all = mistakes(good.replace("recordSchema:", "recordShema:"));
    expect(all.map((one) => one.message)).toEqual([
      '"recordSchema" is missing in streams.0',
      'unknown property "recordShema" in streams.0',
    ]);
    expect(all[1]).toMatchObject({
      location: { file: "ingest/shop.yaml", line: 13, column: 5 },
      hint: 'did you mean "recordSchema"?',
    });
    expect(all[1]!.snippet).toBe("13 |     recordShema: schemas/items.json\n         ^");
    expect(error!.location).toEqual({ file: "ingest/shop.yaml", line: 9, column: 5 });
  });

  test("when variables are not set, all of them, with their names", () => {
    const errors = mistakes(good, schema, {});
    expect(errors.map((one) => [one.message, one.location!.line])).toEqual([
      ["the environment variable SHOP_URL is not set", 4],
      ["the environment variable SHOP_TOKEN is not set", 6],
    ]);
  });

  test("when a token is written down, without showing it", () => {
    const [error] = mistakes(good.replace("${SHOP_TOKEN}", "abc123"));
    expect(error!.location).toMatchObject({ line: 6, column: 13 });
    expect(error!.expected).toContain("never written down");
    expect(formatUserError(error!)).not.toContain("abc123");
  });

  test("when a grant has no refresh token, or a refresh token another grant", () => {
    const oauth = (more: string) =>
      good.replace(
        "    bearer: ${SHOP_TOKEN}",
        `    oauth2:\n      tokenUrl: \${SHOP_URL}\n      clientId: x\n      clientSecret: \${SHOP_TOKEN}\n      ${more}`,
      );
    const refreshToken = "refreshToken: ${SHOP_TOKEN}";
    expect(mistakes(oauth("grant: refresh_token"))[0]).toMatchObject({
      message: "the grant refresh_token has no refresh token",
      location: { line: 10 },
    });
    for (const grant of ["", "\n      grant: client_credentials"])
      expect(mistakes(oauth(refreshToken + grant))[0]).toMatchObject({
        message: "a refresh token is for another grant",
        location: { line: 10 },
      });
    const { connector } = load(oauth(`grant: refresh_token\n      ${refreshToken}`));
    expect((connector as RestDeclaration).auth!.oauth2!.refreshToken!.reveal()).toBe("canary-token");
  });

  test("when a value has the wrong type", () => {
    const [error] = mistakes(good.replace("cursorPath: next", "cursorPath: next, limit: many"));
    expect(error).toMatchObject({ message: "rest.paging.limit is wrong", found: '"many"', location: { line: 7 } });
  });

  test("when it is no YAML, and a variable within braces needs quotes", () => {
    const flow = good.replace("auth:\n    bearer: ${SHOP_TOKEN}", "auth: { bearer: ${SHOP_TOKEN} }");
    const [error] = mistakes(flow);
    expect(error!.location!.line).toBe(5);
    expect(error!.hint).toContain('"${NAME}"');
  });

  test("when the cursor's field is not in the record schema", () => {
    const [error] = mistakes(good.replace("field: updated_at", "field: update_at"));
    expect(error).toMatchObject({ hint: 'did you mean "updated_at"?', location: { line: 14 } });
  });

  test("when two streams share a table, or the source is not called like its file", () => {
    const second = good.slice(good.indexOf("  - name")).replace("name: items", "name: others");
    expect(mistakes(good + second)[0]!.message).toContain('two streams have the table "shop_items"');
    expect(mistakes(good.replace("source: shop", "source: shops"))[0]).toMatchObject({
      expected: "shop",
      found: "shops",
    });
  });

  test("when the base URL is no web address, without showing what the variable holds", () => {
    const [error] = mistakes(good, schema, { ...env, SHOP_URL: "https://user:canary@shop.example" });
    expect(error!.message).toContain("${SHOP_URL}");
    expect(formatUserError(error!)).not.toContain("canary");
  });

  test("when aliases would expand without end", () => {
    const levels = Array.from({ length: 9 }, (_, n) => `a${n + 1}: &a${n + 1} [${`*a${n}, `.repeat(9)}]`);
    const [error] = mistakes(`a0: &a0 [x]\n${levels.join("\n")}\n`);
    expect(error!.message).toContain("expands to too much");
    // Far within the limit of a test, where each alias is looked up once.
    expect(mistakes(`a: &a 1\nb: [${"*a ,".repeat(20_000)}1]\n`)[0]!.message).toContain("expands to too much");
  });

  test("when an alias stands within what it stands for, or for nothing, in any setting", () => {
    const endless = [
      good.replace(/^(rest|files):\n/m, "$1: &a\n  headers: *a\n"),
      "a: &a [*a]\n",
      "source: &b { x: &c [*b], y: *c }\n",
      `${good}extra: &d\n  - { recordSchema: *d }\n`,
    ];
    for (const text of endless)
      expect(mistakes(text)[0]).toMatchObject({
        message: expect.stringMatching(/^\*[a-d] stands within what it stands for$/),
        location: { line: expect.any(Number), column: expect.any(Number) },
      });
    expect(mistakes("a: [*later]\nb: &later 1\n")[0]).toMatchObject({
      message: "*later stands for nothing",
      location: { line: 1, column: 5 },
    });
  });

  test("when a record schema has a field without a clear type, or one that every raw table has", () => {
    const properties = {
      id: { type: "string" },
      both: { type: ["string", "number"] },
      sql: { postgresType: "int; drop table x" },
      no: { postgresType: "BigSerial" },
      many: { postgresType: "anyelement[]" },
      serial_number: { postgresType: "serials" },
      _load_id: { type: "integer" },
    };
    const errors = mistakes(good, { type: "object", properties });
    expect(errors.map((one) => one.message)).toEqual([
      'the column type of "both" is not clear',
      'the column type of "sql" is not clear',
      'the type of "no" is none that a column can have',
      'the type of "many" is none that a column can have',
      '"_load_id" is a column that every raw table has already',
    ]);
    expect(errors[0]!.location).toMatchObject({ file: "ingest/schemas/items.json", line: 7 });
    expect(errors[2]).toMatchObject({ expected: "bigint", found: "bigserial, which numbers rows by itself" });
  });

  test("when the record schema is missing or is no object", () => {
    expect(mistakes(good.replace("items.json", "none.json"))[0]).toMatchObject({ found: "no such file" });
    expect(mistakes(good, "[]")[0]!.message).toContain("describes an object");
  });
});

describe("a declaration of files", () => {
  const files = `version: 1
source: shop
files: { at: data }
streams:
  - name: items
    files: "*.csv"
    format: csv
    table: shop_items
    recordSchema: schemas/items.json
`;

  test("has the defaults of plain CSV", () => {
    expect(load(files).streams[0]).toMatchObject({
      connector: {
        kind: "files",
        format: { delimiter: ",", quote: '"', escape: '"', header: true, encoding: "utf-8" },
      },
      batch: { kind: "log" },
      drift: "evolve",
    });
  });

  test("says where it is wrong", () => {
    const wrong = (from: string, to: string) => mistakes(files.replace(from, to))[0]!;
    expect(wrong("files: { at: data }", "file: { at: data }")).toMatchObject({
      message: "the declaration does not say where its records come from",
      expected: "one of rest:, files:, sql:, soap:, collect:, kafka:",
    });
    expect(wrong("format: csv", "format: csv\n    indexes: [[id], [id, pirce]]")).toMatchObject({
      message: 'the column "pirce" is not in ingest/schemas/items.json',
      hint: 'did you mean "price"?',
      location: { line: 8, column: 26 },
    });
    expect(wrong("format: csv", "format: cvs")).toMatchObject({ hint: 'did you mean "csv"?', location: { line: 7 } });
    expect(wrong("format: csv", "format: ndjson\n    csv: { delimiter: ';' }").message).toContain(
      "options of csv in a stream whose format is ndjson",
    );
    expect(wrong("format: csv", "format: xml").expected).toContain("xml: { … }");
    expect(wrong("format: csv", "format: csv\n    csv: { encoding: utf-9 }").message).toBe('unknown encoding "utf-9"');
    expect(wrong("format: csv", "format: csv\n    batch: { kind: slice }").message).toBe(
      "a slice batch names its fields",
    );
    expect(wrong("format: csv", "format: csv\n    batch: { kind: slice, by: [idd] }")).toMatchObject({
      hint: 'did you mean "id"?',
    });
    expect(wrong("format: csv", "format: csv\n    sequence: 'orders-('").message).toBe(
      "not a regular expression with one group",
    );
    expect(wrong("format: csv", 'format: csv\n    csv: { dates: "DD.MM" }')).toMatchObject({
      message: "csv.dates cannot be read: not one each of YYYY, MM (or MON) and DD",
      location: { line: 8 },
    });
    expect(wrong("format: csv", 'format: xlsx\n    xlsx: { dates: "YYYY-DD-MM" }').message).toBe(
      "xlsx.dates cannot be read: dates of the sheet itself are YYYY-MM-DD, and texts of this format look the same",
    );
    expect(wrong("format: csv", "format: csv\n    partition: { by: column, column: day }").message).toContain(
      "names it and its values",
    );
    expect(wrong("files: { at: data }", "files: { at: 's3://b', s3: { secretAccessKey: canary } }")).toMatchObject({
      found: "(not shown)",
    });
  });

  test("of another database needs its address in a variable, and one of from and query", () => {
    const sql = files
      .replace("files: { at: data }", "sql: { url: '${SHOP_DB}' }")
      .replace(/ {4}files.*\n.*\n/, "    from: public.items\n");
    const given = load(sql, undefined, { SHOP_DB: "mysql://u:canary@db/shop" });
    expect(given.connector).toMatchObject({ kind: "sql", dialect: "mysql" });
    expect(JSON.stringify(given)).not.toContain("canary");
    expect(mistakes(sql, undefined, { SHOP_DB: "canary" })[0]).toMatchObject({
      message: "sql.url is not the address of a database (it is written as ${SHOP_DB})",
    });
    expect(
      mistakes(sql.replace("from: public.items", "drift: freeze"), undefined, { SHOP_DB: "mysql://db/x" })[0],
    ).toMatchObject({
      message: "a stream of a database has a table or a query",
    });
  });
});

describe("a source that events are sent to", () => {
  const events = `version: 1
source: shop
collect:
  maxEventBytes: 2000
  produce: { brokers: "k1:9092,k2:9092", topic: shop.events, key: id }
streams:
  - name: items
    table: shop_items
    recordSchema: schemas/items.json
`;

  test("may have a queue between", () => {
    expect(load(events).connector).toMatchObject({
      kind: "collect",
      produce: {
        ...{ topic: "shop.events", key: "id", group: "dataform-shop", start: "earliest" },
        cluster: { kind: "kafka", brokers: ["k1:9092", "k2:9092"], protocol: "consumer" },
      },
    });
  });

  test("may have a disk for when the database is away, and says where that is wrong", () => {
    const spooled = (spool: string) => events.replace(/produce: .*/, `spool: ${spool}`);
    const { connector } = load(spooled("{ for: 10m, maxMegabytes: 2, folder: kept }"));
    expect(connector).toMatchObject({ spool: { for: 600_000, maxBytes: 2_097_152 } });
    expect((connector as CollectDeclaration).spool!.folder).toMatch(/\/kept\/shop$/);
    expect(mistakes(spooled("{ for: 8d }"))[0]).toMatchObject({
      ...{
        message: "events would wait for longer than it is remembered which of them came",
        expected: "at most dedupe, 7d",
      },
      location: { line: 5, column: 17 },
    });
    expect(mistakes(`${events.replace("  produce", "  spool: {}\n  produce")}`)[0]).toMatchObject({
      message: "events can wait in a topic or on a disk, and this says both",
      location: { line: 5, column: 3 },
    });
  });

  test("says where its queue is wrong", () => {
    const wrong = (from: string, to: string) => mistakes(events.replace(from, to))[0]!;
    expect(wrong("key: id", "key: ident")).toMatchObject({
      message: 'no stream has a field "ident"',
      location: { line: 5, column: 67 },
    });
    expect(wrong("shop.events", '"shop events"')).toMatchObject({
      message: '"shop events" is no name of a topic',
      location: { line: 5, column: 49 },
    });
    expect(wrong("k2:9092", "k2")).toMatchObject({ found: "k2", location: { line: 5, column: 23 } });
    expect(wrong("maxEventBytes: 2000", "maxEventBytes: 1000000")).toMatchObject({
      message: "an event may be larger than what is sent to the topic at once",
      location: { line: 4, column: 18 },
    });
  });
});
