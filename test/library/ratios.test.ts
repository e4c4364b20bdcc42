import { expect, test } from "vitest";
import { minimum, rank, ratio, wilson } from "../../src/library/ratios.ts";
import { expectGolden } from "../support/golden.ts";

test("each function writes what its golden says", () => {
  expectGolden("library/ratios/ratio.sql", ratio("sum(spend)", "sum(conversions)"));
  expectGolden("library/ratios/wilson.sql", wilson("sum(conversions)", "sum(clicks)", { bound: "low" }));
  expectGolden("library/ratios/rank.sql", rank("conversion_rate", { per: ["currency", "lower(market)"] }));
});

test("what is divided stays one expression, whatever stands in it", () => {
  expect(ratio("a - b", "c + d -- all")).toBe("(a - b)::numeric / nullif((c + d -- all\n), 0)");
  expect(() => ratio("1) / (2", "b")).toThrow("ratios.ratio: numerator is not an SQL expression");
});

test("a bound that is neither low nor high is refused", () => {
  expect(() => wilson("a", "b", { bound: "lower" as never })).toThrow(
    'ratios.wilson: bound: expected "low" or "high", found "lower"',
  );
});

test("a variable that is no whole number stops the compilation", () => {
  expect([minimum({ clicks: "5" }, "clicks", 100), minimum({}, "constructor", 100)]).toEqual(["5", "100"]);
  for (const clicks of ["0", "1.5", "5; drop table x"])
    expect(() => minimum({ clicks }, "clicks", 1)).toThrow(
      `vars.clicks must be a whole number from 1 on, got "${clicks}"`,
    );
});
