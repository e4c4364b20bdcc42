import { afterAll, beforeAll, expect, test } from "vitest";
import { ToolApi } from "../../src/bi/http.ts";
import { cli } from "../support/cli.ts";
import { type TestProject, testProject } from "../support/project.ts";
import { PASSWORD, type Recorded, recordedSuperset } from "../support/superset.ts";
import { supersetContract, toldProject } from "../support/superset-contract.ts";

let superset: Recorded;
let project: TestProject;
const ends: (() => Promise<void> | void)[] = [];

beforeAll(async () => {
  superset = await recordedSuperset({
    "shop.orders": { order_id: "The order.", customer_id: null, amount: "In euros." },
    "shop.customers": { customer_id: "The customer." },
  });
  project = testProject(toldProject, (end) => void ends.push(end));
});
afterAll(async () => {
  await superset.close();
  for (const end of ends) await end();
});

supersetContract(() => ({
  url: superset.url,
  password: PASSWORD,
  dir: project.dir,
  asPerson: async () => {
    const api = new ToolApi("Superset", superset.url);
    api.headers = { authorization: "Bearer a token", "x-csrftoken": "a guard", cookie: "session=kept" };
    return api;
  },
  addColumn: async (name, comment) => {
    superset.relations["shop.orders"]![name] = comment;
    const path = "definitions/shop/marts/orders.sqlx";
    project.write({ [path]: toldProject[path]!.replace('amount: "In', `${name}: "${comment}", amount: "In`) });
  },
}));

const bi = (args: readonly string[], env: Readonly<Record<string, string>> = { SUPERSET_PASSWORD: PASSWORD }) =>
  cli(project.dir, ["bi", "superset", ...args], env);

test("a dry run writes nothing, and its lines say what would change", async () => {
  const before = superset.written.length;
  project.write({ "dashboards/orders.yaml": toldProject["dashboards/orders.yaml"]!.replace("Of an order", "Mean") });
  const { stdout, stderr } = await bi(["--url", superset.url, "--dry-run"]);
  expect(stdout).toBe(
    'shop.orders.mean: metric "sum(\\"amount\\")::numeric / nullif(sum(\\"order_id\\"), 0)::numeric"',
  );
  expect(stderr).toContain("Superset 6.1.0: 1 change to come, 0 kept");
  expect(superset.written.length).toBe(before);
});

test("what it cannot do without is told before anything is asked", async () => {
  expect((await bi([])).stderr).toMatch(/nobody said where Superset is\n.*--url/);
  expect((await bi(["--url", "superset.example.com"])).stderr).toContain("--url is no address of Superset");
  expect((await bi(["--url", superset.url], {})).stderr).toMatch(/SUPERSET_PASSWORD is not set[\s\S]*\.env/);
  expect((await bi(["--url", "http://127.0.0.1:1"])).stderr).toContain(
    "Superset cannot be reached at http://127.0.0.1:1",
  );
  superset.version = "4.1.2";
  expect((await bi(["--url", superset.url])).stderr).toMatch(/is too old\n.*version 5 or newer\n.*4\.1\.2/);
  superset.version = "6.1.0";
});
