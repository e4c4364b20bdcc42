import { expect, onTestFinished, test } from "vitest";
import { cli } from "../support/cli.ts";
import { KEY, type PlayedMetabase, playedMetabase } from "../support/metabase.ts";
import { testProject } from "../support/project.ts";
import { toldProject } from "../support/superset-contract.ts";

const SYNCED = {
  "shop.orders": ["order_id", "customer_id", "amount"],
  "shop.customers": ["customer_id"],
  "shop_staging.stg_orders": ["order_id", "customer_id", "amount"],
  "raw.orders": ["order_id", "customer_id", "amount"],
  "_dataform.orders_0123456789_1": ["order_id", "customer_id", "amount"],
};

async function at(relations: Readonly<Record<string, readonly string[]>> = SYNCED) {
  const metabase = await playedMetabase(relations);
  onTestFinished(() => metabase.close());
  const { dir } = testProject(toldProject);
  const tell = (args: readonly string[] = [], key = KEY) =>
    cli(dir, ["bi", "metabase", "--url", metabase.url, ...args], { METABASE_API_KEY: key });
  const told = async (...args: string[]) => {
    const { stdout, stderr, exitCode } = await tell(["--json", ...args]);
    expect([exitCode, stderr]).toEqual([0, ""]);
    return JSON.parse(stdout) as {
      changes: { about: string; what: string; to: string }[];
      kept: { about: string; what: string }[];
      missing: string[];
      notes: string[];
    };
  };
  return { metabase, tell, told };
}

const field = ({ tables }: PlayedMetabase, table: string, name: string) =>
  tables.find((one) => `${one.schema}.${one.name}` === table)!.fields.find((one) => one.name === name)!;

test("descriptions, keys and foreign keys go where Metabase has nothing, a schema that is not for readers is hidden, and then nothing changes", async () => {
  const { metabase, told } = await at();
  const planned = await told("--dry-run");
  expect(metabase.written).toEqual([]);
  expect(planned.changes.map(({ about, what, to }) => `${about} ${what} ${to}`).sort()).toEqual([
    "_dataform.orders_0123456789_1 visibility hidden",
    "raw.orders visibility hidden",
    "shop.customers description One row for each customer.",
    "shop.customers.customer_id description The customer.",
    "shop.customers.customer_id key type/PK",
    "shop.orders description What was ordered.",
    "shop.orders.amount description In euros.",
    "shop.orders.customer_id foreign key shop.customers.customer_id",
    "shop.orders.customer_id label Buyer",
    "shop.orders.order_id description The order.",
    "shop.orders.order_id key type/PK",
    "shop_staging.stg_orders visibility hidden",
  ]);
  expect((await told()).changes).toEqual(planned.changes);
  expect(field(metabase, "shop.orders", "customer_id")).toMatchObject({
    display_name: "Buyer",
    semantic_type: "type/FK",
    fk_target_field_id: field(metabase, "shop.customers", "customer_id").id,
  });
  expect(field(metabase, "shop.orders", "order_id")).toMatchObject({
    semantic_type: "type/PK",
    description: "The order.",
  });
  const written = metabase.written.length;
  expect(await told()).toMatchObject({ changes: [], kept: [], missing: [], notes: [] });
  expect(metabase.written.length).toBe(written);
});

test("what a person said stays and is told; --overwrite takes the project's words", async () => {
  const { metabase, told, tell } = await at();
  metabase.tables[0]!.description = "Ours, typed.";
  Object.assign(field(metabase, "shop.orders", "amount"), { description: "Typed.", semantic_type: "type/Currency" });
  Object.assign(field(metabase, "shop.orders", "order_id"), { semantic_type: "type/SerializedJSON" });
  Object.assign(field(metabase, "shop.orders", "customer_id"), { display_name: "Client" });
  expect((await told()).kept.map(({ about, what }) => `${about} ${what}`)).toEqual([
    "shop.orders description",
    "shop.orders.order_id key",
    "shop.orders.customer_id label",
    "shop.orders.amount description",
  ]);
  expect(metabase.tables[0]!.description).toBe("Ours, typed.");
  expect((await tell()).stderr).toContain("stays as a person typed it: description of shop.orders (--overwrite takes");
  expect((await told("--overwrite")).changes).toHaveLength(4);
  expect(field(metabase, "shop.orders", "amount")).toMatchObject({
    description: "In euros.",
    semantic_type: "type/Currency",
  });
  expect((await told("--overwrite")).changes).toEqual([]);
});

test("what Metabase has not seen yet it is asked to look at, and that is told", async () => {
  const { metabase, told } = await at({ "shop.customers": ["customer_id"] });
  const { missing, notes } = await told();
  expect(missing).toEqual(["shop.orders"]);
  expect(notes).toEqual([expect.stringContaining("run this again for what is new")]);
  expect(metabase.written[0]).toBe("POST /api/database/2/sync_schema {}");
});

test("a wrong key, one that is not there, a tool that is too old, another database: each is told as what it is", async () => {
  const { metabase, tell } = await at();
  expect((await tell([], "wrong")).stderr).toMatch(/does not take the key\n.*METABASE_API_KEY[\s\S]*API keys/);
  expect((await tell([], "")).stderr).toContain("METABASE_API_KEY is empty");
  expect((await tell(["--database", "Shp"])).stderr).toMatch(/no database Shp\n.*Shop\n.*\n.*did you mean Shop\?/);
  metabase.version = "v0.48.1";
  expect((await tell()).stderr).toMatch(/is too old\n.*0\.49 or newer[\s\S]*v0\.48\.1/);
  metabase.version = "v1.49.0";
  metabase.tables.splice(0, 2);
  expect((await tell()).stderr).toMatch(
    /no relation of this project in database Shop\n.*shop\.customers, shop\.orders/,
  );
});
