import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { UserError } from "../../src/model/errors.ts";
import type { Action, ActionKind } from "../../src/model/graph.ts";
import type { Result } from "../../src/model/selection.ts";
import { targetKey } from "../../src/model/target.ts";
import { listActions, type Selection, selectActions } from "../../src/plan/select.ts";
import { fingerprint } from "../../src/sql/fingerprint.ts";

// raw.orders → stg → mid → mart, other → mart, a check of mart, and one that nothing is connected with.
const action = (name: string, kind: ActionKind, reads: readonly string[] = [], more: Partial<Action> = {}) => {
  const target = (text: string) => {
    const [schema = "", last = ""] = text.includes(".") ? text.split(".") : ["shop", text];
    return { schema, name: last };
  };
  const base = { target: target(name), kind, file: `definitions/${name}.sqlx`, tags: [], columns: [], disabled: false };
  return { ...base, dependencies: reads.map(target), ...more } as unknown as Action;
};
const graph = {
  project: { name: "shop" },
  actions: [
    action("raw.orders", "declaration"),
    action("stg", "view", ["raw.orders"], { tags: ["daily"], file: "definitions/staging/stg.sqlx" }),
    action("mid", "table", ["stg"], { tags: ["daily"] }),
    action("other", "incremental", [], { file: "node_modules/@x/scd/index.js" }),
    action("mart", "table", ["mid", "other"], { tags: ["weekly"], file: "definitions/marts/a/mart.sqlx" }),
    action("check", "assertion", ["mart"]),
    action("alone", "operations", [], { disabled: true, postgres: {} }),
  ],
};
const short = (keys: ReadonlySet<string>) => [...keys].map((key) => key.replace("shop.", "")).join(" ");

test.each([
  ["mid", "mid"],
  ["+mid", "stg mid"],
  ["mid+", "mid mart check"],
  ["1+mart", "mid other mart"],
  ["2+mart", "stg mid other mart"],
  ["stg+1", "stg mid"],
  ["1+mid+1", "stg mid mart"],
  ["@stg", "stg mid other mart check"],
  ["m*", "mid mart"],
  ["shop.mi?", "mid"],
  ["shop.*", "stg mid other mart check"],
  ["tag:daily", "stg mid"],
  ["tag:*ly", "stg mid mart"],
  ["path:marts", "mart"],
  ["path:definitions/marts/", "mart"],
  ["path:definitions/marts/a/*.sqlx", "mart"],
  ["file:mart.sqlx", "mart"],
  ["type:model", "stg mid other mart"],
  ["type:table,tag:daily", "mid"],
  ["+mart,type:view", "stg"],
  ["tag:daily,tag:weekly", ""],
  ["schema:shop,type:assertion", "check"],
  ["source:raw+", "stg mid mart check"],
  ["source:raw.orders+1", "stg"],
  ["package:@x/scd", "other"],
  ["package:shop,type:table", "mid mart"],
  ["mid check", "mid check"],
])("--select %s", (words, expected) => {
  expect(short(selectActions(graph, { select: [words] }))).toBe(expected);
});

test.each<[string, Selection, string]>([
  ["--exclude alone is everything but", { exclude: ["type:assertion", "+mid"] }, "other mart"],
  ["--exclude takes away what is selected", { select: ["+mart"], exclude: ["tag:daily"] }, "other mart"],
  ["Dataform's flags and words add up", { actions: ["other"], tags: ["weekly"], select: ["stg"] }, "stg other mart"],
  ["--include-deps is a + before each", { select: ["mid"], includeDependencies: true }, "stg mid"],
])("%s", (_, selection, expected) => {
  expect(short(selectActions(graph, selection))).toBe(expected);
});

test("a list has declarations and what is disabled, too", () => {
  expect(short(listActions(graph, { select: ["source:raw", "alone"] }))).toBe("raw.orders alone");
});

test.each([
  ["mit", "--select: nothing is named mit", "did you mean shop.mid?"],
  ["tag:dayly", "--select: no action has tag:dayly", "did you mean tag:daily?"],
  ["path:mart", "--select: no action has path:mart", "did you mean path:marts?"],
  ["type:tabel", "--select: no action has type:tabel", "did you mean type:table?"],
  ["tags:daily", "--select: tags: is no way to choose", "did you mean tag:?"],
  ["state:modified", "--select: state: is asked of what a database has", "run, plan and ls take it"],
  ["config:x", "--select: config: is no way to choose", "type: or tag:"],
  ["mid,,mart", "--select: this is no selection", undefined],
  ["+", "--select: this is no selection", undefined],
])("--select %s is refused with what was meant", (words, message, hint) => {
  const refused = () => selectActions(graph, { select: [words] });
  expect(refused).toThrow(message);
  expect(refused).toThrow(expect.objectContaining(hint === undefined ? {} : { hint: expect.stringContaining(hint) }));
});

test("what differs from what is published, and what came of the last run, are chosen where a database was asked", () => {
  const published = graph.actions.filter(({ target }) => ["stg", "mid", "check"].includes(target.name));
  const other = { ...published[1]!, tags: ["moved"], file: "elsewhere", description: "another" };
  const codes = [published[0]!, other, published[2]!].map((action, index) => [
    targetKey(published[index]!.target),
    fingerprint(action),
  ]) as [string, string][];
  const results: Record<string, Result> = {
    "shop.stg": { status: "ok", error: false },
    "shop.mid": { status: "failed", error: true },
    "shop.mart": { status: "skipped", error: false },
    [targetKey(published[2]!.target)]: { status: "failed", error: false },
  };
  const chosen = (...select: string[]) =>
    short(selectActions({ ...graph, past: { code: Object.fromEntries(codes), results } }, { select }));
  expect(chosen("state:new")).toBe("other mart");
  expect(chosen("state:modified")).toBe("mid other mart");
  expect(chosen("state:old")).toBe("stg mid check");
  expect(chosen("state:unmodified")).toBe("stg check");
  expect(chosen("result:error", "result:skipped")).toBe("mid mart");
  expect(chosen("result:fail")).toBe("check");
  expect(chosen("result:failed")).toBe("mid check");
  expect(chosen("result:success")).toBe("stg");
  expect(chosen("result:warn")).toBe("");
  expect(chosen("1+result:error,state:modified")).toBe("mid");
  expect(() => chosen("result:eror")).toThrow(expect.objectContaining({ hint: "did you mean result:error?" }));
});

test("what --exclude does not find is refused, too", () => {
  expect(() => selectActions(graph, { exclude: ["nothing"] })).toThrow("--exclude: nothing is named nothing");
});

test("a selection has a name: with others, around it, less than another one, and never itself", () => {
  const named = new Map([
    ["nightly", { select: ["tag:daily", "mart"], exclude: ["type:view"] }],
    ["rest", { exclude: ["selector:nightly", "type:declaration"] }],
    ["round", { select: ["selector:round"] }],
    ["wrong", { select: ["tag:dayly"] }],
  ]);
  const chosen = (...select: string[]) => short(selectActions(graph, { select, named }));
  expect(chosen("selector:nightly")).toBe("mid mart");
  expect(chosen("selector:nightly,tag:weekly", "check")).toBe("mart check");
  expect(chosen("1+selector:nightly")).toBe("stg mid other mart");
  expect(chosen("selector:rest")).toBe("stg other check");
  expect(short(selectActions(graph, { exclude: ["selector:nightly"], named }))).toBe("stg other check");
  expect(() => chosen("selector:nightli")).toThrow(
    expect.objectContaining({ hint: "did you mean selector:nightly?", expected: "nightly, rest, round, wrong" }),
  );
  expect(() => chosen("selector:round")).toThrow("is a part of itself");
  expect(() => chosen("selector:wrong")).toThrow("selectors.yaml, wrong: no action has tag:dayly");
});

test("every method of dbt that docs/from-dbt.md names is known here, or is told with what it is", () => {
  const page = readFileSync(new URL("../../docs/from-dbt.md", import.meta.url), "utf8");
  const section = page.split("## Selectors")[1]!.split("\n## ")[0]!;
  const cells = [...section.matchAll(/^\| ([^|]*) \|/gm)].flatMap(([, cell = ""]) => [...cell.matchAll(/`([\w.]+):/g)]);
  const methods = [...new Set(cells.map(([, method = ""]) => method))];
  expect(methods.length).toBeGreaterThan(15);
  const refusalOf = (method: string) => {
    try {
      selectActions({ ...graph, past: { code: {}, results: {} } }, { select: [`${method}:none`] });
      return undefined;
    } catch (error) {
      return error as UserError;
    }
  };
  const untold = methods.filter((method) => {
    const { message = "", hint } = refusalOf(method) ?? {};
    return message.includes("is no way to choose") && hint === undefined;
  });
  expect(untold).toEqual([]);
  expect(() => selectActions(graph, { select: ["config.materialized:table"] })).toThrow(
    "config.materialized: is no way",
  );
});
