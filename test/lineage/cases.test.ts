import { afterAll, beforeAll, expect, test } from "vitest";
import type { Lineage } from "../../src/model/lineage.ts";
import { cli } from "../support/cli.ts";
import { sharedWarehouse } from "../support/warehouse.ts";
import { cases, ground } from "./cases.ts";
import { compareWithServer } from "./depended.ts";
import { linesOf, printed, relationIn } from "./lineage.ts";

const files = Object.fromEntries(
  Object.entries(cases).map(([name, [query]]) => [`${name}.sqlx`, `config { type: "view" }\n${query}`]),
);

let shop: Awaited<ReturnType<typeof sharedWarehouse>>;
let planned: Lineage;
let released: Lineage;

beforeAll(async () => {
  shop = await sharedWarehouse(files);
  await shop.sql(ground);
  const read = () => printed(cli(shop.project.dir, ["lineage", "--json", "--url", shop.database.url]));
  planned = await read();
  await shop.run();
  released = await read();
});
afterAll(() => shop.end());

test.each(Object.entries(cases))("the lineage of %s", (name, [, ...said]) => {
  expect(linesOf(relationIn(planned, `marts.${name}`))).toEqual(said);
});

test("it is the same of views that are not there yet, as their shapes say it, and of what is published", () => {
  expect(released).toEqual(planned);
});

test("the columns that a tree names are those that the server says the view depends on", async () => {
  const { views, wrong } = await compareWithServer(shop.client);
  expect(views).toBeGreaterThan(2 * Object.keys(cases).length - 1);
  expect(wrong).toEqual([]);
});
