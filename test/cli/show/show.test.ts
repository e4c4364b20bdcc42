import { expect, test } from "vitest";
import { paint, printable } from "../../../src/cli/paint.ts";
import type { Shell } from "../../../src/cli/shell.ts";
import { renderSections } from "../../../src/cli/show/section.ts";
import { textTable } from "../../../src/cli/show/table.ts";
import { readable } from "../../../src/cli/show/values.ts";
import { cut, cutApart, width, wrap } from "../../../src/cli/show/width.ts";
import { counted, named, percent } from "../../../src/model/counted.ts";

test.each([
  [0, "row", "0 rows"],
  [1, "row", "1 row"],
  [2, "row", "2 rows"],
  [1_234_567, "row", "1,234,567 rows"],
  [1, "history", "1 history"],
  [2, "history", "2 histories"],
  [2, "key", "2 keys"],
  [2, "index", "2 indexes"],
  [2, "unit test", "2 unit tests"],
])("a count agrees with its noun: %d %s", (count, thing, expected) => {
  expect(counted(count, thing)).toBe(expected);
});

test("a share is told as it is declared, and only 1 is all", () => {
  expect([0.07, 0.5, 1, 0.99999999, 1e-7, 0].map(percent)).toEqual([
    ...["7%", "50%", "100%", "99.999999%", "0.00001%", "0%"],
  ]);
});

test("a table has any number of rows", () => {
  const rows = Array.from({ length: 300_000 }, (_, n) => [String(n)]);
  expect(textTable(["n"], rows).length).toBeGreaterThan(300_000 * 7);
});

test("a count agrees with a verb, too, and a list of names never ends with one more", () => {
  expect([counted(1, "row fails", "rows fail"), counted(3, "row fails", "rows fail")]).toEqual([
    "1 row fails",
    "3 rows fail",
  ]);
  expect(named(["a", "b", "c", "d"])).toBe("a, b, c, d");
  expect(named(["a", "b", "c", "d", "e"])).toBe("a, b, c and 2 more");
});

test.each([
  ["abc", 3],
  ["né", 2],
  ["ne\u0301", 2],
  ["日本語", 6],
  ["ｱ", 1],
  ["한국", 4],
  ["🙂", 2],
  ["👩‍👩‍👧", 2],
  ["🇩🇪", 2],
  ["❤️", 2],
  ["❤", 1],
  ["a\u200bb", 2],
  ["\x1b[31mred\x1b[39m", 3],
  ["…─⏎→", 4],
])("%s takes %d columns", (text, columns) => {
  expect(width(text)).toBe(columns);
});

test("what is cut fits, keeps its end where that is asked for, and breaks no character", () => {
  expect(cut("reconciliation", 8)).toBe("reconci…");
  expect(cut("reconciliation", 8, 3)).toBe("reco…ion");
  expect(cut("日本語日本語", 6)).toBe("日本…");
  expect(cut("👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧", 5)).toBe("👩‍👩‍👧👩‍👩‍👧…");
  expect(cut("short", 8)).toBe("short");
});

test("different names stay different when they are cut, wherever the difference is", () => {
  const beginning = "a_very_long_name_that_all_of_them_have";
  for (const texts of [
    [`${beginning}_one`, `${beginning}_two`],
    [`one_${beginning}`, `two_${beginning}`],
    [`a_very_long_name_one_that_all_of_them_have`, `a_very_long_name_two_that_all_of_them_have`],
  ]) {
    const short = cutApart(texts, 24)!;
    expect(new Set(short).size).toBe(2);
    for (const text of short) expect(width(text)).toBeLessThanOrEqual(24);
  }
  expect(cutApart(["xxxxxxxxxxxxaxxxxxxxxxxxx", "xxxxxxxxxxxxbxxxxxxxxxxxx"], 9)).toBeUndefined();
});

test("lines break between words, a long word stays whole, and spaces inside a line are kept", () => {
  expect(wrap("  one two  three four", 12, "    ")).toEqual(["  one", "    two  three", "    four"]);
  expect(wrap("see /a/very/long/path here", 10)).toEqual(["see", "  /a/very/long/path", "  here"]);
  expect(wrap("ok    table marts.best (48 rows, 76 ms)", 36)).toEqual(["ok    table marts.best", "  (48 rows, 76 ms)"]);
  expect(wrap("a (b, which is (not) ever closed", 14)).toEqual(["a (b, which is", "  (not) ever", "  closed"]);
  expect(wrap("as long as it is", undefined)).toEqual(["as long as it is"]);
});

const rows = [
  ["marts.statement_summary_by_account_and_day", "3", "first"],
  ["marts.statement_summary_by_account_and_month", "12", null],
  ["日本", "1,000", "last"],
];

test("a table is aligned by what a terminal shows; numbers stand to the right", () => {
  expect(
    textTable(
      ["name", "rows", "note"],
      [
        ["日本", "1,000", "a"],
        ["ab", "3", null],
      ],
    ),
  ).toBe("name   rows  note\n────  ─────  ────\n日本  1,000  a\nab        3");
});

test("a table fits: names are cut where they differ least, or each row is a block of lines", () => {
  const fitting = textTable(["name", "rows", "note"], rows, { width: 40, cut: ["name"] });
  for (const line of fitting.split("\n")) expect(width(line)).toBeLessThanOrEqual(40);
  expect(fitting).toContain("marts.stateme…ount_and_day");
  expect(fitting).toContain("marts.stateme…nt_and_month");
  expect(textTable(["name", "rows", "note"], rows, { width: 40 })).toBe(
    [
      "name  marts.statement_summary_by_account_and_day\nrows  3\nnote  first",
      "name  marts.statement_summary_by_account_and_month\nrows  12",
      "name  日本\nrows  1,000\nnote  last",
    ].join("\n\n"),
  );
});

test("in a list sentences go on below themselves and data stays whole; what is only such as is cut at its end", () => {
  const rows = [
    ["shop.orders_of_a_long_name", "3", "17 × amount: must be a number; 2 × no date at all", "x".repeat(50)],
  ];
  const told = textTable(["stream", "rows", "why", "record"], rows, { width: 40, sentences: ["why"] });
  expect(told).toBe(
    [
      "stream  shop.orders_of_a_long_name",
      "rows    3",
      "why     17 × amount: must be a number; 2",
      "        × no date at all",
      `record  ${"x".repeat(50)}`,
    ].join("\n"),
  );
  const seen = [["name", "Customer number 1, Customer number 2"]];
  expect(textTable(["field", "such as"], seen, { width: 30, cutEnd: ["such as"] })).toContain(
    "Customer number 1, Cus…",
  );
});

test("no cell breaks a line, moves the cursor or turns the direction of what follows", () => {
  const table = textTable(["a"], [["x\n  y"], ["\x1b[2Jz\ttab\u009b\u202eabc"]]);
  expect(table).toBe("a\n────────────────────────\nx ⏎ y\n␛[2Jz␉tab\\u009b\\u202eabc");
});

test("sections: items with marks, notes in a column where they fit and below where they do not", () => {
  const sections = [
    {
      title: "What changes",
      items: [
        { mark: "+" as const, text: "marts.orders", note: "new", details: [{ text: "3 columns" }] },
        { mark: "~" as const, text: "marts.a", note: "its code changed" },
      ],
    },
    { title: "Nothing", items: [] },
    { title: "More", items: [{ text: "one two three" }] },
  ];
  expect(renderSections(sections)).toEqual([
    "What changes",
    "  + marts.orders  new",
    "      3 columns",
    "  ~ marts.a       its code changed",
    "",
    "More",
    "  one two three",
  ]);
  expect(renderSections(sections, 20)).toEqual([
    "What changes",
    "  + marts.orders",
    "      new",
    "      3 columns",
    "  ~ marts.a",
    "      its code",
    "      changed",
    "",
    "More",
    "  one two three",
  ]);
});

test("what a query gives: NULL differs from the texts NULL and '', long fractions are rounded and say so", () => {
  const [text, numeric, integer] = [25, 1700, 23].map((oid) => ({ oid }));
  const values = {
    columns: ["t", "ratio", "small", "price", "n"],
    types: [text!, numeric!, numeric!, numeric!, integer!],
    rows: [
      [null, "0.33333333333333333333", "0.00000012345678901", "1.12345678", "7"],
      ["NULL", "-16.6666666666666667", "0", "2.00000001", null],
      ["", "99.9999999999999999", null, null, "1"],
      ["'it'", "NaN", "1.0", "3", "2"],
      [" x", null, "12.5000000", "4", "3"],
    ],
  };
  const { columns, rows: shown } = readable(values);
  expect(columns).toEqual(["t", "ratio ≈", "small ≈", "price", "n"]);
  expect(shown).toEqual([
    ["NULL", "0.333333", "0.0000001235", "1.12345678", "7"],
    ["'NULL'", "-16.666667", "0", "2.00000001", "NULL"],
    ["''", "100.000000", "NULL", "NULL", "1"],
    ["'''it'''", "NaN", "1.0", "3", "2"],
    ["' x'", "NULL", "12.5000000", "4", "3"],
  ]);
});

test("what is only zeros is left out and is not called rounded", () => {
  const values = {
    columns: ["share"],
    types: [{ oid: 1700 }],
    rows: [["380997.0000000000000000"], ["0.5000000000000000"]],
  };
  expect(readable(values)).toEqual({ columns: ["share"], rows: [["380997.000000"], ["0.500000"]] });
});

test("our colours are written, and those that came with data are shown as they are", () => {
  const shell = { color: true, colorStdout: false } as Shell;
  const painted = paint(shell, "red", `no \x1b[32mgreen\x1b[39m`);
  expect(width(painted)).toBe(width("no [32mgreen[39m") - "[32m[39m".length);
  expect(printable(`${painted} \x1b[31m\u009b1m`)).toBe("\x1b[31mno ␛[32mgreen␛[39m\x1b[39m ␛[31m\\u009b1m");
  expect(printable(paint(shell, "red", "plain", "stdout"))).toBe("plain");
});
