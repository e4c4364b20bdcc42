import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import type { SiteCore, SiteDetail } from "../../src/model/site.ts";
import { readPageAssets } from "../../src/site/assets.ts";
import { contentSecurityPolicy, siteFiles } from "../../src/site/files.ts";
import type { SiteInput } from "../../src/site/input.ts";
import { inputOf, manyModels, view } from "../support/site.ts";

const page = { files: new Map([["page.js", "the page"]]) };

/** What the scripts of `data/` hand over, as a page takes it. */
function handedOver(files: ReadonlyMap<string, string | Uint8Array>): ReadonlyMap<string, unknown> {
  const taken: [string, unknown][] = [];
  const self = { dataformParts: taken };
  for (const [path, content] of files) if (path.startsWith("data/")) new Function("self", String(content))(self);
  return new Map(taken);
}

const coreOf = (input: SiteInput) => handedOver(siteFiles(input, page).files).get("core") as SiteCore;
const detailsOf = (input: SiteInput) =>
  handedOver(siteFiles(input, page).files).get("relations-0") as readonly SiteDetail[];

test("the same input gives the same bytes", () => {
  const input = inputOf([view("orders"), view("items")]);
  expect([...siteFiles(input, page).files]).toEqual([...siteFiles(input, page).files]);
});

test("a page loads nothing but its own scripts and styles; a server that tells of releases may be listened to", () => {
  expect(contentSecurityPolicy(false)).toContain("default-src 'none'; script-src 'self'; style-src 'self';");
  expect(contentSecurityPolicy(false)).not.toMatch(/unsafe|connect-src|https?:/);
  expect(contentSecurityPolicy(true)).toContain("connect-src 'self'");
  const html = String(siteFiles(inputOf([]), page).files.get("index.html"));
  expect(html.match(/(?:src|href)="[^"]*"/g)!.filter((one) => /https?:\/\/(?!www\.w3\.org)/.test(one))).toEqual([]);
  expect(html).not.toMatch(/ style=|<script>|<style/);
});

test("names and texts stay texts: markup, closing tags, control characters, __proto__ and 10,000 characters", () => {
  const odd = `</script><script>alert(1)</script>\u2028\u0001${"x".repeat(10_000)}`;
  const columns = ["__proto__", "constructor", odd].map((name) => ({ name, description: odd }));
  const input = inputOf([view("__proto__", { description: odd, columns })], { project: odd });
  const { relations, project } = coreOf(input);
  expect(project).toBe(odd);
  expect(relations[0]).toMatchObject({ name: "__proto__", summary: odd.replaceAll(/\s+/g, " ") });
  expect(relations[0]!.columns.map(([name]) => name)).toEqual(["__proto__", "constructor", odd]);
  expect(String(siteFiles(input, page).files.get("index.html"))).not.toContain("<script>alert");
});

test("an object that an author's text names with __proto__ has it as a key of its own", () => {
  const parts = new Map([["some", JSON.parse('{"__proto__": {"is": "own"}, "says": "\\"__proto__\\":"}')]]);
  const some = handedOver(siteFiles(inputOf([], { parts }), page).files).get("some") as Record<string, unknown>;
  expect(Object.keys(some)).toEqual(["__proto__", "says"]);
  expect(some.says).toBe('"__proto__":');
});

test("no value of a column tagged pii is shown: neither in the sample nor as an end of a range", () => {
  const about = { nullShare: "0", distinct: 2, low: "ann@example.com", high: "zoe@example.com" };
  const stored = { indexes: [], grants: [] };
  const input = inputOf([view("people", { columns: [{ name: "email", description: "", tags: ["PII"] }] })], {
    facts: new Map([
      [
        "shop.people",
        {
          stored,
          columns: [
            { name: "email", type: "text", isNotNull: false, about },
            { name: "town", type: "text", isNotNull: false, about: { ...about, low: "Bern", high: "Ulm" } },
          ],
        },
      ],
    ]),
    samples: new Map([["shop.people", { columns: ["email", "town"], rows: [["ann@example.com", "Bern"]] }]]),
  });
  expect(JSON.stringify([...siteFiles(input, page).files])).not.toContain("example.com");
  const [{ columns, sample }] = detailsOf(input) as [SiteDetail];
  expect(columns[0]!.about).toEqual({ nullShare: "0", distinct: 2 });
  expect(columns[1]!.about).toMatchObject({ low: "Bern", high: "Ulm" });
  expect(sample).toEqual({ columns: ["town"], rows: [["Bern"]] });
});

test("others are named by their places, and what others built on a mart is one of the relations", () => {
  const core = coreOf(
    inputOf([view("orders"), view("a_mart", { dependencies: [{ schema: "shop", name: "orders" }] })], {
      dependents: new Map([
        [
          "shop.a_mart",
          [
            { target: { schema: "bi", name: "board" }, what: "bi.board", kind: "view", depth: 1 },
            { target: { schema: "bi", name: "above" }, what: "bi.above", kind: "view", depth: 2 },
          ],
        ],
      ]),
    }),
  );
  expect(core.relations.map(({ name, kind, reads }) => [name, kind, reads])).toEqual([
    ["board", "foreign", [1]],
    ["a_mart", "view", [2]],
    ["orders", "view", []],
  ]);
});

test("1,000 models take less than 3 MB, 600 KB of it compressed, the page with its charts included", () => {
  const { files } = siteFiles(manyModels(1_000), readPageAssets());
  const contents = [...files].filter(([path]) => path !== "charts.js").map(([, content]) => Buffer.from(content));
  const sum = (sizes: readonly number[]) => sizes.reduce((total, size) => total + size, 0);
  expect(sum(contents.map((one) => one.length))).toBeLessThan(3_000_000);
  expect(sum(contents.map((one) => gzipSync(one).length))).toBeLessThan(600_000);
  expect(Buffer.byteLength(files.get("charts.js")!)).toBeLessThan(650_000);
});
