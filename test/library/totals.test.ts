import { expect, test } from "vitest";
import { type AgreeOptions, agree, disagree } from "../../src/library/totals.ts";
import { expectGolden, published } from "../support/golden.ts";

test("sums that differ", () => {
  expectGolden(
    "library/totals/disagree.sql",
    disagree({
      expected: "counted",
      actual: '"marts"."days"',
      by: ["day", "User"],
      measures: ["views", "x".repeat(63)],
    }),
  );
  expectGolden("library/totals/disagree-in-all.sql", disagree({ expected: "a", actual: "b", measures: ["n"] }));
});

test("an assertion that two relations agree", () => {
  const text = published(() => {
    agree("days_agree", { expected: "facts", actual: ["marts", "days"], by: ["day"], measures: ["views"] });
    agree("marts_agree", {
      description: "The same.",
      tags: ["x"],
      expected: {
        from: "facts",
        where: "not is_baseline",
        having: "sum(views) > 0",
        columns: { views: "views_delta" },
      },
      actual: {
        from: { schema: "marts", name: "mart" },
        last: "measured at",
        where: "views > 0",
        columns: { day: "closes" },
      },
      by: ["day", "order"],
      measures: ["views"],
      following: { counters: ["history", "stat_store"], day: "day" },
    });
    agree("views_agree", { expected: "a", actual: "b", measures: ["n"], following: { counters: "stat_store" } });
  });
  expectGolden("library/totals/agree.sql", text);
});

test.each([
  [{ expected: undefined }, "needs expected"],
  [{ actual: { where: "x" } }, "actual: needs from"],
  [
    { actual: { from: "a", order: "x" } },
    'unknown option of actual "order", known: from, where, having, last, columns',
  ],
  [{ measures: [] }, "needs measures"],
  [{ by: ['"a"'] }, "by: names are given without the quotes of SQL"],
  [{ key: ["a"] }, 'unknown option "key"'],
  [{ following: { store: "a" } }, 'unknown option of following "store"'],
] as const)("the wrong option %j is told by its name", (wrong, message) => {
  const options = { expected: "a", actual: "b", measures: ["n"], ...(wrong as object) } as AgreeOptions;
  expect(() => published(() => agree("same", options))).toThrow(`totals.agree: same: ${message}`);
});
