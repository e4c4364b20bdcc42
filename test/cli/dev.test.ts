import { expect, test, vi } from "vitest";
import { shows } from "../docs/commands.ts";
import { blocksOf } from "../docs/markdown.ts";
import { startCli } from "../support/cli.ts";
import { warehouse } from "../support/warehouse.ts";

// `dev`: what changed is checked and built, in an environment of one's own, as often as files are others.

type Warehouse = Awaited<ReturnType<typeof warehouse>>;

/** A `dataform dev` that goes on, and what waits for the n-th time that it has done what there was to do. */
function develop({ project, database }: Warehouse, ...args: string[]) {
  const going = startCli(project.dir, ["dev", ...args], { DATABASE_URL: database.url, USER: "Ada" });
  const WATCHING = "watching for changes, until Ctrl-C";
  let rounds = 0;
  /** What it said in the next round. */
  const next = async () => {
    rounds++;
    await vi.waitFor(() => expect(going.said().split(WATCHING).length).toBeGreaterThan(rounds), { timeout: 60_000 });
    return going.said().split(WATCHING)[rounds - 1]!;
  };
  return { ...going, next };
}

test("what the page shows is what it says", async () => {
  const blocks = blocksOf("docs/cli/dev.md");
  const files = blocks.flatMap(({ file, text }) => (file ? [[file, text] as const] : []));
  const shop = await warehouse(Object.fromEntries(files));
  const dev = develop(shop);
  await dev.next();
  const revenue = blocks.find(({ file }) => file === "definitions/revenue.sqlx")!.text;
  shop.project.write({ "definitions/revenue.sqlx": revenue.replace("sum(amount)", "sum(amounts)") });
  await dev.next();
  const shown = blocks.find(({ language }) => language === "console")!.text.replace("$ npx dataform dev\n", "");
  expect(shows(shown, dev.said()), dev.said()).toBe(true);
  dev.interrupt();
  const { exitCode, stdout } = await dev.end;
  expect([exitCode, stdout]).toEqual([0, ""]);
});

test("only what changed is built, into schemas of one's own; mistakes are told and recovered from", async () => {
  const shop = await warehouse({
    "orders.sqlx": 'config { type: "table" }\nselect 1 as id, 2 as amount',
    "others.sqlx": 'config { type: "table" }\nselect 1 as id',
    "sums.sqlx": 'config { type: "view" }\nselect sum(amount) as amount from ${ref("orders")}',
  });
  await shop.run();
  const dev = develop(shop);
  expect(await dev.next()).toContain("release 1 published: 3 models");
  shop.project.write({ "orders.sqlx": 'config { type: "table" }\nselect 1 as id, 5 as amount' });
  const second = await dev.next();
  expect(second).toContain("release 2 published: 2 models");
  expect(second).not.toContain("others");
  expect(await shop.rows("select d.amount, m.amount from marts_dev_ada.sums as d, marts.sums as m")).toEqual(["5|2"]);
  shop.project.write({ "sums.sqlx": 'config { type: "veiw" }\nselect 1 as id' });
  expect(await dev.next()).toContain('unknown type "veiw"');
  shop.project.write({ "sums.sqlx": 'config { type: "view" }\nselect sum(amounts) as amount from ${ref("orders")}' });
  expect(await dev.next()).toMatch(/sums\.sqlx:2:12: column "amounts" does not exist[\s\S]*nothing is built before/);
  shop.project.write({ "sums.sqlx": 'config { type: "view" }\nselect sum(amount) as amount from ${ref("orders")}' });
  expect(await dev.next()).toContain("nothing to build: 3 actions as they were built last");
  dev.interrupt();
  expect((await dev.end).exitCode).toBe(0);
  expect(await shop.rows("select environment, count(*) from _dataform.run group by 1 order by 1")).toEqual([
    "dev_ada|2",
    "main|1",
  ]);
});

test("operations run at the beginning and when their code is another one; what is selected is built, and main only where it is told", async () => {
  const shop = await warehouse({
    "notes.sqlx":
      'config { type: "operations" }\ncreate table if not exists public.notes (n int);\ninsert into public.notes values (1)',
    "a.sqlx": 'config { type: "table" }\nselect 1 as id',
    "b.sqlx": 'config { type: "table" }\nselect 1 as id',
  });
  const dev = develop(shop, "--environment", "main", "--exclude", "b");
  await dev.next();
  shop.project.write({ "a.sqlx": 'config { type: "table" }\nselect 2 as id' });
  await dev.next();
  expect(await shop.rows("select count(*), (select id from marts.a) from public.notes")).toEqual(["1|2"]);
  shop.project.write({ "notes.sqlx": 'config { type: "operations" }\ninsert into public.notes values (2)' });
  await dev.next();
  expect(await shop.rows("select n from public.notes order by n")).toEqual(["1", "2"]);
  expect(await shop.rows("select to_regclass('marts.b')")).toEqual(["∅"]);
  dev.interrupt();
  expect((await dev.end).exitCode).toBe(0);
});

test("Ctrl-C during a build cancels it, and ends as it does between builds", async () => {
  const shop = await warehouse({ "slow.sqlx": 'config { type: "table" }\nselect 1 as id from pg_sleep(600)' });
  const dev = develop(shop);
  const asleep =
    "select count(*) from pg_stat_activity where state = 'active' and wait_event = 'PgSleep' and datname = current_database()";
  await vi.waitFor(async () => expect(await shop.rows(asleep)).toEqual(["1"]), { timeout: 60_000 });
  dev.interrupt();
  expect((await dev.end).exitCode).toBe(0);
  expect(await shop.rows("select to_regclass('marts_dev_ada.slow')")).toEqual(["∅"]);
});
