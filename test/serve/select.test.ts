import { expect, test } from "vitest";
import { readSelect } from "../../src/serve/select.ts";
import { select } from "../../src/sql/authored.ts";
import { id } from "../../src/sql/identifiers.ts";
import { sql } from "../../src/sql/sql.ts";
import { proxy } from "../support/proxy.ts";
import { warehouse } from "../support/warehouse.ts";

test("of rows that are wide the database sends no more than an answer gives, and one row beyond", async () => {
  const { database } = await warehouse({});
  const cuttable = await proxy(database.settings);
  const read = (text: string) =>
    readSelect(
      select(text, "the query"),
      {
        ...{ settings: cuttable.settings, applicationName: "test", as: "reader", timeout: 60_000 },
        signal: new AbortController().signal,
        onWait: () => {},
        explaining: (_, work) => work(),
      },
      {
        ...{ limit: 1_000, longestValue: 2_000, longestAnswer: 10_000, local: sql`set local timezone = 'UTC'` },
        textOf: ({ name }) => sql`${id("answer", name)}::text`,
        order: sql`n desc`,
      },
    );
  const columns = Array.from({ length: 20 }, (_, n) => `repeat('x', 150) as "c ${n}"`).join(", ");
  const answer = await read(`select n, ${columns}, null as nothing from generate_series(1, 1000) as n`);
  expect(answer.cut).toBe("an answer has at most 10000 characters");
  expect(answer.rows.map(([n]) => n)).toEqual(["1000", "999", "998"]);
  // All of it would be three million.
  expect(cuttable.received()).toBeLessThan(100_000);
  // One row is given, however long it is; and where there is none, none.
  expect((await read(`select 1 as n, repeat('x', 1999) as a, ${columns.replaceAll("150", "1000")}`)).rows.length).toBe(
    1,
  );
  expect(await read("select 1 as n where false")).toMatchObject({ columns: [{ name: "n" }], rows: [], cutValues: 0 });
  expect((await read("select n, null as nothing from generate_series(1, 500) as n")).rows.length).toBe(500);
});
