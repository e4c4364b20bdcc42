import { describe, expect, test } from "vitest";
import { between } from "../../src/library/reconcile.ts";
import type { Client } from "../../src/postgres/client.ts";
import { id, suffixed } from "../../src/sql/identifiers.ts";
import { type Columns, cells, database, fill, ODD_NAMES, reconciled, wordsOfSql } from "../support/comparing.ts";
import { warehouse } from "../support/warehouse.ts";

// Whatever a column is called, it is that column, or a name of the results that is refused.

/** Columns of the results that stand beside a key. */
const RESULTS = [
  ...["has_key", "status", "n_ours", "n_theirs", "diff_columns", "within_tolerance_columns", "outcomes"],
  ...["our_row_hash", "their_row_hash", "ours", "theirs", "row_hash", "n_equal"],
  ...["proposal_id", "column_name", "our_value", "their_value", "proposed_action"],
];
/** Other names in our SQL: tables, columns and aliases. */
const INSIDE = [
  ...["n", "n_", "side", "content", "currency", "keys", "pairs", "results", "stored", "repeated", "counted", "types"],
  ...["is_same", "key_hash", "single_pairs", "typed_ours", "rows", "kind", "position", "equal", "both_null", "amount"],
  ...["decision", "decided_by", "state", "comment", "apply_statement", "is_corrected", "is_added", "one", "differing"],
  ...["proposals", "decisions", "corrections", "changes", "new_values", "load_id", "row_no"],
];
const sides = { ours: "records", theirs: "statements" } as const;

test("every name is that of a compared column, and of a column that is shown", async () => {
  const client = await database();
  const names = [...new Set([...(await wordsOfSql(client)), ...ODD_NAMES, ...INSIDE, ...RESULTS])];
  const half = names.length / 2;
  const [compared, shown] = [names.filter((_, index) => index < half), names.filter((_, index) => index >= half)];
  for (const [columns, also] of [
    [compared, shown],
    [shown, compared],
  ] as const) {
    const types: Columns = [["the key", "int"], ...names.map((name) => [name, "text"] as const)];
    await fill(client, "records", types, [["1", ...names.map((name) => `our ${name}`)]]);
    await fill(client, "statements", types, [["1", ...names.map((name) => `their ${name}`)]]);
    await reconciled(client, {
      ...sides,
      key: "the key",
      columns: columns.map((name) => [name, { kind: "text" }] as const),
      also: { ours: also, theirs: also },
    });
    const [row] = await cells(client, `select status, array_to_json(diff_columns), ours, theirs from made_rows`);
    expect([row![0], JSON.parse(row![1]!)]).toEqual(["mismatched", columns]);
    const said = (who: string) => [["the key", 1], ...[...columns, ...also].map((name) => [name, `${who} ${name}`])];
    const sorted = (entries: unknown[][]) => entries.map((entry) => JSON.stringify(entry)).sort();
    for (const [index, who] of [
      [2, "our"],
      [3, "their"],
    ] as const)
      expect(sorted(Object.entries(JSON.parse(row![index]!)))).toEqual(sorted(said(who)));
    expect(
      await cells(
        client,
        'select column_name, our_value, their_value from made_proposals order by column_name collate "C"',
      ),
    ).toEqual([...columns].sort(byBytes).map((name) => [name, `our ${name}`, `their ${name}`]));
    expect(await cells(client, "select column_name, different from made_columns order by position")).toEqual(
      columns.map((name) => [name, "1"]),
    );
    expect(await cells(client, "select column_name from made_rules order by position")).toEqual(
      columns.map((name) => [name]),
    );
  }
});

const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

test("every name that no result has is that of a part of the key", async () => {
  const client = await database();
  const all = [...new Set([...(await wordsOfSql(client)), ...ODD_NAMES, ...INSIDE])];
  for (let first = 0; first < all.length; first += 32) await keysAre(client, all.slice(first, first + 32));
});

async function keysAre(client: Client, names: readonly string[]): Promise<void> {
  const types: Columns = [...names.map((name) => [name, "text"] as const), ["value", "text"], ["figure", "int"]];
  const row = (more: string, value: string) => [...names.map((name) => `${name} ${more}`), value, "1"];
  const columns = { value: { kind: "text" }, figure: { kind: "number" } } as const;
  const passes = [
    { name: "it's", by: "group", amount: "figure", group: names.slice(0, 3), same: names.slice(2, 9) },
  ] as const;
  await fill(client, "records", types, [row("a", "1"), row("b", "1"), row("c", "1")]);
  await fill(client, "statements", types, [row("a", "1"), row("b", "2"), row("d", "1"), row("d", "1")]);
  await reconciled(client, { ...sides, key: names, columns, passes });
  const list = names.map((name) => id(name)).join(", ");
  const keys = (more: string) => names.map((name) => `${name} ${more}`);
  for (const table of ["rows", "store"])
    expect(await cells(client, `select ${list} from made_${table} order by ${id(names[0]!)}`)).toEqual(
      ["a", "b", "c", "d"].map(keys),
    );
  expect(await cells(client, `select status from made_rows order by ${id(names[0]!)}`)).toEqual(
    ["matched", "mismatched", "missing_in_theirs", "duplicate"].map((status) => [status]),
  );
  expect(await cells(client, `select ${list} from made_duplicates`)).toEqual([keys("d")]);
  expect(await cells(client, `select ${list} from made_proposals order by ${id(names[0]!)}`)).toEqual(
    ["b", "c"].map(keys),
  );
}

test("every name is that of an amount and of its currency, or is refused", async () => {
  const client = await database();
  const refused: string[] = [];
  for (const name of [...ODD_NAMES, ...INSIDE, ...RESULTS, "user", "order", "select"]) {
    for (const [amount, currency] of [
      [name, "its currency"],
      ["its amount", name],
    ] as const) {
      const columns = [
        [amount, { kind: "money", currency, absTol: "0.01" }],
        [currency, { kind: "text" }],
      ] as const;
      try {
        between({ ...sides, key: "k", columns });
      } catch (error) {
        expect((error as Error).message).toMatch(/the column name .* is taken: .* Rename yours on both sides/);
        refused.push(name);
        continue;
      }
      const types: Columns = [
        ["k", "int"],
        [amount, "numeric"],
        [currency, "text"],
      ];
      await fill(client, "records", types, [
        ["1", "1.00", "EUR"],
        ["2", "2", "EUR"],
        ["3", "5", "EUR"],
      ]);
      await fill(client, "statements", types, [
        ["1", "1.01", "EUR"],
        ["2", "7", "USD"],
        ["3", "5", "EUR"],
        ["3", "6", "EUR"],
      ]);
      const passes = [
        { name: "one", by: "key" },
        { name: "some", by: "group", group: ["k"], same: [currency], amount },
      ] as const;
      await reconciled(client, { ...sides, key: "k", columns, passes });
      const [ours, theirs] = ["_ours", "_theirs"].map((side) => id(suffixed(amount, side)));
      expect(await cells(client, `select k, status, ${ours}, ${theirs} from made_rows order by k`), name).toEqual([
        ["1", "matched_within_tolerance", "1.00", "1.01"],
        ["2", "mismatched", "2", "7"],
        ["3", "duplicate", null, null],
      ]);
      expect(
        await cells(client, "select status, currency, amount_ours, amount_theirs from made_summary order by 1, 2"),
      ).toEqual([
        ["duplicate", "EUR", "5", "11"],
        ["matched_within_tolerance", "EUR", "1.00", "1.01"],
        ["mismatched", "EUR", "2", "0"],
        ["mismatched", "USD", "0", "7"],
      ]);
    }
  }
  expect([...new Set(refused)].sort()).toEqual(["n", "n_equal", "n_ours", "n_theirs", "ours", "row_hash", "theirs"]);
});

test.each(RESULTS)("a key cannot be called %s, which is a column of the results", (name) => {
  const given = { ...sides, key: ["k", name], columns: { a: { kind: "text" } } } as const;
  expect(() => between(given)).toThrow(`reconcile.between: the column name ${name} is taken: `);
});

test.each(["match_pass", "confidence", "match_note", "match_group"])(
  "a key can be called %s, unless there are passes",
  (name) => {
    const given = { ...sides, key: name, columns: { a: { kind: "number" } } } as const;
    expect(() => between(given)).not.toThrow();
    const passes = [{ name: "p", by: "group", group: [name], amount: "a" }] as const;
    expect(() => between({ ...given, passes })).toThrow(`the column name ${name} is taken: `);
  },
);

test("two columns whose names in the results would be one are refused", () => {
  const of = (key: string, columns: object) => () => between({ ...sides, key, columns: columns as never });
  const number = { kind: "number" };
  expect(of("a_ours", { a: number })).toThrow("the column name a_ours is taken: ");
  expect(of("k", { n: number })).toThrow("the column name n_ours is taken: ");
  const money = { a: { kind: "money", currency: "c" }, c: { kind: "text" } };
  expect(of("a_diff", money)).toThrow("the column name a_diff is taken: ");
  const { corrections, corrected } = between({
    ...sides,
    key: "state",
    columns: { is_added: { kind: "text" } },
  });
  expect(() => corrections({ proposals: "p", decisions: "d", target: "t" })).toThrow(
    "the column name state is taken: in corrections it is the key and a column of its own",
  );
  expect(() => corrected({ ours: "o", corrections: "c" })).toThrow("the column name is_added is taken: in corrected");
});

test.each([
  [{ key: '"CustId"' }, 'key: names are given without the quotes of SQL: CustId, found "CustId"'],
  [{ columns: { '"A"': { kind: "text" } } }, "columns: names are given without the quotes of SQL: A"],
  [{ also: { ours: ['"A"'] } }, "also: ours: names are given without the quotes of SQL: A"],
  [{ key: "x".repeat(64) }, "PostgreSQL's names have up to 63 bytes"],
  [{ key: "" }, "expected the name of a column"],
  [{ key: ["k", "k"] }, "key: k is named twice"],
  [{ key: "_dataform_x" }, "names that begin with _dataform_ are taken"],
  [{ columns: { __proto__: { kind: "text" } } }, "give entries"],
  [{ key: { __proto__: ["trim"] } }, "give entries"],
  [{ also: { ours: ["a"] } }, "also: ours: a is shown already"],
  [{ notDue: { ours: "a" } }, "notDue: ours: a is shown already, as the key or a compared column. Give it"],
  [{ notDue: { ours: "b" }, also: { ours: ["b"] } }, "also: ours: b is shown already, as notDue. Leave it out of also"],
  [{ notDue: { ours: '"B"' } }, "notDue: ours: names are given without the quotes of SQL: B"],
  [{ notDue: "b" }, "notDue: expected { ours: column }, or theirs, found"],
  [{ also: { mine: ["a"] } }, 'unknown side of also "mine", known: ours, theirs'],
])("%j is refused", (more, message) => {
  const given = { ...sides, key: "k", columns: { a: { kind: "text" } }, ...more };
  expect(() => between(given as never)).toThrow(message);
});

describe("relations of the author", () => {
  const columns: Columns = [
    ["k", "text"],
    ["a", "text"],
  ];

  test("can be called as ours are", async () => {
    const client = await database();
    for (const name of [
      ...INSIDE,
      "ours",
      "theirs",
      "single_keys",
      "marked_pairs",
      "completed",
      "named",
      "by_outcome",
    ]) {
      const other = `${name}_2`;
      await fill(client, name, columns, [["1", "x"]]);
      await fill(client, other, columns, [["1", "y"]]);
      for (const [ours, theirs, values] of [
        [`"${name}"`, `"${other}"`, ["x", "y"]],
        [`"${other}"`, `"${name}"`, ["y", "x"]],
        [`(select * from "${name}" where true -- all\n)`, `public."${other}"`, ["x", "y"]],
      ] as const) {
        await reconciled(client, { ours, theirs, key: "k", columns: { a: { kind: "text" } } });
        expect(await cells(client, "select ours ->> 'a', theirs ->> 'a' from made_rows"), name).toEqual([values]);
      }
    }
  });

  test("that do not have a column are told, whatever it is called", async () => {
    const client = await database();
    await fill(client, "records", columns, [["1", "x"]]);
    await fill(client, "statements", columns, [["1", "x"]]);
    // PostgreSQL takes t.name and t.text for the row as such a type, and ours for the row of that name
    for (const name of ["name", "text", "ours", "theirs", "_ours", "records", "types"])
      await expect(
        reconciled(client, { ...sides, key: "k", columns: { [name]: { kind: "text" } } }),
        name,
      ).rejects.toThrow(`column "${name}" does not exist`);
  });
});

test("a whole reconciliation with such names is published, indexed, described and summed", async () => {
  const house = await warehouse({
    "includes/reconcile.js": 'module.exports = require("dataform-postgres/includes/reconcile");',
    "definitions/sides.js": 'for (const name of ["Our Side", "user"]) declare({ schema: "src", name });',
    "definitions/r.js": `reconcile.publish("r", { ours: ["src", "Our Side"], theirs: { schema: "src", name: "user" },
      key: [["user", ["trim"]], "my col", "constructor", ["__proto__", ["text"]]],
      columns: [["it's", { kind: "money", currency: "status" }], ["status", { kind: "text" }], ["toString", { kind: "number" }],
        ["${"x".repeat(63)}", { kind: "number" }], ["theirs", { kind: "exact" }]],
      also: { ours: ["select", "ours"], theirs: ["select"] },
      passes: [{ name: "'", by: "key" }, { name: "a b", by: "group", group: ["my col"], same: ["theirs", "select", "constructor"] }] });`,
  });
  const columns = `"user" text, "my col" int, constructor bigint, "__proto__" text, "it's" numeric, status text, "toString" int,
    "${"x".repeat(63)}" numeric, theirs text, "select" text, ours text`;
  await house.sql(`create schema src; create table src."Our Side" (${columns}); create table src."user" (${columns});
    insert into src."Our Side" values ('ann', 1, 1, 'p', 1, 'EUR', 1, 1, 'x', 's', 'o'), ('bob', 1, 1, 'p', 1, 'EUR', 1, 1, 'x', 's', 'o');
    insert into src."user" values ('ann', 1, 1, 'p', 1, 'EUR', 1, 1, 'x', 's', 'o'), ('eve', 1, 1, 'p', 1, 'EUR', 1, 1, 'x', 's', 'o')`);
  const report = await house.run();
  expect(report.errors ?? []).toEqual([]);
  expect(report.steps.filter(({ status }) => status !== "ok")).toEqual([]);
  expect(
    await house.rows(
      `select "user", "my col", constructor, "__proto__", status, "it's_ours" from marts.r_rows order by 1`,
    ),
  ).toEqual(["ann|1|1|p|matched|1", "bob|1|1|p|matched_by_pass|1", "eve|1|1|p|matched_by_pass|∅"]);
  expect(await house.rows("select ours ->> 'ours' from marts.r_rows where ours is not null")).toEqual(["o"]);
  expect(
    await house.rows(`select a.attname from pg_attribute a where attrelid = 'marts.r_rows'::regclass
      and col_description(a.attrelid, a.attnum) is null and attnum > 0`),
  ).toEqual([]);
});
