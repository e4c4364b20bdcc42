import fc from "fast-check";
import { expect, test } from "vitest";
import { globWithSuffix, parseGlob } from "../../../src/sources/files/glob.ts";

const paths = ["a.csv", "b.csv", "a.csv.gz", "x/a.csv", "x/y/a.csv", "x/y/b.xml", "x/.hidden/a.csv", ".a.csv", "1.csv"];
const matching = (glob: string) => paths.filter((path) => parseGlob(glob).matches(path));

test.each([
  ["*.csv", ["a.csv", "b.csv", "1.csv"]],
  ["a.*", ["a.csv", "a.csv.gz"]],
  ["?.csv", ["a.csv", "b.csv", "1.csv"]],
  ["[ab].csv", ["a.csv", "b.csv"]],
  ["[a-c].csv", ["a.csv", "b.csv"]],
  ["[!a-c].csv", ["1.csv"]],
  ["[^ab].csv", ["1.csv"]],
  ["{a,1}.csv", ["a.csv", "1.csv"]],
  ["{a,x/{a,y/b}}.{csv,xml}", ["a.csv", "x/a.csv", "x/y/b.xml"]],
  ["**/*.csv", ["a.csv", "b.csv", "x/a.csv", "x/y/a.csv", "1.csv"]],
  ["x/**", ["x/a.csv", "x/y/a.csv", "x/y/b.xml"]],
  ["x/**/a.csv", ["x/a.csv", "x/y/a.csv"]],
  ["**/y/*", ["x/y/a.csv", "x/y/b.xml"]],
  ["x/*/*.csv", ["x/y/a.csv"]],
  ["*", ["a.csv", "b.csv", "a.csv.gz", "1.csv"]],
  ["a.csv", ["a.csv"]],
  ["A.csv", []],
  ["a[.]csv", ["a.csv"]],
])("%s", (glob, expected) => {
  expect(matching(glob)).toEqual(expected);
});

test("a pattern says which folders can hold matches", () => {
  const holds = (glob: string) => ["", "x", "x/y", "x/y/z", "z"].filter((folder) => parseGlob(glob).mayHold(folder));
  expect(holds("*.csv")).toEqual([""]);
  expect(holds("x/y/*.csv")).toEqual(["", "x", "x/y"]);
  expect(holds("x/**/*.csv")).toEqual(["", "x", "x/y", "x/y/z"]);
  expect(holds("{x,z}/*.csv")).toEqual(["", "x", "z"]);
});

test("a pattern says where to begin, and which files it can only mean", () => {
  expect(parseGlob("2026/11/*.csv")).toMatchObject({ base: "2026/11", literals: undefined });
  expect(parseGlob("2026/{11,12}/a.csv")).toMatchObject({ base: "2026", literals: ["2026/11/a.csv", "2026/12/a.csv"] });
  expect(parseGlob("a.csv")).toMatchObject({ base: "", literals: ["a.csv"] });
});

test.each([
  "",
  "/etc/passwd",
  "../x",
  "a/../../x",
  "a//b",
  "a/",
  "a\\b",
  ".hidden",
  "x/.git/*",
  "a[b",
  "{a,b",
  "{..,a}/x",
])("the pattern %j is refused", (glob) => {
  expect(() => parseGlob(glob)).toThrow(expect.objectContaining({ name: "UserError" }));
});

test("braces that stand for too much are refused", () => {
  expect(() => parseGlob("{a,b}".repeat(40))).toThrow("more than 1000");
});

test("a suffix is taken as it is written", () => {
  const glob = parseGlob(globWithSuffix("*.csv", ".d?ne*"));
  expect(glob.matches("a.csv.d?ne*")).toBe(true);
  expect(glob.matches("a.csv.done")).toBe(false);
});

test("stars agree with a regular expression on every name", () => {
  const piece = fc.constantFrom("a", "b", "*", "?", ".", "ab");
  fc.assert(
    fc.property(
      fc.array(piece, { minLength: 1 }),
      fc.array(fc.constantFrom("a", "b", "."), { minLength: 1 }),
      (parts, name) => {
        const pattern = `a${parts.join("").replace(/\*+/g, "*")}`;
        const escaped = pattern.replace(/\./g, "\\.").replace(/\*/g, ".*").replace(/\?/g, ".");
        const path = `a${name.join("")}`;
        expect(parseGlob(pattern).matches(path)).toBe(new RegExp(`^${escaped}$`).test(path));
      },
    ),
    { numRuns: 2000 },
  );
});

test("a long hostile name against many stars is decided at once", () => {
  // A backtracking matcher would need longer than this test may take.
  expect(parseGlob(`${"*a".repeat(40)}b`).matches("a".repeat(100_000))).toBe(false);
});
