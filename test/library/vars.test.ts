import { afterEach, expect, test } from "vitest";
import * as arrivals from "../../src/library/arrivals.ts";
import * as unions from "../../src/library/unions.ts";
import * as vars from "../../src/library/vars.ts";
import { expectGolden } from "../support/golden.ts";

const globals = globalThis as { dataform?: unknown };
const set = (values: Readonly<Record<string, string>>) => {
  globals.dataform = { projectConfig: { vars: values } };
};
afterEach(() => {
  delete globals.dataform;
});

const currency = { default: "USD", matches: /[A-Z]{3}/, expected: "an ISO 4217 code" };

test("a project variable is an SQL text, and its default where the project says nothing", () => {
  expect(vars.text("country", { default: "Côte d'Ivoire" })).toBe("'Côte d''Ivoire'");
  set({ country: "x'; drop table y --\\" });
  expect(vars.text("country", { default: "France" })).toBe("E'x''; drop table y --\\\\'");
  expect(vars.text("constructor", { default: "France" })).toBe("'France'");
});

test.each([
  [{ currency: "usd" }, () => vars.text("currency", currency), 'vars.currency must be an ISO 4217 code, got "usd"'],
  [{ currency: "USD\nEUR" }, () => vars.text("currency", currency), "must be an ISO 4217 code"],
  [{ country: " " }, () => vars.text("country", { default: "x" }), "must be a text that is not blank"],
  [
    { days: "0" },
    () => vars.wholeNumber("days", { expected: "a number of days" }),
    'vars.days must be a number of days, got "0"',
  ],
  [{ days: "1e3" }, () => vars.wholeNumber("days"), "a whole number from 1 on"],
  [
    { nets: "a,c" },
    () => vars.texts("nets", { default: "a", known: ["a", "b"] }),
    'vars.nets: unknown "c", known: a, b',
  ],
  [
    { nets: "a,,b'" },
    () => vars.texts("nets", { default: "a", matches: /\w+/, expected: "words" }),
    'must be words, got "a,,b\'"',
  ],
  [{}, () => vars.text("country", { defualt: "x" } as never), 'unknown option "defualt"'],
])("the variables %j are refused by their names", (given, call, message) => {
  set(given);
  expect(call).toThrow(message);
});

test("a list is texts for `in`, and a number is one or nothing", () => {
  set({ nets: "b a", days: "30" });
  expect(vars.list("nets", { default: "a" })).toEqual(["b", "a"]);
  expect(vars.texts("nets", { default: "a" })).toBe("'b', 'a'");
  expect([vars.wholeNumber("days"), vars.wholeNumber("others"), vars.wholeNumber("others", { default: 7 })]).toEqual([
    30,
    undefined,
    7,
  ]);
});

const options: arrivals.ToWorkInOptions = {
  incremental: true,
  self: '"history"."cells"',
  arrivedAt: 'touched."Added at"',
  workedIn: 'computed "from"',
  loadDate: "load_date",
};

test("the rows to work in", () => {
  const toWorkIn = () => [arrivals.toWorkIn({ ...options, incremental: false }), arrivals.toWorkIn(options)];
  const toReprocess = () => [arrivals.toReprocess("load_date")];
  const plain = [toWorkIn(), toReprocess()];
  set({ reprocess_from: "2026-01-01", reprocess_to: "2026-01-03" });
  expectGolden("library/arrivals/to-work-in.sql", [...plain[0]!, ...toWorkIn()].join("\n\n"));
  expectGolden("library/arrivals/to-reprocess.sql", [...plain[1]!, ...toReprocess()].join("\n\n"));
});

test.each([
  [{ reprocess_from: "2026-01-01" }, "vars.reprocess_to is missing"],
  [{ reprocess_from: "2026-01-01", reprocess_to: "2026-02-30" }, "vars.reprocess_to must be a date such as 2026-01-31"],
  [{ reprocess_from: "2026-01-02", reprocess_to: "2026-01-01" }, "is after vars.reprocess_to"],
])("the range %j is refused, when all is built anew, too", (given, message) => {
  set(given);
  expect(() => arrivals.toWorkIn(options)).toThrow(message);
  expect(() => arrivals.toWorkIn({ ...options, incremental: false })).toThrow(message);
  expect(() => arrivals.toReprocess("load_date")).toThrow(message);
});

test.each([
  [{ arrivedAt: "" }, "arrivals.toWorkIn: needs arrivedAt"],
  [{ arrivedAt: "a) or (b" }, "arrivals.toWorkIn: arrivedAt is not an SQL expression"],
  [{ workedIn: '"x"' }, "names are given without the quotes of SQL"],
  [{ vars: {} }, 'unknown option "vars"'],
])("the option %j is refused", (wrong, message) => {
  expect(() => arrivals.toWorkIn({ ...options, ...wrong } as never)).toThrow(message);
});

test("relations are put under each other by the names of their columns", () => {
  const all = unions.all({ columns: ["user", "Day"], from: ['"a"."b"', "raw.c"] });
  expectGolden("library/unions/all.sql", all);
  expect(() => unions.all({ columns: [], from: ["a"] })).toThrow("needs columns: a column, or several");
  expect(() => unions.all({ columns: ["a"], from: [] })).toThrow("needs from: [relation, …]");
});
