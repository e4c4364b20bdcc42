import { execFileSync, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { copyFileSync, existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { get, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { run } from "../../src/run/run.ts";
import { cli, startCli, succeeds } from "../support/cli.ts";
import { serving } from "../support/serving.ts";
import { warehouse } from "../support/warehouse.ts";

const files = {
  "dataform.json": '{ "project": "shop", "warehouse": "postgres", "defaultSchema": "shop" }',
  "definitions/shop/marts/orders.sqlx": `config {
  type: "table",
  description: "What was ordered.",
  columns: { id: "Names an order.", email: { description: "Of whom.", tags: ["pii"] } },
  assertions: { uniqueKey: ["id"] }
}
select id, concat('customer', id, '@example.com') as email from generate_series(1, 50) as id`,
  "definitions/shop/sources/salaries.sqlx": 'config { type: "declaration", schema: "staff", name: "salaries" }',
  "definitions/shop/tests/salaries_are_paid.sqlx": `config { type: "assertion", postgres: { severity: "warn" } }
select * from \${ref("staff", "salaries")} where amount > 1000`,
  "dashboards/later.yaml": `title: Later
panels:
  - { title: Orders, chart: number, from: shop.later, y: id, aggregate: max }
`,
  "definitions/shop/marts/later.sqlx": 'config { type: "view", tags: ["later"] }\nselect 1 as id',
};

/** Of each row who may read it: whoever makes the site is a superuser, and would see all of them. */
const GUARDED = `
  create schema staff;
  create table staff.salaries as select 'person' || n as name, 990000000 + n as amount from generate_series(1, 300) as n;
  alter table staff.salaries enable row level security;
  create policy own on staff.salaries using (name = current_user);
  analyze staff.salaries`;

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

async function ask(url: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  const [response] = (await once(get(url, { headers }), "response")) as [IncomingMessage];
  let body = "";
  for await (const chunk of response) body += chunk;
  return { status: response.statusCode!, headers: response.headers, body };
}

test("a site is written into a folder, made anew over itself, and never over something else", async () => {
  const { project, database, run, sql } = await warehouse(files);
  await sql(GUARDED);
  await run({ actions: ["orders", "salaries_are_paid"] });
  const build = (...args: string[]) => cli(project.dir, ["site", "build", "--url", database.url, ...args]);
  const { stdout } = await succeeds(build("--out", "pages", "--samples"));
  expect(stdout).toBe(join(project.dir, "pages/index.html"));
  const data = readFileSync(join(project.dir, "pages/data/relations-0.js"), "utf8");
  expect(data).toContain("What was ordered.");
  expect(data).toContain("generate_series(1, 50)");
  expect(data).not.toMatch(/customer\d/);
  const all = ["relations-0", "operations", "dashboard-later"].map((name) =>
    readFileSync(join(project.dir, `pages/data/${name}.js`), "utf8"),
  );
  expect(all[0]).toMatch(/"name":"amount"|"hasPolicies":true/);
  expect(all.join()).not.toMatch(/person\d|990000\d\d\d/);
  expect(all[2]).toContain('"absent":["shop.later"]');
  writeFileSync(join(project.dir, "pages/data/relations-9.js"), "of an earlier one");
  await succeeds(build("--out", "pages"));
  expect(existsSync(join(project.dir, "pages/data/relations-9.js"))).toBe(false);
  // A folder of somebody's own that is laid out like a site.
  project.write({ "app/page.js": "mine", "app/index.html": "mine", "app/data/orders.js": "mine" });
  for (const folder of ["definitions", "app"]) {
    const { exitCode, stderr } = await build("--out", folder);
    expect(exitCode).toBe(2);
    expect(stderr).toContain("holds something else");
  }
  expect(readFileSync(join(project.dir, "app/data/orders.js"), "utf8")).toBe("mine");
});

test("dataform docs is dataform site, and generate is build: both are known from elsewhere", async () => {
  const { project, database } = await warehouse(files);
  const { stdout } = await succeeds(cli(project.dir, ["docs", "generate", "--url", database.url]));
  expect(stdout).toBe(join(project.dir, "site/index.html"));
});

test("pages are served to their own address only, follow a release that is published, and end with Ctrl-C", async () => {
  const { project, database, run } = await warehouse(files);
  await run();
  const serving = startCli(project.dir, ["site", "serve", "--port", "0", "--url", database.url]);
  let hasEnded = false;
  const ended = serving.end.finally(() => {
    hasEnded = true;
  });
  onTestFinished(async () => {
    if (!hasEnded) serving.interrupt();
    await ended;
  });
  await expect.poll(() => serving.printed(), { timeout: 60_000 }).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
  const url = serving.printed();
  const index = await ask(url);
  expect(index.status).toBe(200);
  expect(index.headers["content-security-policy"]).toContain("default-src 'none'; script-src 'self'");
  expect((await ask(url, { "if-none-match": index.headers.etag! })).status).toBe(304);
  expect((await ask(`${url}data/nothing.js`)).status).toBe(404);
  expect((await ask(url, { host: "elsewhere.example" })).status).toBe(421);

  const [events] = (await once(get(`${url}events`), "response")) as [IncomingMessage];
  const heard: string[] = [];
  events
    .setEncoding("utf8")
    .on("data", (text: string) => heard.push(...text.split("\n\n").filter((told) => told.includes("event: site"))));
  await expect.poll(() => heard.length, { timeout: 60_000 }).toBe(1);
  project.write({ "definitions/shop/marts/customers.sqlx": 'config { type: "table" } select 1 as id' });
  await run();
  await expect.poll(() => heard.length, { timeout: 60_000 }).toBeGreaterThan(1);
  expect(heard.at(-1)).not.toBe(heard[0]);
  const core = (await ask(`${url}data/core.js`)).body;
  expect(core).toContain("customers");
  // A page that is opened knows of which pages it is, whatever is published before it hears of it.
  expect(heard.at(-1)).toContain(`data: ${/dataformVersion="([^"]+)"/.exec(core)![1]}`);

  serving.interrupt();
  expect((await ended).exitCode).toBe(0);
});

/** Holds whoever reads a file in the middle of reading it, until it is let go, or for so long that it failed. */
const GATE = `
const { openSync, readFileSync, renameSync, writeSync } = require("node:fs");
const [pipe, plain] = process.argv.slice(1);
const held = openSync(pipe, "w");
const letGo = (code) => {
  renameSync(plain, pipe);
  writeSync(held, readFileSync(pipe));
  process.exit(code);
};
process.stdin.once("data", () => letGo(0));
setTimeout(() => letGo(1), 60_000);
process.stdout.write("held");
`;

test.skipIf(process.platform === "win32")(
  "while pages are made anew, the server answers and events land, however long it takes to make them",
  async () => {
    const shop = await warehouse({
      "dataform.json": files["dataform.json"],
      "definitions/shop/marts/later.sqlx": files["definitions/shop/marts/later.sqlx"],
      "ingest/events.yaml": `version: 1
source: events
collect: {}
streams:
  - name: viewed
    table: viewed
    recordSchema: { type: object, required: [path], properties: { path: { type: string } } }
`,
    });
    const server = await serving(shop, onTestFinished, ["--collect"]);
    const graph = await shop.project.compile();
    const file = join(shop.project.dir, "ingest/events.yaml");
    copyFileSync(file, `${file}.plain`);
    execFileSync("mkfifo", [`${file}.pipe`]);
    renameSync(`${file}.pipe`, file);
    const gate = spawn(process.execPath, ["-e", GATE, file, `${file}.plain`], { stdio: ["pipe", "pipe", "inherit"] });
    onTestFinished(() => void gate.kill());
    const closed = once(gate, "close");
    await Promise.all([once(gate.stdout, "data"), run(graph, shop.database.settings, {})]);
    expect((await server.ask("data/core.js")).body).not.toContain('"release":');
    expect((await server.post("events", [{ id: randomUUID(), type: "viewed", data: { path: "/" } }])).status).toBe(200);
    expect(await shop.rows("select path from raw.viewed")).toEqual(["/"]);
    gate.stdin.write("go");
    expect(await closed).toEqual([0, null]);
    await expect.poll(server.said, { timeout: 60_000 }).toContain("a release was published: the pages show it");
    expect((await server.ask("data/core.js")).body).toContain('"release":');
  },
);
