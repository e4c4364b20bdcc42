import { readdirSync, readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import ts from "typescript";
import { expect, test } from "vitest";

// What makes the faults of unquoted names impossible is the type of a connection's statements, which no string has. This is
// the same rule for pieces that are handed on as texts.
const root = resolve(import.meta.dirname, "..");

/** Words of SQL beside each other as no sentence has them. */
const SQL =
  /\b(?:select\s[\s\S]*\sfrom\s|insert\s+into\s|delete\s+from\s|update\s[\s\S]*\sset\s|create\s+(?:or\s+replace\s+)?(?:unique\s+|temp\s+)?(?:table|view|index|schema|role)\s|alter\s+(?:table|view|role|schema|index|default)\s|drop\s+(?:table|view|schema|index)\s|(?:grant|revoke)\s+(?:x|all|select|insert|update|delete|truncate|usage|create|connect|execute|set)[\s,][\s\S]*\s(?:to|from)\s|truncate\s+(?:table\s+)?\w|lock\s+table\s|where\s+\S+\s*(?:=|<>|<=?|>=?|in\s*\()|comment\s+on\s+\w+\s|copy\s[\s\S]*\s(?:from\s+stdin|to\s+stdout)|set\s+(?:local|role|transaction)\s|partition\s+by\s|is\s+(?:not\s+)?distinct\s+from\s|union\s+all\s|order\s+by\s|group\s+by\s|inner\s+join\s|left\s+join\s|full\s+join\s)/;

/** Where a text is for a person to read, and may advise SQL. */
const FOR_PEOPLE = new Set(["message", "hint", "expected", "found", "reason", "why", "description", "help", "note"]);

function filesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesIn(path) : /\.(?:ts|js)$/.test(entry.name) ? [path] : [];
  });
}

const parsed = new Map<string, ts.SourceFile>();

function sourceOf(file: string): ts.SourceFile {
  const known = parsed.get(file);
  if (known) return known;
  const source = ts.createSourceFile(file, readFileSync(join(root, file), "utf8"), ts.ScriptTarget.Latest, true);
  parsed.set(file, source);
  return source;
}

/** Templates without a tag, and sums of strings, that read like SQL. */
function byHand(file: string): string[] {
  const source = sourceOf(file);
  const found: string[] = [];
  const visit = (node: ts.Node) => {
    const text = composed(node);
    if (text !== undefined && SQL.test(text.toLowerCase()) && !isForPeople(node)) {
      const { line } = source.getLineAndCharacterOfPosition(node.getStart());
      found.push(`${relative(root, join(root, file))}:${line + 1}`);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** The text of a string that is put together, with `x` for what it is put together from. */
function composed(node: ts.Node): string | undefined {
  if (ts.isTemplateExpression(node) && !ts.isTaggedTemplateExpression(node.parent))
    return [node.head.text, ...node.templateSpans.map(({ literal }) => literal.text)].join(" x ");
  const list = joined(node);
  if (list) {
    if (list.elements.every(ts.isStringLiteralLike)) return undefined;
    return list.elements.map((part) => (ts.isStringLiteralLike(part) ? part.text : "x")).join(" ");
  }
  if (!ts.isBinaryExpression(node) || node.operatorToken.kind !== ts.SyntaxKind.PlusToken) return undefined;
  const parts = [node.left, node.right];
  return parts.some(ts.isStringLiteralLike) && !parts.every(ts.isStringLiteralLike)
    ? parts.map((part) => (ts.isStringLiteralLike(part) ? part.text : "x")).join(" ")
    : undefined;
}

/** The list of `[…].join(…)`. */
function joined(node: ts.Node): ts.ArrayLiteralExpression | undefined {
  if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return undefined;
  const { name, expression } = node.expression;
  return name.text === "join" && ts.isArrayLiteralExpression(expression) ? expression : undefined;
}

function isForPeople(node: ts.Node): boolean {
  for (let at: ts.Node = node; at.parent; at = at.parent) {
    const { parent } = at;
    if (ts.isPropertyAssignment(parent) && FOR_PEOPLE.has(parent.name.getText())) return true;
    if (ts.isNewExpression(parent) && /Error$/.test(parent.expression.getText())) return true;
    if (ts.isCallExpression(parent) && /^(?:fail|refused)$/.test(parent.expression.getText())) return true;
    if (ts.isStatement(parent)) return false;
  }
  return false;
}

/** SQL for other servers, whose names and values are quoted by their own dialect. */
const OTHER_DIALECTS = [
  "src/sources/sql/mysql",
  "src/sources/sql/sqlserver",
  "src/library/reconcile/corrections.ts",
  "src/library/reconcile/dialects.ts",
];

test("no SQL with a hole in it is put together outside the library", () => {
  const files = [...filesIn("src"), ...filesIn("includes"), ...filesIn("definitions")];
  const ours = files.filter((file) => !OTHER_DIALECTS.some((place) => file.startsWith(place)));
  expect(ours.flatMap(byHand)).toEqual([]);
});

test("a text that is put together by hand is found", () => {
  const file = "src/sql/../../test/sql-by-hand.test.ts";
  const name = "x";
  const texts = [
    `select a from ${name} where true`,
    ["select a", "from", name].join(" "),
    `grant select on ${name} to reader`,
    `truncate ${name}`,
    `lock table ${name}`,
    `where ${name} = 1`,
  ];
  expect(byHand(file)).toHaveLength(texts.length);
  // Of sentences, and of texts without a hole, none is.
  expect(["grant it to", name].join(" ")).toBeTypeOf("string");
  expect(["select a", "from b"].join(" ")).toBeTypeOf("string");
});

/** An alias of ours, given to a relation whose columns are the author's. */
const ALIAS = /\b(?:from|join|update)\s+(?:only\s+)?HOLE\s+as\s+([a-z_]+)\b/g;

/** Aliases that stand for a whole row: a column of that name would be meant instead. `alias.*` is the row. */
function bareRows(text: string): string[] {
  const aliases = [...text.matchAll(ALIAS)].map(([, alias]) => alias!);
  return aliases.filter((alias) =>
    new RegExp(`(?<![.\\w"])${alias}(?:::|\\s+is\\b)|\\(\\s*${alias}\\s*[,)]`).test(text),
  );
}

function sqlTemplates(file: string): string[] {
  const texts: string[] = [];
  const visit = (node: ts.Node) => {
    if (ts.isTaggedTemplateExpression(node) && node.tag.getText() === "sql" && ts.isTemplateExpression(node.template))
      texts.push(
        [node.template.head.text, ...node.template.templateSpans.map(({ literal }) => literal.text)].join("HOLE"),
      );
    ts.forEachChild(node, visit);
  };
  visit(sourceOf(file));
  return texts;
}

test("a whole row is alias.*, for an author's column may be called like an alias of ours", () => {
  const bare = filesIn("src").flatMap((file) =>
    sqlTemplates(file).flatMap((text) => bareRows(text).map((alias) => `${file}: ${alias}`)),
  );
  expect(bare).toEqual([]);
  const one = (row: string) => bareRows("select count(*), hash(row) from HOLE as s".replace("row", row));
  expect(["s", "s::text", "s, 0", "s.*", "(s.*)::text", "s.a", "x.s"].map((row) => one(row).length)).toEqual([
    1, 1, 1, 0, 0, 0, 0,
  ]);
});
