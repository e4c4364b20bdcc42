import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { parse } from "yaml";
import { compile } from "../../src/compile/compile.ts";
import { readDashboards } from "../../src/dashboards/read.ts";
import type { DashboardData } from "../../src/model/dashboard.ts";
import type { Action, CompiledGraph, Dashboard } from "../../src/model/graph.ts";
import { type Client, connect } from "../../src/postgres/client.ts";
import { run } from "../../src/run/run.ts";
import { sql } from "../../src/sql/sql.ts";
import { makeRawTables, root } from "../lineage/own-project.ts";
import { cli, succeeds } from "../support/cli.ts";
import { type TestDatabase, testDatabase } from "../support/database.ts";
import { asGrafanaSends } from "../support/grafana.ts";
import { expectInGrafana, filesFor } from "../support/grafana-panels.ts";

// This repository's models over raw tables without rows. Figures of days that have some, the products' tests compare.
let database: TestDatabase;
let client: Client;
let graph: CompiledGraph;
let data: readonly DashboardData[];

beforeAll(async () => {
  database = await testDatabase();
  client = await connect(database.settings, { applicationName: "test" });
  const { actions, ...rest } = await compile(root);
  // What they hold is no matter here, and takes longer than all the models.
  const isAsked = ({ kind }: Action) => kind !== "assertion" && kind !== "api";
  graph = { ...rest, actions: actions.filter(isAsked) };
  await makeRawTables(client);
  await run(graph, database.settings, { concurrency: 2 });
  data = await readDashboards(client, { graph, environment: "main", readSource: () => "" });
});
afterAll(async () => {
  await client?.close();
  await database?.drop();
});

/** The dashboards with one of them changed. */
function changed(name: string, change: (dashboard: Dashboard) => Dashboard): CompiledGraph {
  const isIt = (action: CompiledGraph["actions"][number]): action is Dashboard =>
    action.kind === "dashboard" && action.target.name === name;
  return { ...graph, actions: graph.actions.map((action) => (isIt(action) ? change(action) : action)) };
}

const jsonOf = (name: string, of = graph, read = data) =>
  filesFor(of, read).dashboards.get(`dashboards/project/${name}.json`)! as unknown as {
    readonly time: { readonly from: string; readonly to: string };
    readonly timepicker?: { readonly hidden: boolean };
    readonly refresh: string;
    readonly panels: readonly {
      readonly title: string;
      readonly type: string;
      readonly targets?: readonly [{ readonly rawSql: string }];
    }[];
  };

test("a project has a dashboard for each of its own, three of what is going on, and the server answers every panel", async () => {
  const own = readdirSync(join(root, "dashboards")).map((name) => `dashboards/project/${name.replace("yaml", "json")}`);
  const operations = ["runs", "loads", "storage"].map((name) => `dashboards/operations/${name}.json`);
  expect([...filesFor(graph, data).dashboards.keys()]).toEqual([...own, ...operations]);
  await expectInGrafana(client, graph, data);
});

test("what shows events as they come is read again every five seconds, with what stops that in sight; nothing else is", () => {
  expect([jsonOf("events").refresh, jsonOf("events").timepicker]).toEqual(["5s", undefined]);
  expect(jsonOf("marketing").refresh).toBe("");
});

test("a chart is what Grafana draws best of it", () => {
  const typesOf = (name: string) => Object.fromEntries(jsonOf(name).panels.map(({ title, type }) => [title, type]));
  expect(typesOf("marketing")).toMatchObject({
    Spend: "stat",
    "Spend and conversions over time": "timeseries",
    "Cost per conversion by campaign": "barchart",
    "What each campaign spends and brings": "xychart",
    "Spend by device": "timeseries",
    "Best-converting creatives": "table",
  });
  expect(typesOf("ads")).toMatchObject({ "How late conversions are reported": "xychart" });
  expect(typesOf("blog")).toMatchObject({ "Views of each blog": "heatmap" });
});

test("days are counted back from now; where the data ended long ago they are those that the project shows", () => {
  const at = (last: string | null, readAt: string) =>
    data.map((one) => ({
      ...one,
      readAt,
      filters: one.filters.map((filter) =>
        filter.kind === "dates" ? { ...filter, first: last, last, to: last, from: last && "2026-01-04" } : filter,
      ),
    }));
  expect(jsonOf("blog", graph, at("2026-01-31", "2026-02-01T10:00:00Z")).time).toEqual({
    from: "now-27d/d",
    to: "now/d",
  });
  expect(jsonOf("blog", graph, at("2026-01-31", "2026-11-29T10:00:00Z")).time).toEqual({
    from: "2026-01-04T00:00:00.000Z",
    to: "2026-01-31T23:59:59.999Z",
  });
});

test("of all values those without one are left, and of some none of them", async () => {
  const [environments] = filesFor(graph, data).dashboards.get("dashboards/operations/runs.json")!.templating.list;
  expect(environments!.query).toContain("select distinct environment");
  const { rawSql } = jsonOf("blog").panels.find(({ title }) => title === "Views")!.targets![0];
  const condition = /coalesce\(.*/
    .exec(rawSql)![0]
    .replace(/\)$/, "")
    .replaceAll(/panel\."blog_id"/g, "given.value");
  const left = async (blog_id: readonly string[] | "all") => {
    const range = { from: new Date(0), to: new Date(0) };
    const where = asGrafanaSends(condition, range, { blog_id });
    const text = `select coalesce(value, '-') from (values ('1'), ('it''s'), (null)) as given (value) where ${where}`;
    const { script } = await import("../../src/sql/authored.ts");
    return (await client.table(script(text))).rows.flat();
  };
  expect(await left("all")).toEqual(["1", "it's", "-"]);
  expect(await left(["it's", "2"])).toEqual(["it's"]);
});

test("what Grafana would take for its own in a text of the project is refused, and told where it is", () => {
  const withWhere = (where: string) =>
    changed("blog", (dashboard) => ({
      ...dashboard,
      panels: dashboard.panels.map((panel) => ({ ...panel, parts: { ...panel.parts, where } })),
    }));
  for (const [where, found] of [
    ["note <> 'costs $USD(1)'", "$USD(1)"],
    ["note <> '${blog_id}'", "${blog_id"],
    ["note <> '[[blog_id]]'", "[[blog_id"],
    ["note <> '$__interval'", "$__interval"],
  ] as const)
    expect(() => filesFor(withWhere(where), data)).toThrow(
      expect.objectContaining({
        message: `Views: Grafana would take ${found} for its own`,
        location: { file: "dashboards/blog.yaml" },
      }),
    );
  expect(() => filesFor(withWhere("note <> '$5 ($)'"), data)).not.toThrow();
});

test("a name with a parenthesis or a comma is no argument of a macro, which would end there", () => {
  const odd = changed("blog", (dashboard) => ({
    ...dashboard,
    filters: dashboard.filters.map((filter) =>
      filter.kind === "dates" ? { ...filter, column: "day (UTC), new" } : filter,
    ),
    panels: dashboard.panels.map((panel) => ({ ...panel, compareBy: undefined, filters: ["day (UTC), new"] })) as never,
  }));
  const { rawSql } = jsonOf("blog", odd).panels.find(({ title }) => title === "Views")!.targets![0];
  expect(rawSql).toContain('panel."day (UTC), new" between $__timeFrom() and $__timeTo()');
});

test("the command writes what Grafana reads, with variables for what is secret, over its own folder and no other", async () => {
  const dir = mkdtempSync(join(tmpdir(), "grafana-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const bi = (...args: string[]) => cli(root, ["bi", "grafana", "--url", database.url, ...args]);
  const out = join(dir, "made");
  const login = ["--login", "postgresql://bi@db.example.com:6000/shop?sslmode=verify-full"];
  const made = await succeeds(bi("--out", out, "--folder", "/etc/shop", ...login));
  expect(made.stdout).toBe("GF_PATHS_PROVISIONING=/etc/shop/provisioning\nBI_PASSWORD_DATAFORM_POSTGRES=…");
  expect(made.stderr).toContain("dashboards. Grafana reads them");
  const read = (path: string) =>
    readFileSync(join(out, "provisioning", path, readdirSync(join(out, "provisioning", path))[0]!), "utf8");
  const [source] = parse(read("datasources")).datasources;
  const { rows } = await client.query<{ version: string }>(
    sql`select current_setting('server_version_num') as version`,
  );
  expect(source).toMatchObject({
    uid: "dataform-dataform-postgres",
    type: "postgres",
    url: "db.example.com:6000",
    user: "bi",
    jsonData: { database: "shop", sslmode: "verify-full", postgresVersion: Math.floor(Number(rows[0]!.version) / 100) },
    secureJsonData: { password: "$BI_PASSWORD_DATAFORM_POSTGRES" },
  });
  expect(parse(read("dashboards")).providers.map(({ options }: { options: { path: string } }) => options.path)).toEqual(
    ["/etc/shop/dashboards/project", "/etc/shop/dashboards/operations"],
  );
  const again = JSON.parse((await succeeds(bi("--out", out, "--json"))).stdout);
  expect(again.files).toContain("dashboards/project/ads.json");
  // Who may write is no login for readers.
  expect(read("datasources")).toContain("user: $BI_USER_DATAFORM_POSTGRES");
  const others = join(dir, "others");
  mkdirSync(others);
  writeFileSync(join(others, "mine.txt"), "");
  expect((await bi("--out", others)).stderr).toMatch(/holds something else\n.*\n.*mine\.txt/);
  const secret = await bi("--out", out, "--login", "postgresql://bi:geheim@db/shop");
  expect(secret).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("--login has a password") });
  expect(secret.stderr).not.toContain("geheim");
});
