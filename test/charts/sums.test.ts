import { afterAll, beforeAll, expect, test } from "vitest";
import {
  compareNumbers,
  difference,
  extremeOf,
  plain,
  quotientOf,
  rounded,
  shifted,
  sumOf,
} from "../../src/charts/sums.ts";
import { type Client, connect } from "../../src/postgres/client.ts";
import { sql } from "../../src/sql/sql.ts";
import { type TestDatabase, testDatabase } from "../support/database.ts";

let database: TestDatabase;
let client: Client;

beforeAll(async () => {
  database = await testDatabase();
  client = await connect(database.settings);
});

afterAll(async () => {
  await client?.close();
  await database?.drop();
});

/** Numbers of every size and scale, the same in each run. */
function numbers(count: number): string[] {
  let state = 20261129;
  const next = (below: number) => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return state % below;
  };
  const digits = (length: number) => Array.from({ length }, () => next(10)).join("");
  const edges = [
    "0",
    "0.00",
    "-0.5",
    "9999",
    "10000",
    "9999.9999",
    "0.00001",
    "1",
    "-1",
    "99999999999999999999",
    "0.5",
  ];
  const others = Array.from({ length: count }, () => {
    const [whole, fraction] = [digits(1 + next(22)), digits(next(14))];
    return `${next(3) ? "" : "-"}${whole}${fraction && `.${fraction}`}`;
  });
  return [...edges, ...others];
}

test("sums, quotients, roundings and comparisons are those of the server's numeric, digit for digit", async () => {
  const all = numbers(400);
  const pairs = all.map((a, at) => [a, all[(at * 7 + 3) % all.length]!] as const);
  const { rows } = await client.query<Record<"sum" | "less" | "quotient" | "rounded" | "hundred" | "sign", string>>(
    sql`
      select
        sum(n) as sum, a - b as less, a / nullif(b, 0) as quotient, round(a, place::int % 6) as rounded, a * 100 as hundred,
        (a > b)::int - (a < b)::int as sign
      from rows from (unnest($1::numeric[]), unnest($2::numeric[])) with ordinality as pairs (a, b, place)
      cross join lateral (values (a), (b), (null)) as n (n)
      group by a, b, place
      order by place`,
    [pairs.map(([a]) => a), pairs.map(([, b]) => b)],
  );
  const ours = pairs.map(([a, b], at) => ({
    sum: sumOf([a, null, b]),
    less: difference(a, b),
    quotient: quotientOf(a, b),
    rounded: rounded(a, (at + 1) % 6),
    hundred: plain(shifted(a, 2)),
    sign: String(compareNumbers(a, b)),
  }));
  const plainly = (text: string | null) => text?.replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "") ?? null;
  expect(ours.map((one) => ({ ...one, hundred: plainly(one.hundred) }))).toEqual(
    rows.map((row) => ({ ...row, hundred: plainly(row.hundred) })),
  );
});

test("floating-point numbers are read with their exponents, and what is no number has its place", async () => {
  const floats = ["1e+22", "-2.5e-08", "1.7976931348623157e+308", "5e-324", "0.1", "-0"];
  const { rows } = await client.query<{ plain: string }>(sql`select n::numeric as plain from unnest($1::text[]) as n`, [
    floats,
  ]);
  expect(floats.map(plain)).toEqual(rows.map((row) => row.plain));
  expect(sumOf(["1", "NaN", "2"])).toBe("NaN");
  expect(sumOf(["Infinity", "1"])).toBe("Infinity");
  expect(sumOf(["Infinity", "-Infinity"])).toBe("NaN");
  expect(sumOf([null, null])).toBe(null);
  expect(sumOf([])).toBe(null);
  expect(sumOf(["1", "one"])).toBe(null);
  expect(extremeOf(["2", null, "10", "NaN", "-3.0"], "max")).toBe("NaN");
  expect(extremeOf(["2", null, "10", "-3.0"], "min")).toBe("-3.0");
  expect(quotientOf("1", "0")).toBe(null);
  expect(quotientOf(null, "3")).toBe(null);
  expect(rounded("NaN", 2)).toBe("NaN");
});
