import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { expect, test } from "vitest";
import { withClient } from "../../src/postgres/client.ts";
import { script } from "../../src/sql/authored.ts";
import { ownDatabase } from "../support/database.ts";
import { editor } from "../support/editor.ts";
import { testProject } from "../support/project.ts";

// `dataform lsp`, as an editor talks to it: over stdin and stdout, in a process of its own.

const orders = `config {
  type: "table", description: "One row per order.", columns: { id: "Number of the order" },
  assertions: { uniqueKey: ["id"] }
}
select id, amount from \${ref("raw", "till")}`;
const sums = 'config { type: "view" }\nselect sum(o.amount) as amount\nfrom ${ref("orders")} as o';

const files = {
  "till.sqlx": 'config { type: "declaration", schema: "raw", name: "till", columns: { id: "As the till counts" } }',
  "orders.sqlx": orders,
  "sums.sqlx": sums,
  "definitions/more.js":
    'publish("few", { type: "view" }).query((ctx) => `select id from ${ctx.ref({ schema: "marts", name: "orders" })}`);',
  "few_test.sqlx":
    'config { type: "test", dataset: "orders" }\ninput "raw", "till" { select 1 as id, 2 as amount }\nselect 1 as id, 2 as amount',
  "dashboards/shop.yaml":
    "title: Shop\npanels:\n  - title: Orders\n    chart: table\n    from: marts.orders\n    x: [id]\n    y: id\n",
};
const SUMS = "definitions/sums.sqlx";
const ORDERS = "definitions/orders.sqlx";

test("mistakes are shown as they are typed, at their words, without a file being saved, and go when they are right", async () => {
  const { dir } = testProject(files);
  const shop = await editor(dir);
  await shop.open(SUMS, sums);
  await shop.type(SUMS, sums.replace('"orders"', '"orderz"'));
  await shop.shows(SUMS, ["3:12 nothing in the project is named orderz"]);
  await shop.type(SUMS, sums.replace('"view"', '"veiw"'));
  await shop.shows(SUMS, ['1:10 unknown type "veiw"']);
  await shop.type(SUMS, sums);
  await shop.shows(SUMS, []);
  expect(await shop.end()).toBe(0);
});

test("PostgreSQL's mistakes are shown where they stand, of what is typed and of what reads it", async () => {
  const { dir } = testProject(files);
  const { url, settings } = await ownDatabase();
  await withClient(settings, {}, (client) =>
    client.script(script("create schema raw; create table raw.till (id int, amount numeric(10, 2))")),
  );
  const shop = await editor(dir, { DATABASE_URL: url });
  await shop.open(ORDERS, orders);
  await shop.type(ORDERS, orders.replace("amount from", "amounts from"));
  await shop.shows(ORDERS, ['5:12 column "amounts" does not exist']);
  expect(shop.diagnostics(ORDERS)[0]!.source).toBe("postgresql");
  await shop.type(ORDERS, orders.replace("amount from", "id as amount_2 from"));
  await shop.shows(SUMS, ["2:12 column o.amount does not exist"]);
  await shop.type(ORDERS, orders);
  await shop.shows(SUMS, []);
  await shop.shows(ORDERS, []);
  expect(await shop.hover(SUMS, sums, 'ref("ord')).toMatch(
    /\*\*marts\.orders\*\* table, unpublished[\s\S]*- `id` `integer`, key, unique: Number of the order\n- `amount` `numeric\(10,2\)`/,
  );
  expect(await shop.hover(SUMS, sums, "sum(o.am")).toBe("**marts.orders.amount** `numeric(10,2)`");
  await shop.open(SUMS, sums);
  const typed = sums.replace("o.amount", "o.");
  await shop.type(SUMS, typed);
  expect(await shop.complete(SUMS, typed, "sum(o.")).toEqual([
    ["id", "integer, marts.orders"],
    ["amount", "numeric(10,2), marts.orders"],
  ]);
  expect(await shop.end()).toBe(0);
});

test("a relation is found from each place that names it, and its places from it", async () => {
  const { dir } = testProject(files);
  const shop = await editor(dir);
  await shop.open(SUMS, sums);
  const more = files["definitions/more.js"];
  for (const [file, text, within] of [
    [SUMS, sums, 'ref("ord'],
    ["definitions/more.js", more, 'name: "ord'],
    ["dashboards/shop.yaml", files["dashboards/shop.yaml"], "marts.ord"],
    ["definitions/few_test.sqlx", files["few_test.sqlx"], 'dataset: "ord'],
  ] as const)
    expect(await shop.definition(file, text, within), file).toMatchObject({ uri: shop.uri(ORDERS) });
  expect(await shop.definition(ORDERS, orders, '"raw", "ti')).toMatchObject({
    uri: shop.uri("definitions/till.sqlx"),
    range: { start: { line: 0, character: 52 } },
  });
  expect(await shop.definition(SUMS, sums, "select su")).toBeNull();
  const found = await shop.references(SUMS, sums, 'ref("ord');
  expect(found.map(({ uri }) => uri.slice(uri.lastIndexOf("/") + 1)).sort()).toEqual([
    "few_test.sqlx",
    "more.js",
    "shop.yaml",
    "sums.sqlx",
  ]);
  expect(await shop.hover(SUMS, sums, 'ref("ord')).toContain("One row per order.");
  await shop.leave();
});

test("names of relations complete in ref(), by the schema where one is said, and columns behind their alias", async () => {
  const { dir } = testProject(files);
  const shop = await editor(dir);
  await shop.open(SUMS, sums);
  const labels = async (text: string, within: string) =>
    (await shop.complete(SUMS, text, within)).map(([label]) => label);
  expect(await labels(sums, 'ref("')).toContain("sums");
  const broken = `${sums} join \${ref("`;
  await shop.type(SUMS, broken);
  expect(await labels(broken, 'join ${ref("')).toEqual(expect.arrayContaining(["few", "orders", "sums", "till"]));
  const inSchema = `${sums} join \${ref("raw", "`;
  await shop.type(SUMS, inSchema);
  expect(await labels(inSchema, '"raw", "')).toEqual(["till"]);
  expect(await shop.complete(SUMS, sums, "sum(o.")).toEqual([["id", "marts.orders"]]);
  expect(await labels(sums, "select ")).toEqual(["id"]);
  await shop.end();
});

test("a model gets another name everywhere, with its file; what is there, or is no name, is refused", async () => {
  const { dir } = testProject(files);
  const shop = await editor(dir);
  await shop.open(SUMS, sums);
  expect(await shop.prepareRename(SUMS, sums, 'ref("ord')).toMatchObject({ placeholder: "orders" });
  expect(await shop.prepareRename(ORDERS, orders, '"raw", "ti')).toBeNull();
  const { documentChanges = [] } = await shop.rename("purchases", SUMS, sums, 'ref("ord');
  const edited = documentChanges.flatMap((one) =>
    "edits" in one ? [[one.textDocument.uri.slice(shop.uri("").length + 1), one.edits.length]] : [],
  );
  expect(edited.sort()).toEqual([
    ["dashboards/shop.yaml", 1],
    ["definitions/few_test.sqlx", 1],
    ["definitions/more.js", 1],
    ["definitions/sums.sqlx", 1],
  ]);
  expect(documentChanges.at(-1)).toEqual({
    kind: "rename",
    oldUri: shop.uri(ORDERS),
    newUri: shop.uri("definitions/purchases.sqlx"),
  });
  const js = await shop.rename("fewer", "definitions/more.js", files["definitions/more.js"], 'publish("fe');
  expect(js.changes ?? js.documentChanges).toMatchObject([{ edits: [{ newText: "fewer" }] }]);
  await expect(shop.rename("sums", SUMS, sums, 'ref("ord')).rejects.toThrow("marts.sums is there already");
  await expect(shop.rename("a b", SUMS, sums, 'ref("ord')).rejects.toThrow("no name of a model");
  await shop.end();
});

test("a name that code puts together is not changed: such a rename is tried, and refused with what would not compile", async () => {
  const copies =
    'for (const name of ["orders"]) publish(`copy_${name}`).query((ctx) => `select id from ${ctx.ref(name)}`);';
  const { dir } = testProject({ ...files, "definitions/copies.js": copies });
  const shop = await editor(dir);
  await shop.open(SUMS, sums);
  await expect(shop.rename("purchases", SUMS, sums, 'ref("ord')).rejects.toThrow(
    /copies\.js[\s\S]*nothing in the project is named orders/,
  );
  await shop.end();
});

test("an editor that is gone leaves no process and no folder behind; a database that is away hides nothing of the code", async () => {
  const { dir } = testProject(files);
  const folders = () => readdirSync(tmpdir()).filter((name) => name.startsWith("dataform-lsp-"));
  const before = folders();
  const shop = await editor(dir, { DATABASE_URL: "postgresql://nobody@127.0.0.1:1/none" });
  await shop.open(SUMS, sums.replace('"view"', '"veiw"'));
  await shop.shows(SUMS, ['unknown type "veiw"']);
  await shop.type(SUMS, sums);
  await shop.shows(SUMS, []);
  expect(await shop.hover(SUMS, sums, 'ref("ord')).toContain("One row per order.");
  expect(await shop.leave()).toBe(0);
  expect(folders().filter((name) => !before.includes(name))).toEqual([]);
});

test("files that come, go and become folders beside the editor are seen, once it tells that files changed", async () => {
  const { dir, write, remove } = testProject({ ...files, "definitions/part": "no model" });
  const shop = await editor(dir);
  await shop.open(SUMS, sums);
  remove("definitions/part");
  write({ "definitions/part/later.sqlx": 'config { type: "veiw" }\nselect 1 as id' });
  await shop.changed();
  await shop.shows("definitions/part/later.sqlx", ['1:10 unknown type "veiw"']);
  write({ "definitions/part/later.sqlx": 'config { type: "view" }\nselect 1 as id' });
  await shop.changed();
  await shop.shows("definitions/part/later.sqlx", []);
  expect((await shop.complete(SUMS, sums, 'ref("')).map(([label]) => label)).toContain("later");
  await shop.end();
});
