import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { parseConnectionUrl } from "../../src/config/connection.ts";
import type { LoadReport } from "../../src/model/load-report.ts";
import { withClient } from "../../src/postgres/client.ts";
import { script } from "../../src/sql/authored.ts";
import { sql } from "../../src/sql/sql.ts";
import { cli } from "../support/cli.ts";
import { ownDatabase } from "../support/database.ts";
import { feed, sendJson, startApi } from "../support/ingest-api.ts";
import { item, itemSchema } from "../support/ingest-declaration.ts";

const yaml = `version: 1
source: shop
rest:
  baseUrl: \${SHOP_URL}
  auth:
    bearer: \${SHOP_TOKEN}
streams:
  - name: items
    path: /items
    records: data
    table: items
    recordSchema: items.json
    cursor: { field: updated_at, param: since }
  - name: others
    path: /others
    records: data
    table: others
    recordSchema: items.json
`;

function project(): string {
  const dir = mkdtempSync(join(tmpdir(), "dataform-ingest-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  mkdirSync(join(dir, "ingest"));
  writeFileSync(join(dir, "ingest/shop.yaml"), yaml);
  writeFileSync(join(dir, "ingest/items.json"), JSON.stringify(itemSchema.schema));
  return dir;
}

async function surroundings(records: readonly object[]) {
  const database = await ownDatabase();
  const good = feed(() => records);
  const api = await startApi((request, response, n) =>
    request.url!.startsWith("/others") && request.headers.authorization === "Bearer half"
      ? sendJson(response, {}, 404)
      : good(request, response, n),
  );
  return { DATABASE_URL: database.url, SHOP_URL: api.url, SHOP_TOKEN: "canary" };
}

test("ingest loads every stream, tells progress and ends with a table of what landed", async () => {
  const env = await surroundings([item(1), item(2, { amount: "x" })]);
  const { exitCode, stdout, stderr } = await cli(project(), ["ingest"], env);
  expect(stderr).toContain("shop.items: reading from the beginning into raw.items");
  expect(stderr).toContain("ok  1 row, 1 rejected");
  expect(stderr).toMatch(/shop\.items +loaded +1 +1 +2026-01-01T00:01:00\.000Z/);
  expect(stderr).toContain("rejected shop.items: 1 × amount: must be integer, see raw._rejected, load 1");
  expect(stderr).not.toContain("canary");
  expect([exitCode, stdout]).toEqual([0, ""]);
});

test("in GitHub Actions a load that failed is an error beside its stream, and what was rejected is a warning", async () => {
  const env = {
    ...(await surroundings([item(1), item(2, { amount: "x" })])),
    SHOP_TOKEN: "half",
    GITHUB_ACTIONS: "true",
  };
  const dir = project();
  const { stderr } = await cli(dir, ["ingest"], { ...env, GITHUB_WORKSPACE: dir });
  expect(stderr.split("\n").filter((line) => line.startsWith("::"))).toEqual([
    expect.stringMatching(/^::error file=ingest\/shop\.yaml,line=14::shop\.others: .*404/),
    "::warning file=ingest/shop.yaml,line=8::shop.items: rejected: 1 × amount: must be integer",
  ]);
});

test("ingest takes sources and streams by name, and suggests the nearest", async () => {
  const dir = project();
  const env = await surroundings([item(1)]);
  const { stdout } = await cli(dir, ["ingest", "shop.others", "--json"], env);
  const [report] = JSON.parse(stdout) as LoadReport[];
  expect(report!.streams.map((stream) => stream.stream)).toEqual(["others"]);
  const wrong = await cli(dir, ["ingest", "shop.other"], env);
  expect([wrong.exitCode, wrong.stderr]).toEqual([2, expect.stringContaining('did you mean "others"?')]);
  expect((await cli(dir, ["ingest", "shp"], env)).stderr).toContain('did you mean "shop"?');
});

test("ingest --dry-run writes nothing", async () => {
  const env = await surroundings([item(1)]);
  const dir = project();
  expect((await cli(dir, ["ingest", "--dry-run"], env)).stderr).toMatch(/shop\.items +would land +1 +0/);
  const { stdout } = await cli(dir, ["query", "select to_regnamespace('raw') is null as empty", "--json"], env);
  expect(stdout).toBe('[{"empty":true}]');
});

test("ingest --dry-run knows the files that have landed, the types that PostgreSQL lacks and paths that lead nowhere", async () => {
  const database = await ownDatabase();
  const dir = project();
  rmSync(join(dir, "ingest/shop.yaml"));
  const declare = (options: string) =>
    writeFileSync(
      join(dir, "ingest/files.yaml"),
      `version: 1\nsource: files\nfiles: { at: in }\nstreams:\n  - name: items\n    ${options}\n    settleSeconds: 0\n    table: items\n    recordSchema: items.json\n`,
    );
  const schema = (properties: object) => writeFileSync(join(dir, "ingest/items.json"), JSON.stringify({ properties }));
  const run = (...words: string[]) => cli(dir, ["ingest", ...words], { DATABASE_URL: database.url });
  mkdirSync(join(dir, "in"));
  writeFileSync(join(dir, "in/a.csv"), Buffer.from("id,name\n1,Zoë\n2,Jan\n", "latin1"));

  declare("files: '*.csv'\n    format: csv");
  schema({ id: { type: "integer" }, name: { type: "string", postgresType: "citytext" } });
  for (const words of [["--dry-run"], []]) {
    const unknown = await run(...words);
    expect(unknown.exitCode).not.toBe(0);
    expect(unknown.stderr).toContain('PostgreSQL has no type "citytext"');
    expect(unknown.stderr).toMatch(/items\.json[\s\S]*the field name/);
  }
  schema({ id: { type: "integer" }, name: { type: "string" } });
  expect((await run("--dry-run")).stderr).toMatch(/files\.items +would land +1 +1/);
  const landed = await run();
  expect(landed.stderr).toContain("reading a.csv into raw.items");
  expect(landed.stderr).toContain("1 record is not UTF-8; the file may be windows-1252");
  writeFileSync(join(dir, "in/a.csv"), readFileSync(join(dir, "in/a.csv")));
  expect((await run("--dry-run")).stderr).toMatch(/0 rows, 1 file known already[\s\S]*would land +0 +0/);

  writeFileSync(join(dir, "in/a.xml"), "<r><i><id>1</id></i><i><id>2</id></i></r>");
  declare("files: '*.xml'\n    format: xml\n    xml: { record: i, fields: { id: id, name: nmae } }");
  schema({ id: { type: "string", postgresType: "bigint" }, name: { type: "string" } });
  expect((await run()).stderr).toContain("missing files.items: fields of the schema that did not come: name");
});

test("ingest ends with 1 when a source fails, and with 2 when a variable is missing", async () => {
  const env = await surroundings([item(1)]);
  const failed = await cli(project(), ["ingest"], { ...env, SHOP_TOKEN: "half" });
  expect(failed.exitCode).toBe(1);
  expect(failed.stderr).toMatch(/shop\.items +loaded +1/);
  expect(failed.stderr).toMatch(/error shop\.others: http:\S+\/others refuses the request/);
  const missing = await cli(project(), ["ingest"], { DATABASE_URL: env.DATABASE_URL });
  expect(missing.exitCode).toBe(2);
  expect(missing.stderr).toContain("ingest/shop.yaml:4:12: the environment variable SHOP_URL is not set");
});

test("ingest in a project without sources says where they belong", async () => {
  const dir = mkdtempSync(join(tmpdir(), "dataform-ingest-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const { exitCode, stderr } = await cli(dir, ["ingest"]);
  expect([exitCode, stderr]).toEqual([2, expect.stringContaining("expected: files ingest/<source>.yaml")]);
});

test("freshness: the last load that succeeded, or the newest row, against what is declared; 1 where one is too old or was never loaded", async () => {
  const env = await surroundings([item(1)]);
  const dir = project();
  const declare = (freshness: string) =>
    writeFileSync(join(dir, "ingest/shop.yaml"), yaml.replace("source: shop\n", `source: shop\n${freshness}`));
  const freshness = async (...args: string[]) => {
    const { exitCode, stdout, stderr } = await cli(dir, ["freshness", ...args], env);
    return { exitCode, stdout, stderr };
  };
  const states = async () => {
    const { exitCode, stdout } = await freshness("--json");
    return [exitCode, ...JSON.parse(stdout).map(({ stream, state }: Record<string, string>) => `${stream} ${state}`)];
  };
  // Before the first load there is not even a ledger.
  expect(await states()).toEqual([0, "items never", "others never"]);
  declare("freshness: { warn: 1h }\n");
  expect(await states()).toEqual([0, "items never", "others never"]);
  declare("freshness: { error: 1h }\n");
  expect(await states()).toEqual([1, "items never", "others never"]);
  await cli(dir, ["ingest", "shop.items"], env);
  expect(await states()).toEqual([1, "items fresh", "others never"]);
  expect(await freshness("shop.items")).toMatchObject({
    exitCode: 0,
    stdout: expect.stringMatching(/shop\.items .* 1h +fresh/),
  });
  // A day later it is too old, also where the last attempt is newer and failed.
  const sent = (text: string) =>
    withClient(parseConnectionUrl(env.DATABASE_URL, "test"), {}, (client) => client.script(script(text)));
  await sent(
    "update raw._load set started_at = started_at - interval '1 day', finished_at = finished_at - interval '1 day'",
  );
  await cli(dir, ["ingest", "shop.items"], { ...env, SHOP_URL: "http://127.0.0.1:9" });
  const old = await freshness("shop.items");
  expect(old).toMatchObject({ exitCode: 1, stdout: expect.stringMatching(/ 1d +1h +too old/) });
  expect(old.stderr).toMatch(/too old shop\.items: asked 1d ago, at most 1h wanted\nfailed shop\.items, /);
  declare("freshness: { warn: 1h, error: 2d }\n");
  expect(await states()).toEqual([1, "items warn", "others never"]);
  // Asked again it has nothing new, and is fresh.
  await cli(dir, ["ingest", "shop.items"], env);
  expect((await states())[1]).toBe("items fresh");
  // By its rows it is as old as they are.
  declare("freshness: { warn: 1h, error: 100000d, by: updated_at }\n");
  expect((await states())[1]).toBe("items warn");
  expect((await freshness("shop.items")).stderr).toMatch(
    /late shop\.items: the newest updated_at is \d+d.* old, at most 1h wanted/,
  );
});

test("ingest ls, state, rejects and replay: what is declared, where it stands, what is wrong, and once more", async () => {
  const env = await surroundings([item(1), item(2, { amount: "x" })]);
  const dir = project();
  const run = (...words: string[]) => cli(dir, ["ingest", ...words], env);
  expect((await run("ls")).stdout).toMatch(/shop\.items +rest +http:\S+\/items +raw\.items +log/);
  expect(JSON.parse((await run("state", "shop.items", "--json")).stdout)).toMatchObject([{ loadId: null, rows: 0 }]);
  await run("shop.items");
  expect(JSON.parse((await run("state", "--json", "shop.items")).stdout)).toMatchObject([
    { stream: "items", loadId: "1", rows: 1, rejected: 1, cursor: "2026-01-01T00:01:00.000Z" },
  ]);
  const rejects = await run("rejects", "--limit", "5");
  expect(rejects.stdout).toMatch(/shop\.items +1 +2 +page 1, record 2 +amount: must be integer/);
  const counted = async () => JSON.parse((await run("state", "--json", "shop.items")).stdout)[0].rejected;
  expect((await run("dismiss", "1", "2")).stderr).toContain("1 reject of load 1 dismissed");
  expect([await counted(), (await run("rejects")).stderr]).toEqual([0, expect.stringContaining("no open rejects")]);
  expect((await run("replay", "shop.items")).stdout).toMatch(/shop\.items +0 +0\n?$/);
  const none = await run("dismiss", "1");
  expect([none.exitCode, none.stderr]).toEqual([2, expect.stringContaining("load 1 has no open rejects")]);
  expect((await run("dismiss", "x")).stderr).toContain('"x" is no number of a load');
  expect(JSON.parse((await run("dismiss", "1", "--undo", "--json")).stdout)).toEqual({
    loadId: "1",
    undo: true,
    rejects: 1,
  });
  expect(await counted()).toBe(1);
  const strike = (...words: string[]) => run("strike", ...words);
  expect((await strike("1", "--why", "test orders")).stderr).toContain(
    "load 1 of shop.items (1 row) counts not; the next dataform run follows",
  );
  const [struck] = JSON.parse((await run("state", "--json", "shop.items")).stdout);
  // A load that counts not has no cursor, no rows and nothing to replay.
  expect(struck).toMatchObject({
    loadId: null,
    rows: 0,
    rejected: 0,
    cursor: null,
    struck: [{ loadId: "1", why: "test orders" }],
  });
  expect((await run("state")).stdout).toContain("struck shop.items: load 1 counts not: test orders");
  for (const [words, said] of [
    [["1", "--why", "again"], /load 1 does not count anyway\n.*\n {2}found: +status struck/],
    [["2", "--why", "x"], /there is no load 2/],
    [["1"], /ingest strike 1 --why "/],
    [["1", "--why", " "], /who strikes a load says why/],
    [["1", "--undo", "--why", "x"], /--undo takes back what --why was said of/],
    [["x", "--why", "x"], /"x" is no number of a load/],
  ] as const)
    expect((await strike(...words)).stderr).toMatch(said);
  expect(JSON.parse((await strike("1", "--undo", "--json")).stdout)).toMatchObject({
    loadId: "1",
    undo: true,
    why: null,
  });
  expect((await strike("1", "--undo")).stderr).toContain("load 1 was not struck");
  expect(await counted()).toBe(1);
  const { properties, ...rest } = itemSchema.schema as { properties: object };
  const mended = {
    ...rest,
    properties: { ...properties, amount: { type: ["string", "integer"], postgresType: "text" } },
  };
  expect((await run("replay")).stdout).toMatch(/shop\.items +0 +1 +1 × amount: must be integer/);
  const typed = (postgresType: string) => ({ ...properties, amount: { type: ["string", "integer"], postgresType } });
  writeFileSync(join(dir, "ingest/items.json"), JSON.stringify({ ...mended, properties: typed("bigint") }));
  expect((await run("replay", "shop.items")).stdout).toMatch(/0 +1 +1 × amount: invalid input syntax for type bigint/);
  writeFileSync(join(dir, "ingest/items.json"), JSON.stringify(mended));
  const left = await run("replay", "shop.items");
  expect([left.exitCode, left.stderr]).toEqual([
    2,
    expect.stringContaining('npx dataform ingest retype items.amount "text"'),
  ]);
  expect((await run("retype", "items.amount", "text")).stderr).toMatch(
    /raw\.items\.amount was bigint, and is text now\n.*raw\.items_current\n.*raw\.items_current\.amount was bigint, and is text now/,
  );
  expect((await run("replay", "shop.items")).stdout).toMatch(/shop\.items +3 +1 +0/);
  expect((await strike("01", "--why", "x")).stderr).toContain("(1 row, with 1 replay of its rejects) counts not");
  expect((await strike("3", "--undo")).stderr).toContain("load 3 is a replay of what load 1 had rejected");
  expect(JSON.parse((await strike("1", "--undo", "--json")).stdout).replays).toEqual(["3"]);
  writeFileSync(join(dir, "ingest/items.json"), JSON.stringify({ ...mended, properties: typed("bigint") }));
  const refused = await run("replay", "shop.items");
  expect([refused.exitCode, refused.stderr]).toEqual([
    2,
    expect.stringContaining("raw.items.amount gets no other type by a load"),
  ]);
});

test("dismiss keeps to the ledger that has the load, asks which where several have it, and names rows that are not there", async () => {
  const database = await ownDatabase();
  const dir = project();
  rmSync(join(dir, "ingest/shop.yaml"));
  writeFileSync(join(dir, "ingest/items.json"), JSON.stringify({ properties: { id: { type: "integer" } } }));
  mkdirSync(join(dir, "in"));
  writeFileSync(join(dir, "in/a.csv"), "id\n1\nx\ny\n");
  const declare = (source: string, schema: string) =>
    writeFileSync(
      join(dir, `ingest/${source}.yaml`),
      `version: 1\nsource: ${source}\nschema: ${schema}\nfiles: { at: in }\nstreams:\n  - { name: items, files: '*.csv', format: csv, settleSeconds: 0, table: items, recordSchema: items.json }\n`,
    );
  declare("one", "raw");
  declare("other", "raw_other");
  const run = (...words: string[]) => cli(dir, ["ingest", ...words], { DATABASE_URL: database.url });
  const open = async () =>
    JSON.parse((await run("state", "--json")).stdout).map(({ rejected }: { rejected: number }) => rejected);

  await run("one");
  // Then a ledger of an earlier release, which has no such load: nobody asked for it.
  await run("other");
  await database.client.script(sql`alter table raw_other._rejected drop column dismissed_at`);
  expect(await open()).toEqual([2, 2]);
  expect(JSON.parse((await run("rejects", "--json")).stdout)).toHaveLength(4);
  const missing = await run("dismiss", "1", "2", "77");
  expect([missing.exitCode, missing.stderr]).toEqual([
    2,
    expect.stringContaining("load 1 has no open rejects of row 77"),
  ]);
  expect((await run("dismiss", "1", "2")).stderr).toContain("1 reject of load 1 dismissed");
  const { rows } = await database.client.query(
    sql`select from pg_attribute where attrelid = 'raw_other._rejected'::regclass and attname = 'dismissed_at'`,
  );
  expect(rows).toEqual([]);
  await database.client.script(sql`
    alter table raw_other._load alter load_id drop identity;
    update raw_other._load set load_id = 1;
    alter table raw_other._load alter load_id add generated always as identity;
    update raw_other._rejected set load_id = 1`);
  expect(await open()).toEqual([1, 2]);

  const several = await run("dismiss", "1");
  expect([several.exitCode, several.stderr]).toEqual([
    2,
    expect.stringMatching(/several schemas[\s\S]*raw \(source one\), raw_other \(source other\)[\s\S]*--schema raw/),
  ]);
  expect((await run("dismiss", "1", "--schema", "rwa")).stderr).toContain("one of raw, raw_other");
  expect(await open()).toEqual([1, 2]);
  expect((await run("dismiss", "1", "--schema", "raw_other")).stderr).toContain("2 rejects of load 1 dismissed");
  expect(await open()).toEqual([1, 0]);
});

test("fields, files passed over, rejects and loads that are gone are told, each kind in a few lines", async () => {
  const database = await ownDatabase();
  const dir = project();
  rmSync(join(dir, "ingest/shop.yaml"));
  const streams = ["csv", "ndjson"].map(
    (kind) =>
      `  - { name: ${kind}, files: '*.${kind}', format: ${kind}, settleSeconds: 0, table: ${kind}, recordSchema: items.json }`,
  );
  writeFileSync(
    join(dir, "ingest/files.yaml"),
    `version: 1\nsource: files\nfiles: { at: in }\nstreams:\n${streams.join("\n")}\n`,
  );
  const named = Object.fromEntries(["name", "note"].map((name) => [name, { type: "string" }]));
  writeFileSync(join(dir, "ingest/items.json"), JSON.stringify({ properties: { id: { type: "integer" }, ...named } }));
  mkdirSync(join(dir, "in"));
  for (let n = 0; n < 5; n++) writeFileSync(join(dir, `in/${n}.csv`), `id,name\n${n},a\nx${n},b\n`);
  const records = Array.from({ length: 30 }, (_, n) =>
    JSON.stringify({ id: n < 15 ? n : `id-${n}`, [`f${n}`]: 1, colour: "red" }),
  );
  writeFileSync(join(dir, "in/a.ndjson"), `${records.join("\n")}\n`);
  const run = (...words: string[]) => cli(dir, ["ingest", ...words], { DATABASE_URL: database.url });
  expect((await run("rejects")).stderr).toContain("no open rejects");
  const first = (await run()).stderr;
  expect(first).toContain("missing files.csv: fields of the schema that did not come: note (5 loads)\n");
  expect(first).toMatch(
    /new files\.ndjson: fields that the schema does not know: colour \(15 records\), f0 \(1 record\).* and 6 more/,
  );
  expect((await run()).stderr).toMatch(
    /passed over files\.csv: landed before as they are: 0\.csv, 1\.csv, 2\.csv and 2 more/,
  );

  const rejects = await run("rejects", "--limit", "2");
  expect([rejects.stdout.trim().split("\n").length, rejects.stderr]).toEqual([
    4,
    expect.stringContaining("and 18 more"),
  ]);
  await database.client.query(sql`delete from raw.csv where id < 2`);
  writeFileSync(join(dir, "in/5.csv"), "id,name\nx,a\n");
  const state = (await run("state")).stdout;
  expect(state).toContain("rejected files.ndjson: 15 × id: must be integer\n");
  expect(state).toContain("gone files.csv: raw.csv has no rows any more of 2 loads that landed some: 2, 1\n");
  const [csv, ndjson] = JSON.parse((await run("state", "--json")).stdout);
  expect([csv, ndjson]).toMatchObject([
    { goneLoads: ["2", "1"], moreGoneLoads: 0, missingFields: [{ field: "note", loads: 5 }] },
    { goneLoads: [], rejected: 15, moreReasons: 0, unknownFields: { length: 16, 0: { field: "colour", records: 15 } } },
  ]);
});

test("what looks at sources needs nothing that says where they are; of one that lacks more it tells, and leaves it out", async () => {
  const dir = project();
  const other = (edit: (text: string) => string) =>
    writeFileSync(join(dir, "ingest/other.yaml"), edit(yaml.replace("source: shop", "source: other")));
  other((text) => text.replaceAll("SHOP_", "OTHER_").replace("path: /items", "path: /items/${OTHER_PATH}"));
  const env = { SHOP_URL: "http://127.0.0.1:1", SHOP_TOKEN: "t" };
  const both = await cli(dir, ["ingest", "ls"], env);
  expect([both.exitCode, both.stderr, both.stdout]).toEqual([0, "", expect.stringMatching(/shop\.items/)]);
  expect(both.stdout).toMatch(/other\.items +rest +\$\{OTHER_URL\}\/items\/\$\{OTHER_PATH\}/);
  const path = `/items?fields=${"campaign_id,".repeat(9)}day?`;
  other((text) => text.replaceAll("SHOP_", "OTHER_").replace("path: /items", `path: ${path}`));
  expect((await cli(dir, ["ingest", "ls", "other"], env)).stdout).toMatch(
    /\{OTHER_URL\}\/items\?fields=campaign_id\S{21}… +raw/,
  );
  expect(JSON.parse((await cli(dir, ["ingest", "ls", "other.items", "--json"], env)).stdout)).toMatchObject([
    { stream: "items", from: `\${OTHER_URL}${path}` },
  ]);
  other((text) => text.replaceAll("SHOP_", "OTHER_").replace(/recordSchema: \S+/, "recordSchema: ${OTHER_PART}.json"));
  const one = await cli(dir, ["ingest", "ls"], env);
  expect([one.exitCode, one.stdout]).toEqual([0, expect.not.stringContaining("other.items")]);
  expect(one.stderr).toContain("left out other: the environment variable OTHER_PART is not set");
  const named = await cli(dir, ["ingest", "ls", "other"], env);
  expect([named.exitCode, named.stderr]).toEqual([2, expect.stringContaining("OTHER_PART is not set")]);
});

test("ingest --since begins at a value of the cursor, and lands what came before it not again", async () => {
  const env = await surroundings([item(1), item(2), item(3)]);
  const { stdout } = await cli(project(), ["ingest", "shop.items", "--since", "2026-01-01T00:02:00Z", "--json"], env);
  expect((JSON.parse(stdout) as LoadReport[])[0]!.streams[0]).toMatchObject({
    rows: 2,
    cursor: "2026-01-01T00:03:00.000Z",
  });
});

test("ingest --since never leaves a cursor where no record was, and refuses what is no value of it", async () => {
  const env = await surroundings([item(1), item(2), item(3)]);
  const dir = project();
  const run = (...words: string[]) => cli(dir, ["ingest", "shop.items", "--json", ...words], env);
  const cursor = async () =>
    (JSON.parse((await cli(dir, ["ingest", "state", "shop.items", "--json"], env)).stdout) as { cursor: string }[])[0]!
      .cursor;
  await run();
  const wrong = JSON.parse((await run("--since", "banana")).stdout) as LoadReport[];
  expect(wrong[0]!.streams[0]!.error!.message).toBe("--since banana is no value of the cursor field updated_at");
  await run("--since", "2030-01-01T00:00:00Z");
  expect(await cursor()).toBe("2026-01-01T00:03:00.000Z");
  expect((JSON.parse((await run("--since", "2026-01-01T00:02:00Z")).stdout) as LoadReport[])[0]!.streams[0]!.rows).toBe(
    2,
  );
  expect(await cursor()).toBe("2026-01-01T00:03:00.000Z");
  expect((JSON.parse((await run()).stdout) as LoadReport[])[0]!.streams[0]!.rows).toBe(0);
});

test("what looks after loads refuses the flags of loading, and lists no more rejects than asked for", async () => {
  const env = await surroundings([item(1), item(2, { amount: "x" }), item(3, { amount: "y" })]);
  const dir = project();
  await cli(dir, ["ingest"], env);
  for (const words of [
    ["replay", "--dry-run"],
    ["--dry-run", "replay"],
    ["rejects", "--since", "1"],
    ["ls", "--full"],
  ]) {
    const refused = await cli(dir, ["ingest", ...words], env);
    expect([refused.exitCode, refused.stderr]).toEqual([2, expect.stringMatching(/ingest \w+ has no flag --/)]);
  }
  const rejects = await cli(dir, ["ingest", "rejects", "--limit", "1", "--json"], env);
  expect(JSON.parse(rejects.stdout)).toHaveLength(1);
});
