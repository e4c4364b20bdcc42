import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import ts from "typescript";
import { expect, test } from "vitest";
import { compile } from "../src/compile/compile.ts";
import type { Action, Assertion } from "../src/model/graph.ts";

// The models are SQL; what is put into it is made by functions that quote: references, and packaged functions.

const root = resolve(import.meta.dirname, "..");
const text = (file: string) => readFileSync(join(root, file), "utf8");

function filesIn(folder: string, extension: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(extension))
    .map((file) => `${folder}/${file}`)
    .sort();
}

const includes = filesIn("includes", ".js").map((file) => file.slice("includes/".length, -".js".length));
const packaged = filesIn("src/library", ".ts")
  .map((file) => file.slice("src/library/".length, -".ts".length))
  .filter((name) => includes.includes(name));

/** What gives a name as SQL, or text that the other arguments are. */
const OF_DATAFORM = ["ref", "self", "resolve", "name", "incremental", "when"];

/** The JavaScript of an .sqlx file: its blocks, and what stands in `${…}` of its SQL. */
function javascriptOf(sqlx: string): { readonly blocks: string; readonly holes: readonly string[] } {
  const blocks = [...sqlx.matchAll(/^(?:config|js) \{\n?([\s\S]*?)^\}$/gm)];
  const sql = blocks.reduce((rest, [block]) => rest.replace(block, () => ""), sqlx);
  const js = blocks.filter(([block]) => block.startsWith("js")).map(([, body]) => body);
  return { blocks: js.join("\n"), holes: holesOf(sql.replace(/^\s*--.*$/gm, "")) };
}

function holesOf(sql: string): string[] {
  const holes: string[] = [];
  for (let at = sql.indexOf("${"); at >= 0; at = sql.indexOf("${", at)) {
    const end = endOfHole(sql, at + 2);
    holes.push(sql.slice(at + 2, end));
    at = end;
  }
  return holes;
}

/** Where the brace stands that ends what began at `from`: strings and templates skipped. */
function endOfHole(code: string, from: number): number {
  let at = from;
  while (at < code.length && code[at] !== "}") {
    const quote = /["'`]/.exec(code[at]!)?.[0];
    if (code[at] === "{") at = endOfHole(code, at + 1) + 1;
    else if (code.startsWith("//", at)) at = code.indexOf("\n", at);
    else if (quote) at = endOfString(code, at + 1, quote);
    else at++;
  }
  return at;
}

function endOfString(code: string, from: number, quote: string): number {
  let at = from;
  while (at < code.length && code[at] !== quote) {
    if (code[at] === "\\") at += 2;
    else if (quote === "`" && code.startsWith("${", at)) at = endOfHole(code, at + 2) + 1;
    else at++;
  }
  return at + 1;
}

const parsed = (code: string) => ts.createSourceFile("x.js", code, ts.ScriptTarget.Latest, true, ts.ScriptKind.JS);

/** What an expression pastes: its own text where it is no call that quotes, and templates in it that do. */
function pastes(hole: ts.Expression, made: ReadonlySet<string>): string[] {
  const found = isMade(hole, made) ? [] : [hole.getText()];
  const visit = (node: ts.Node) => {
    if (ts.isTemplateExpression(node))
      for (const { expression } of node.templateSpans)
        if (!isMade(expression, made) && !isNameOfAction(node)) found.push(node.getText());
    if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.PlusToken) found.push(node.getText());
    ts.forEachChild(node, visit);
  };
  visit(hole);
  return [...new Set(found)];
}

/** A reference, the result of a packaged function, or a constant that is one. */
function isMade(node: ts.Expression, made: ReadonlySet<string>): boolean {
  if (ts.isIdentifier(node)) return made.has(node.text);
  if (!ts.isCallExpression(node)) return false;
  const { expression: called } = node;
  if (ts.isIdentifier(called)) return OF_DATAFORM.includes(called.text);
  if (!ts.isPropertyAccessExpression(called) || !ts.isIdentifier(called.expression)) return false;
  return includes.includes(called.expression.text) || made.has(called.expression.text);
}

/** `ref(`stg_${network}`)`: the name of an action, and no SQL. */
function isNameOfAction(node: ts.Node): boolean {
  return ts.isCallExpression(node.parent) && /^(?:ref|resolve)$/.test(node.parent.expression.getText());
}

/** The constants of js blocks that are made by calls that quote. */
function constantsOf(blocks: string): Set<string> {
  const made = new Set<string>();
  const visit = (node: ts.Node) => {
    if (
      ts.isVariableDeclaration(node) &&
      ts.isIdentifier(node.name) &&
      node.initializer &&
      isMade(node.initializer, made)
    )
      made.add(node.name.text);
    ts.forEachChild(node, visit);
  };
  visit(parsed(blocks));
  return made;
}

function pastedIn(sqlx: string): string[] {
  const { blocks, holes } = javascriptOf(sqlx);
  const made = constantsOf(blocks);
  return holes.flatMap((hole) => {
    const [statement] = parsed(`(${hole})`).statements;
    const { expression } = statement as ts.ExpressionStatement;
    return pastes(ts.isParenthesizedExpression(expression) ? expression.expression : expression, made);
  });
}

test("the SQL of a model has references and results of packaged functions in its holes, and no pasted texts", () => {
  const wrong = filesIn("definitions", ".sqlx").flatMap((file) =>
    pastedIn(text(file)).map((pasted) => `${file}: ${pasted.replace(/\s+/g, " ").slice(0, 80)}`),
  );
  expect(wrong).toEqual([]);
});

test.each([
  ['select ${ref("a")}', []],
  ["select ${when(incremental(), `where a > (select max(a) from ${self()})`)}", []],
  ['js {\n  const t = self();\n}\nselect * from ${t} where ${ratios.ratio("a", "b")} > 1', []],
  ["-- ${column}\nselect 1", []],
  ["select ${column}", ["column"]],
  ["js {\n  const c = `x_${n}`;\n}\nselect ${c}", ["c"]],
  ['select ${["a", "b"].map((c) => `sum(${c})`).join()}', ['["a", "b"].map((c) => `sum(${c})`).join()', "`sum(${c})`"]],
  ["select ${when(incremental(), `where ${column} > 1`)}", ["`where ${column} > 1`"]],
  ['select ${ratios.ratio("a" + column, "b")}', ['"a" + column']],
])("in %j is pasted what is pasted", (sqlx, expected) => {
  expect(pastedIn(sqlx)).toEqual(expected);
});

test("an include of a packaged function is one line", () => {
  expect(packaged.length).toBeGreaterThan(5);
  const others = packaged.filter(
    (name) => text(`includes/${name}.js`) !== `module.exports = require("dataform-postgres/includes/${name}");\n`,
  );
  expect(others).toEqual([]);
});

const EVENTS = ["event_minutes", "page_days", "visitor_days", "purchase_days", "visits", "visitors", "visitor_weeks"];

/** Marts whose key an assertion of its own holds: of what grows for ever, only what the last run brought is looked at. */
const KEY_HELD_BY = new Map([
  ["marketing.attribute_daily", "marketing_daily_views_have_their_keys"],
  ["marketing.campaign_device_daily", "marketing_daily_views_have_their_keys"],
  ["marketing.creative_daily", "marketing_creative_daily_has_its_key"],
  ["marketing.creative_to_date", "marketing_creative_to_date_has_its_key"],
  // of rows of both sides, with a key or without, also where a side has one twice
  ["reconciliation.bank_store", "bank_counts_every_row_once"],
  ["reconciliation.bank_rows", "bank_counts_every_row_once"],
  ["reconciliation.bank_duplicates", "bank_counts_every_row_once"],
  // of what an instant later is another row
  ...[...EVENTS, "funnel", "retention"].map((name) => [`events.${name}`, "events_marts_have_their_keys"] as const),
]);

const WITHOUT_KEY = new Map([
  // of what grows with every run and load, the records hold the keys
  ["operations.run_steps", "the primary key of _dataform.step"],
  ["operations.loads", "the primary key of each ledger"],
  ["operations.storage_over_time", "the same two, by kind"],
  [
    "blog.findings",
    "unique; a snapshot that is odd itself has no blog. All of raw is read for it, so no run checks it",
  ],
  ["marketing.conversion_lag", "grouped by it. All of raw is read for it, so no run checks it"],
  ["reconciliation.bank_summary", "unique; rows that name no currency are counted under NULL"],
  [
    "reconciliation.bank_matches",
    "what bank_rows shows of it; a unique index of the number of a row of the store holds its key",
  ],
  ["reconciliation.bank_rules", "its rows are constants, one a column of the call"],
  ["reconciliation.bank_proposals", "unique; its id is a hash of what the row says, which is never NULL"],
  ...EVENTS.map((name) => [`events.${name}_store`, "its unique index; a run refuses a group without its key"] as const),
  ["reconciliation.records_corrected", "a key that our system has twice stays twice: bank_duplicates lists it"],
]);

/** A column of the key may be NULL where its description says so. A unique index holds the key of an incremental table. */
function holdsItsKey(mart: Action, own: readonly Assertion[]): boolean {
  const isUnique = mart.kind === "incremental" || own.some(({ target }) => target.name.includes("_uniqueKey_"));
  if (!("key" in mart) || !mart.key?.length || !isUnique) return false;
  const mayBeNull = (name: string) =>
    mart.columns.some((column) => column.name === name && /\bNULL\b/.test(column.description ?? ""));
  return mart.key.every((name) => mayBeNull(name) || own.some(({ query }) => query.includes(`'${name} is not null'`)));
}

test("every mart has a key that assertions hold, and says what it and its columns are", async () => {
  const { actions } = await compile(root);
  const marts = actions.filter(
    ({ kind, file }) => /\/marts\//.test(file ?? "") && /^(?:view|table|incremental)$/.test(kind),
  );
  expect(marts.length).toBeGreaterThan(35);
  const nameOf = ({ schema, name }: Action["target"]) => `${schema}.${name}`;
  const assertions = actions.filter((one) => one.kind === "assertion");
  const ownOf = (mart: Action) => assertions.filter(({ parent }) => parent && nameOf(parent) === nameOf(mart.target));
  const found = marts.filter((mart) => !holdsItsKey(mart, ownOf(mart))).map(({ target }) => nameOf(target));
  expect(found.sort()).toEqual([...KEY_HELD_BY.keys(), ...WITHOUT_KEY.keys()].sort());
  const made = assertions.map(({ target }) => target.name);
  expect([...KEY_HELD_BY.values()].filter((name) => !made.includes(name))).toEqual([]);
  // that no column is missing among the described is seen on the server: the tests of each product
  const silent = marts.filter(({ description, columns }) => !description || columns.some((one) => !one.description));
  expect(silent.map(({ target }) => nameOf(target))).toEqual([]);
});

test("the SQL of a model is steps with names, and a plain select of the last", () => {
  const models = filesIn("definitions", ".sqlx").filter((file) =>
    /type: "(?:view|table|incremental)"/.test(text(file)),
  );
  expect(models.length).toBeGreaterThan(60);
  const lacking = models.filter((file) => !/^with\n\n/m.test(text(file)) || !/^select \* from \w+$/m.test(text(file)));
  expect(lacking).toEqual([]);
});

/** The steps of a model: names, and SQL without comments. */
function stepsOf(sqlx: string): { readonly name: string; readonly sql: string }[] {
  const steps = sqlx.matchAll(/^(\w+) as (?:(?:not )?materialized )?\(\n([\s\S]*?)^\),?$/gm);
  return [...steps].map(([, name, body]) => ({ name: name!, sql: body!.replace(/^\s*--.*$/gm, "") }));
}

/** What it reads as it is stands below a step that works with what was read. */
function readLate(sqlx: string): string[] {
  const steps = stepsOf(sqlx);
  const readsAnother = ({ sql }: { readonly sql: string }, at: number) =>
    steps.slice(0, at).some(({ name }) => new RegExp(`(?:from|join) ${name}\\b`).test(sql));
  const first = steps.findIndex(readsAnother);
  const isRead = /^\s*select \*\s+from \$\{ref\([^)]*\)\} as \w+(?:\s+where (?!.*select)[^\n]*)?\s*$/;
  return steps.filter(({ sql }, at) => first >= 0 && at > first && isRead.test(sql)).map(({ name }) => name);
}

test("a model says first what it reads, and then what it makes of it", () => {
  const late = filesIn("definitions", ".sqlx").flatMap((file) =>
    readLate(text(file)).map((name) => `${file}: ${name}`),
  );
  expect(late).toEqual([]);
  const step = (name: string, from: string) => `${name} as (\n  select * from ${from}\n)`;
  const [read, also] = [step("a", '${ref("a")} as a'), step("b", '${ref("b")} as b where x > 0')];
  expect(readLate([read, also, step("c", "a")].join(",\n\n"))).toEqual([]);
  expect(readLate([read, step("c", "a"), also].join(",\n\n"))).toEqual(["b"]);
});

test("definitions/README.md says what each call in a model stands for, and what each file of JavaScript makes", () => {
  const page = text("definitions/README.md");
  const isCall = (include: string) => includes.includes(include) && !/^monitoring$|_columns$/.test(include);
  const calls = filesIn("definitions", ".sqlx").flatMap((file) =>
    [...text(file).matchAll(/\b(\w+)\.(\w+)\(/g)].flatMap(([, include = "", name]) =>
      isCall(include) ? [`${include}.${name}`] : [],
    ),
  );
  expect(calls.length).toBeGreaterThan(50);
  expect([...new Set(calls)].filter((call) => !page.includes(`\`${call}\``))).toEqual([]);
  const files = filesIn("definitions", ".js").map((file) => file.slice("definitions/".length));
  expect(files.filter((file) => !/\/tests\/\w+_agree\.js$/.test(file) && !page.includes(`\`${file}\``))).toEqual([]);
});

test("lines of models fit a screen, but for texts", () => {
  const isText = /^\s*(?:\w+: ".*",?|comment on .*|.* is '.*')$/;
  const long = filesIn("definitions", ".sqlx").flatMap((file) =>
    text(file)
      .split("\n")
      .flatMap((line, at) => (line.length > 130 && !isText.test(line) ? [`${file}:${at + 1}`] : [])),
  );
  expect(long).toEqual([]);
});

test("a model asks for a project variable by vars, which says what it is unless set", () => {
  expect(filesIn("definitions", ".sqlx").filter((file) => /projectConfig\.vars/.test(text(file)))).toEqual([]);
});

/** The product of ads by itself: the others do not ask which networks there are. */
function adsAlone(): string {
  const folder = mkdtempSync(join(tmpdir(), "ads-alone-"));
  for (const part of ["dataform.json", "includes", "ingest", "definitions/ads"])
    cpSync(join(root, part), join(folder, part), { recursive: true });
  return folder;
}

test("the product of ads compiles with the reports of any one network alone", async () => {
  const folder = adsAlone();
  try {
    for (const network of ["google", "meta", "tiktok", "linkedin"]) {
      const { actions } = await compile(folder, { vars: { ads_networks: network } });
      expect(actions.length, network).toBeGreaterThan(120);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
