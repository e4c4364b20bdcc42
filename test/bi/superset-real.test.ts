import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, vi } from "vitest";
import { ToolApi } from "../../src/bi/http.ts";
import { freePort } from "../../src/postgres/embedded/port.ts";
import { supersetContract, toldProject } from "../support/superset-contract.ts";
import { sharedWarehouse, type Warehouse } from "../support/warehouse.ts";

/**
 * A folder in which Apache Superset is installed for Python. CONTRIBUTING.md says with which other packages: 6.1.0 does not start
 * with what it asks for itself.
 */
const installed = process.env.TEST_SUPERSET;
const PASSWORD = "open sesame";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 600_000 });

describe.skipIf(installed === undefined)("a real Superset", () => {
  let house: Warehouse & { end(): Promise<void> };
  let dir: string;
  let url: string;
  let running: ChildProcess;

  beforeAll(async () => {
    house = await sharedWarehouse(toldProject);
    await house.sql(
      "create schema raw; create table raw.orders (order_id bigint, customer_id bigint, amount numeric); insert into raw.orders values (1, 1, 2.5)",
    );
    await house.run();
    dir = mkdtempSync(join(tmpdir(), "superset-"));
    const config = join(dir, "superset_config.py");
    writeFileSync(
      config,
      `SECRET_KEY = "of a test that ends"
SQLALCHEMY_DATABASE_URI = "sqlite:///${join(dir, "superset.db")}?check_same_thread=false"
CACHE_CONFIG = DATA_CACHE_CONFIG = FILTER_STATE_CACHE_CONFIG = EXPLORE_FORM_DATA_CACHE_CONFIG = {"CACHE_TYPE": "SimpleCache"}
TALISMAN_ENABLED = False
`,
    );
    const env = { ...process.env, SUPERSET_CONFIG_PATH: config, FLASK_APP: "superset" };
    const program = join(installed!, "bin/superset");
    const admin = [
      "--username",
      "admin",
      "--password",
      PASSWORD,
      "--firstname",
      "A",
      "--lastname",
      "B",
      "--email",
      "a@b.c",
    ];
    for (const args of [["db", "upgrade"], ["fab", "create-admin", ...admin], ["init"]])
      await promisify(execFile)(program, args, { env, maxBuffer: 1 << 26 });
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    running = spawn(program, ["run", "-p", String(port), "-h", "127.0.0.1", "--no-reload"], { env, stdio: "ignore" });
    await vi.waitFor(async () => (await fetch(`${url}/health`)).text(), { timeout: 120_000, interval: 500 });
    const { host, port: at, user, password, database } = house.database.settings;
    await (await asAdmin()).json("/api/v1/database/", {
      method: "POST",
      body: {
        database_name: "shop",
        sqlalchemy_uri: `postgresql+psycopg2://${user}:${password}@${host}:${at}/${database}`,
        expose_in_sqllab: true,
      },
    });
  });
  afterAll(async () => {
    running?.kill();
    if (dir) rmSync(dir, { recursive: true, force: true });
    await house?.end();
  });

  async function asAdmin(): Promise<ToolApi> {
    const api = new ToolApi("Superset", url);
    const login = { username: "admin", password: PASSWORD, provider: "db", refresh: false };
    const { access_token } = await api.json<{ access_token: string }>("/api/v1/security/login", {
      method: "POST",
      body: login,
    });
    api.headers = { authorization: `Bearer ${access_token}` };
    const guard = await api.ask("/api/v1/security/csrf_token/");
    const cookie = guard.headers
      .getSetCookie()
      .map((one) => one.split(";")[0])
      .join("; ");
    api.headers = { ...api.headers, cookie, "x-csrftoken": (guard.json as { result: string }).result };
    return api;
  }

  supersetContract(() => ({
    url,
    password: PASSWORD,
    dir: house.project.dir,
    asPerson: asAdmin,
    addColumn: async (name, comment) => {
      const path = "definitions/shop/marts/orders.sqlx";
      const text = toldProject[path]!.replace('amount: "In', `${name}: "${comment}", amount: "In`);
      house.project.write({
        [path]: text.replace("customer_id, amount from", `customer_id, amount, 'x' as ${name} from`),
      });
      await house.run();
    },
  }));
});
