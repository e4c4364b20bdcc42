import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { PassOption } from "../../src/library/reconcile.ts";
import { cells, fill, openDatabase, reconciled } from "../support/comparing.ts";

// What passes match of the rows that their key leaves open, what they leave, and what they say of it.

type Row = readonly [
  id: string | null,
  amount: string | null,
  day: string | null,
  batch?: string | null,
  currency?: string,
];

const COLUMNS = [
  ["id", "text"],
  ["amount", "numeric"],
  ["currency", "text"],
  ["day", "date"],
  ["batch", "text"],
] as const;
const comparison = {
  key: { id: ["text"] },
  columns: {
    amount: { kind: "money", currency: "currency" },
    currency: { kind: "text", normalize: ["upper"] },
    day: { kind: "date", days: 1 },
  },
  also: { ours: ["batch"], theirs: ["batch"] },
} as const;

const key: PassOption = { name: "one id", by: "key" };
const batch: PassOption = { name: "batch", by: "group", group: ["batch"] };
const amount: PassOption = { name: "amount", by: "amount", date: "day", days: 3 };
const sum: PassOption = { name: "sum", by: "sum", date: "day", days: 3, most: 3, candidates: 4 };
const all = [key, batch, amount, sum];

const cases: Readonly<
  Record<string, { passes: readonly PassOption[]; ours: Row[]; theirs: Row[]; results: string[] }>
> = {
  "a key that one side has once and the other in parts": {
    passes: [key],
    ours: [
      ["a", "60", "1"],
      ["a", "40", "2"],
      ["b", "1", "1"],
      ["c", "1", "1"],
      ["c", "2", "1"],
      ["d", "5", "1"],
      ["d", "-5", "1"],
    ],
    theirs: [
      ["a", "100", "9"],
      ["b", "0.5", "1"],
      ["b", "0.501", "1"],
      ["c", "4", "1"],
      ["d", "7", "1"],
      ["d", "-7", "1"],
    ],
    results: [
      "a matched_by_pass one id high - 2|1",
      "b matched_by_pass one id high - 1|2",
      "c duplicate one id - sum_differs 2|1",
      "d duplicate - - - 2|2",
    ],
  },
  "a key in two currencies, or without an amount, is no sum": {
    passes: [key],
    ours: [
      ["a", "1", "1", null, "USD"],
      ["a", "1", "1"],
      ["b", null, "1"],
      ["b", "1", "1"],
      ["c", "1", "1", null, "eur"],
      ["c", "1", "1"],
    ],
    theirs: [
      ["a", "2", "1"],
      ["b", "1", "1"],
      ["c", "2", "1"],
    ],
    results: ["a duplicate - - - 2|1", "b duplicate - - - 2|1", "c matched_by_pass one id high - 2|1"],
  },
  "rows that have a column in common, against one": {
    passes: [batch],
    ours: [
      ["a", "60", "1", "B"],
      ["b", "40", "9", "B"],
      ["c", "1", "1", "D"],
      ["d", "1", "1", "E"],
      ["e", "1", "1", "E"],
      ["f", "7", "1", null],
    ],
    theirs: [
      ["x", "100", "1", "B"],
      ["y", "2", "1", "D"],
      ["z", "1", "1", "E"],
      ["w", "1", "1", "E"],
      ["v", "7", "1", null],
      ["u", "1", "1", "D", "USD"],
    ],
    results: [
      "a matched_by_pass batch high - 1|0",
      "b matched_by_pass batch high - 1|0",
      "c missing_in_theirs batch - sum_differs 1|0",
      "d missing_in_theirs batch - ambiguous 1|0",
      "e missing_in_theirs batch - ambiguous 1|0",
      "f missing_in_theirs - - - 1|0",
      "u missing_in_ours - - - 0|1",
      "v missing_in_ours - - - 0|1",
      "w missing_in_ours batch - ambiguous 0|1",
      "x matched_by_pass batch high - 0|1",
      "y missing_in_ours batch - sum_differs 0|1",
      "z missing_in_ours batch - ambiguous 0|1",
    ],
  },
  "a group whose days are too far apart is none": {
    passes: [{ ...batch, date: "day", days: 3 } as PassOption],
    ours: [
      ["a", "60", "1", "B"],
      ["b", "40", "5", "B"],
    ],
    theirs: [["x", "100", "4", "B"]],
    results: ["a missing_in_theirs - - - 1|0", "b missing_in_theirs - - - 1|0", "x missing_in_ours - - - 0|1"],
  },
  "the same amount, the nearest day": {
    passes: [amount],
    ours: [
      ["a", "9.999", "1"],
      ["b", "10.00", "3"],
      ["c", "20", "1"],
      ["d", "20", "1"],
      ["e", "30", "5"],
      ["f", "40", "1"],
      ["g", "50", "9"],
      [null, "60", "1"],
    ],
    theirs: [
      ["x", "10", "2"],
      ["y", "10", "3"],
      ["z", "20", "2"],
      ["w", "30", "4"],
      ["v", "30", "6"],
      ["u", "40", "5"],
      ["t", "50", "9", null, "USD"],
      ["s", "60", "4"],
    ],
    results: [
      "- matched_by_pass amount medium - 1|0",
      "a missing_in_theirs amount - ambiguous 1|0",
      "b matched_by_pass amount medium - 1|0",
      "c missing_in_theirs amount - ambiguous 1|0",
      "d missing_in_theirs amount - ambiguous 1|0",
      "e missing_in_theirs amount - ambiguous 1|0",
      "f missing_in_theirs - - - 1|0",
      "g missing_in_theirs - - - 1|0",
      "s matched_by_pass amount medium - 0|1",
      "t missing_in_ours - - - 0|1",
      "u missing_in_ours - - - 0|1",
      "v missing_in_ours amount - ambiguous 0|1",
      "w missing_in_ours amount - ambiguous 0|1",
      "x missing_in_ours amount - ambiguous 0|1",
      "y matched_by_pass amount medium - 0|1",
      "z missing_in_ours amount - ambiguous 0|1",
    ],
  },
  "a few rows that add up to one, of one sign and near": {
    passes: [sum],
    ours: [
      ["a", "60", "1"],
      ["b", "30", "4"],
      ["c", "10", "2"],
      ["d", "-5", "1"],
      ["e", "80", "20"],
      ["f", "20", "30"],
      ["g", "9", "50"],
    ],
    theirs: [
      ["x", "100", "1"],
      ["y", "-3", "1"],
      ["z", "-2", "1"],
      ["w", "100", "20"],
      ["v", "4", "50"],
      ["u", "4", "50"],
      ["t", "1", "50"],
      ["s", "0", "50"],
    ],
    results: [
      "a matched_by_pass sum low - 1|0",
      "b matched_by_pass sum low - 1|0",
      "c matched_by_pass sum low - 1|0",
      "d matched_by_pass sum low - 1|0",
      "e missing_in_theirs - - - 1|0",
      "f missing_in_theirs - - - 1|0",
      "g matched_by_pass sum low - 1|0",
      "s missing_in_ours - - - 0|1",
      "t matched_by_pass sum low - 0|1",
      "u matched_by_pass sum low - 0|1",
      "v matched_by_pass sum low - 0|1",
      "w missing_in_ours - - - 0|1",
      "x matched_by_pass sum low - 0|1",
      "y matched_by_pass sum low - 0|1",
      "z matched_by_pass sum low - 0|1",
    ],
  },
  "sums that are there twice, of too many rows, and among too many": {
    passes: [sum],
    ours: [
      ["a", "7", "1"],
      ["b", "3", "1"],
      ["c", "3", "1"],
      ["d", "4", "30"],
      ...["1", "2", "3", "4", "5"].map((n): Row => [`m${n}`, n, "60"]),
    ],
    theirs: [
      ["x", "10", "1"],
      ["y", "1", "30"],
      ["z", "1", "30"],
      ["w", "1", "30"],
      ["v", "1", "30"],
      ["u", "3", "60"],
    ],
    results: [
      "a missing_in_theirs sum - ambiguous 1|0",
      "b missing_in_theirs sum - ambiguous 1|0",
      "c missing_in_theirs sum - ambiguous 1|0",
      "d missing_in_theirs - - - 1|0",
      ...["1", "2", "3", "4", "5"].map((n) => `m${n} missing_in_theirs - - - 1|0`),
      "u missing_in_ours sum - too_many 0|1",
      ...["v", "w"].map((one) => `${one} missing_in_ours - - - 0|1`),
      "x missing_in_ours sum - ambiguous 0|1",
      ...["y", "z"].map((one) => `${one} missing_in_ours - - - 0|1`),
    ],
  },
  "one pass after the other, none taking what one before matched or found ambiguous": {
    passes: all,
    ours: [
      ["k", "5", "1"],
      ["a", "100", "1"],
      ["b", "100", "1"],
      ["c", "7", "20"],
      ["d", "8", "20"],
    ],
    theirs: [
      ["k", "5", "1"],
      ["x", "100", "2"],
      ["y", "60", "1"],
      ["z", "40", "1"],
      ["w", "7", "20"],
      ["v", "15", "20"],
    ],
    results: [
      "a missing_in_theirs amount - ambiguous 1|0",
      "b missing_in_theirs amount - ambiguous 1|0",
      "c matched_by_pass amount medium - 1|0",
      "d missing_in_theirs - - - 1|0",
      "k matched key certain - 1|1",
      "v missing_in_ours - - - 0|1",
      "w matched_by_pass amount medium - 0|1",
      "x missing_in_ours amount - ambiguous 0|1",
      "y missing_in_ours - - - 0|1",
      "z missing_in_ours - - - 0|1",
    ],
  },
};

let open: Awaited<ReturnType<typeof openDatabase>>;

beforeAll(async () => {
  open = await openDatabase();
});
afterAll(() => open?.close());

async function compared(ours: readonly Row[], theirs: readonly Row[], passes: readonly PassOption[]): Promise<void> {
  const day = (text: string | null) =>
    text === null ? null : new Date(Date.UTC(2026, 2, Number(text))).toISOString().slice(0, 10);
  const rows = (side: readonly Row[]) =>
    side.map(([id, amount, on, batch = null, currency = "EUR"]) => [id, amount, currency, day(on), batch]);
  await fill(open.client, "records", COLUMNS, rows(ours));
  await fill(open.client, "statements", COLUMNS, rows(theirs));
  await reconciled(open.client, { ours: "records", theirs: "statements", ...comparison, passes });
}

const told = async (query: string) =>
  (await cells(open.client, query)).map((row) => row.map((cell) => cell ?? "-").join(" "));
const results = () =>
  told(`select id, status, match_pass, confidence, match_note, n_ours || '|' || n_theirs from made_rows
    order by coalesce(id, '-') collate "C", n_ours desc`);

describe.each(Object.entries(cases))("%s", (_, { passes, ours, theirs, results: expected }) => {
  test("is found, and what it is not is said", async () => {
    await compared(ours, theirs, passes);
    expect(await results()).toEqual(expected);
  });

  test("the other way round it is the same, with the sides changed", async () => {
    await compared(theirs, ours, passes);
    const turned = expected.map((line) =>
      line
        .replace(/missing_in_(ours|theirs)/, (_, side) => `missing_in_${side === "ours" ? "theirs" : "ours"}`)
        .replace(/(\d)\|(\d)$/, "$2|$1"),
    );
    expect((await results()).sort()).toEqual(turned.sort());
  });
});

test("the whole of both sides is in the summary, and groups say what they are made of", async () => {
  await compared(
    [
      ["a", "60", "1"],
      ["a", "40", "2"],
      ["b", "1", "1", "B"],
      ["c", "2.004", "1", "B"],
      ["d", "9", "9"],
    ],
    [
      ["a", "100", "1"],
      ["x", "3", "1", "B"],
      ["y", "9", "8"],
      ["z", "1", "1"],
    ],
    all,
  );
  expect(
    await told(
      "select status, currency, keys, rows_ours, rows_theirs, amount_ours, amount_theirs from made_summary order by 1",
    ),
  ).toEqual(["matched_by_pass EUR 6 5 3 112.004 112", "missing_in_ours EUR 1 0 1 0 1"]);
  expect(
    await told(
      `select match_pass, outcome, confidence, n_ours, n_theirs, currency, sum_ours, sum_theirs, sum_diff,
         (select string_agg(one ->> 'id', '+' order by one ->> 'id') from jsonb_array_elements(ours) as one) from made_groups order by 1`,
    ),
  ).toEqual([
    "amount matched medium 1 1 EUR 9 9 0 d",
    "batch matched high 2 1 EUR 3.004 3 -0.004 b+c",
    "one id matched high 2 1 EUR 100 100 0 a+a",
  ]);
  expect(await told("select id, proposed_action from made_proposals")).toEqual(["z insert"]);
  expect(
    await told(
      "select position, match_pass, by_what, days, most_rows, most_candidates, most_sums from made_passes order by 1",
    ),
  ).toEqual(["1 one id key - - - -", "2 batch group - - - -", "3 amount amount 3 - - -", "4 sum sum 3 3 4 10"]);
});

test("what is grouped with rows of ours is not added to them, but looked into", async () => {
  await compared([["a", "1", "1", "B"]], [["x", "3", "1", "B"]], [batch]);
  expect(await told("select id, status, proposed_action from made_proposals order by 1")).toEqual([
    "a missing_in_theirs investigate",
    "x missing_in_ours investigate",
  ]);
});

test("ten thousand equal amounts of one day are ambiguous, and not tried pair by pair", async () => {
  await fill(open.client, "records", COLUMNS, []);
  await fill(open.client, "statements", COLUMNS, []);
  await cells(
    open.client,
    "insert into records select 'o' || n, 9.99, 'EUR', '2026-03-01' from generate_series(1, 10000) as n",
  );
  await cells(
    open.client,
    "insert into statements select 't' || n, 9.99, 'EUR', '2026-03-02' from generate_series(1, 10000) as n",
  );
  await reconciled(open.client, { ours: "records", theirs: "statements", ...comparison, passes: all });
  expect(await told("select status, match_note, count(*) from made_rows group by 1, 2 order by 1")).toEqual([
    "missing_in_ours ambiguous 10000",
    "missing_in_theirs ambiguous 10000",
  ]);
});
