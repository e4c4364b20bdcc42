import { createRequire } from "node:module";
import { expect, test } from "vitest";
import { type CompileOptions, compile } from "../../src/compile/compile.ts";
import { targetKey } from "../../src/model/target.ts";
import { cli } from "../support/cli.ts";
import { type ProjectFiles, testProject } from "../support/project.ts";

const record = JSON.stringify({
  type: "object",
  description: "Orders of the shop",
  properties: {
    order_id: { type: "integer", description: "Number of the order" },
    constructor: { type: "string", description: "Who made it" },
    amount: { type: "string" },
  },
});
const shop = `version: 1
source: shop
rest: { baseUrl: "\${SHOP_URL}", auth: { bearer: "\${SHOP_TOKEN}" } }
streams:
  - { name: orders, path: /orders, table: shop_orders, recordSchema: schemas/orders.json }
  - name: days
    path: /days
    table: shop_days
    recordSchema: schemas/orders.json
    partition: { by: load_date }
`;
const ingest: ProjectFiles = { "ingest/shop.yaml": shop, "ingest/schemas/orders.json": record };
const reads = (from: string) => `config { type: "view" }\nselect 1 as id\nfrom \${ref(${from})}`;

const graphOf = (files: ProjectFiles, options?: CompileOptions) => compile(testProject(files).dir, options);
const messagesOf = (files: ProjectFiles): Promise<string> =>
  graphOf(files).then(
    () => "it compiled",
    (error: Error) => error.message,
  );

test("tables that landing fills are declared by ingest/*.yaml, with the descriptions of their JSON Schema", async () => {
  const graph = await graphOf({ ...ingest, "a.sqlx": reads('"raw", "shop_orders"'), "b.sqlx": reads('"_rejected"') });
  const declared = graph.actions.filter(({ kind }) => kind === "declaration");
  expect(declared.map(({ target, file }) => `${targetKey(target)} ${file}`)).toEqual([
    "raw.shop_orders ingest/shop.yaml",
    "raw.shop_orders_current ingest/shop.yaml",
    "raw.shop_days ingest/shop.yaml",
    "raw.shop_days_current ingest/shop.yaml",
    "raw._load ingest/shop.yaml",
    "raw._rejected ingest/shop.yaml",
    "raw._file ingest/shop.yaml",
    "raw._current_load ingest/shop.yaml",
  ]);
  expect(declared[0]).toMatchObject({
    description: "Orders of the shop",
    columns: [
      { name: "order_id", description: "Number of the order" },
      { name: "constructor", description: "Who made it" },
      { name: "_load_id" },
      { name: "_row_no" },
      { name: "_extra" },
    ],
  });
  expect(declared[2]!.columns.at(-1)).toEqual({ name: "_load_date", description: "UTC day of the load" });
  expect(graph.actions.find(({ target }) => target.name === "a")).toMatchObject({
    dependencies: [{ schema: "raw", name: "shop_orders" }],
    query: expect.stringContaining('from "\uE000raw"."shop_orders"'),
  });
});

test.each(["core-3.0.2", "core-3.0.36"])("they are there in %s, too", async (core) => {
  const corePath = createRequire(import.meta.url).resolve(core);
  const graph = await graphOf(
    { ...ingest, "a.sqlx": reads('"raw", "shop_orders"') },
    { corePath, schemaSuffix: "dev" },
  );
  expect(graph.actions.find(({ target }) => target.name === "a")).toMatchObject({
    dependencies: [{ schema: "raw", name: "shop_orders" }],
  });
});

test("a declaration written by hand wins, and so does what the project makes itself", async () => {
  const graph = await graphOf({
    ...ingest,
    "d.sqlx": 'config { type: "declaration", schema: "raw", name: "shop_orders", description: "By hand" }',
    "o.sqlx":
      'config { type: "operations", hasOutput: true, schema: "raw", name: "shop_days" }\ncreate table ${self()} ()',
    "a.sqlx": reads('"raw", "shop_orders"'),
    "b.sqlx": reads('"raw", "shop_days"'),
  });
  const of = (name: string) => graph.actions.filter(({ target }) => target.name === name);
  expect(of("shop_orders")).toMatchObject([{ file: "definitions/d.sqlx", description: "By hand", columns: [] }]);
  expect(of("shop_days")).toMatchObject([{ kind: "operations" }]);
});

test("a bare name means the project's own action before a table that is only landed", async () => {
  const graph = await graphOf({
    ...ingest,
    "shop_orders.sqlx": reads('"raw", "shop_orders"'),
    "a.sqlx": reads('"shop_orders"'),
    "b.sqlx": reads('"shop_days"'),
  });
  const of = (name: string) => graph.actions.find((one) => targetKey(one.target) === `marts.${name}`)!;
  expect(of("shop_orders").dependencies).toEqual([{ schema: "raw", name: "shop_orders" }]);
  expect(of("a").dependencies).toEqual([{ schema: "marts", name: "shop_orders" }]);
  expect(of("b").dependencies).toEqual([{ schema: "raw", name: "shop_days" }]);
});

test("the description says what a load is", async () => {
  const batch = (kind: string) => shop.replace("table: shop_orders,", `table: shop_orders, batch: { kind: ${kind} },`);
  const described = async (kind: string) => {
    const graph = await graphOf({ ...ingest, "ingest/shop.yaml": batch(kind) });
    return graph.actions.find(({ target }) => target.name === "shop_orders")?.description;
  };
  expect(await described("full")).toBe("Orders of the shop. Every load is all there is: see _load");
  expect(await described("slice")).toBe(
    "Orders of the shop. A load replaces the part that it was asked for: see _load",
  );
});

test("a table of two sources is one declaration, and a source has a schema of its own if it says so", async () => {
  const graph = await graphOf({
    ...ingest,
    "ingest/shop2.yaml":
      "version: 1\nsource: shop2\nschema: landing\nfiles: { at: data }\nstreams:\n  - { name: o, files: a.csv, format: csv, table: orders, recordSchema: schemas/orders.json }\n",
    "ingest/shop3.yaml":
      "version: 1\nsource: shop3\nfiles: { at: data }\nstreams:\n  - { name: o, files: a.csv, format: csv, table: shop_orders, recordSchema: schemas/more.json }\n",
    "ingest/schemas/more.json": JSON.stringify({
      type: "object",
      properties: {
        order_id: { type: "integer", description: "Other words" },
        note: { type: "string", description: "A note" },
      },
    }),
    "a.sqlx": reads('"landing", "orders"'),
    "b.sqlx": reads('"landing", "_load"'),
  });
  const declared = graph.actions.filter(({ target }) => target.name === "shop_orders");
  expect(declared).toHaveLength(1);
  expect(declared[0]!.columns.map(({ name, description }) => `${name}: ${description}`)).toEqual(
    expect.arrayContaining(["order_id: Number of the order", "note: A note"]),
  );
});

test("what is wrong with a declaration is told with its place, beside what is wrong with the models", async () => {
  const text = await messagesOf({
    ...ingest,
    "ingest/broken.yaml": "version: 1\nsource: [\n",
    "ingest/other.yaml":
      "version: 1\nsource: other\nfiles: { at: data }\nstreams:\n  - { name: o, files: a.csv, format: csv, tabel: orders, recordSchema: schemas/orders.json }\n",
    "ingest/third.yaml":
      "version: 1\nsource: third\nfiles: { at: data }\nstreams:\n  - { name: o, files: a.csv, format: csv, table: third, recordSchema: schemas/none.json }\n",
    "a.sqlx": reads('"raw", "third"'),
    "b.sqlx": `${reads('"raw", "shop_orders"')}\nwhere \${nothing}`,
  });
  expect(text).toContain("ingest/broken.yaml:3:1: not valid YAML");
  expect(text).toContain('ingest/other.yaml:5:43: unknown property "tabel" in streams.0');
  expect(text).toContain("ingest/third.yaml:5:71: cannot read ingest/schemas/none.json");
  expect(text).toContain("definitions/b.sqlx:4:9: nothing is not defined");
  expect(text).not.toContain("nothing in the project is named");
});

test("compile lists them, and a misspelt one is told by its nearest", async () => {
  const project = testProject({ ...ingest, "a.sqlx": reads('"raw", "shop_orders"') });
  const listed = await cli(project.dir, ["compile"]);
  expect(listed.stdout).toMatch(/raw\.shop_orders +declaration +ingest\/shop\.yaml/);
  project.write({ "a.sqlx": reads('"raw", "shop_order"') });
  expect((await cli(project.dir, ["compile"])).stderr).toContain("did you mean raw.shop_orders?");
});
