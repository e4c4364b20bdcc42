import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import ts from "typescript";
import { expect, test } from "vitest";

// What makes the faults of unquoted names impossible is the type of a connection's statements, which no string has. This is
// the same rule for pieces that are handed on as texts.
const root = resolve(import.meta.dirname, "..");

/** Words of SQL beside each other as no sentence has them. */
const SQL =
  /\b(?:select\s[\s\S]*\sfrom\s|insert\s+into\s|delete\s+from\s|update\s[\s\S]*\sset\s|create\s+(?:or\s+replace\s+)?(?:unique\s+|temp\s+)?(?:table|view|index|schema|role)\s|alter\s+(?:table|view|role|schema|index|default)\s|drop\s+(?:table|view|schema|index)\s|(?:grant|revoke)\s+(?:x|all|select|insert|update|delete|truncate|usage|create|connect|execute|set)[\s,][\s\S]*\s(?:to|from)\s|truncate\s+(?:table\s+)?\w|lock\s+table\s|where\s+\S+\s*(?:=|<>|<=?|>=?|in\s*\()|comment\s+on\s+\w+\s|copy\s[\s\S]*\s(?:from\s+stdin|to\s+stdout)|set\s+(?:local|role|transaction)\s|partition\s+by\s|is\s+(?:not\s+)?distinct\s+from\s|union\s+all\s|order\s+by\s|group\s+by\s|(?:inner|left|full|cross)\s+join\s|case\s+when\s|filter\s+\(where\s|coalesce\(|over\s+\(|exists\s+\(|on\s+conflict\s|x\s+::\s*(?!x\b)[a-z(])/;

/** What a text begins with that is a statement: a word that no sentence begins with, and a name from elsewhere behind it. */
const STATEMENT =
  /^\s*(?:(?:create|drop|alter)\s+(?:or\s+replace\s+)?(?:materialized\s+view|(?:temporary|unlogged|foreign)\s+table|function|procedure|trigger|policy|sequence|type|domain|database|user|extension|statistics|owned\s+by)|refresh\s+materialized\s+view|merge\s+into|vacuum|analyze|reindex|cluster|savepoint|rollback\s+to|declare|fetch|notify|listen|unlisten|prepare|deallocate|call|do|show|set|reset|values\s*\(|with|select)\s+(?:x|\S+\s+x|\S+\s*(?:=|to)\s+x)\s/;

/** A name that was put in quotes by hand. */
const QUOTED = /"\s+x\s+"\s*\./;

/** A name from elsewhere, maybe with one before it, in quotes or behind an alias. */
const NAME = String.raw`(?:[a-z_]\w*\.)?["']?\s*x\s*["']?(?:\s*\.\s*["']?\s*x\s*["']?)*`;
/** Two of them compared, with blanks between, and nothing else: the condition of a join has no word of SQL in it. */
const COMPARED = new RegExp(
  String.raw`^\s*\(*${NAME}(?:\s{2}|(?<=["'])\s)(?:=|<>|!=|<=?|>=?|\|\||~)(?:\s{2}|\s(?=["'(]|[a-z_]\w*\.))${NAME}(?:::.*)?\)*\s*$`,
);

/** Where a text is for a person to read, and may advise SQL. */
const FOR_PEOPLE = new Set(["message", "hint", "expected", "found", "reason", "why", "description", "help", "note"]);

function filesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesIn(path) : /\.(?:[cm]?[tj]s|sqlx)$/.test(entry.name) ? [path] : [];
  });
}

/** What a file says in SQL: the lines that put it together by hand, and the texts of its `sql` templates. */
interface Seen {
  readonly byHand: readonly number[];
  readonly templates: readonly string[];
}

const seen = new Map<string, Seen>();

function seenIn(file: string): Seen {
  const known = seen.get(file);
  if (known) return known;
  const text = readFileSync(join(root, file), "utf8");
  const found = lookAt(file.endsWith(".sqlx") ? scriptOf(text) : text);
  seen.set(file, found);
  return found;
}

/** The JavaScript of a model, at its lines: SQL with `ref` in its holes is what the rest of it is for. */
function scriptOf(sqlx: string): string {
  const blocks = [...sqlx.matchAll(/^js \{(.*?)^\}/gms)];
  return blocks.map(({ index, 1: code }) => sqlx.slice(0, index).replace(/[^\n]/g, "") + code).join(";");
}

/** A string as far as the file tells it, with `x` for what comes from elsewhere. */
interface Pieces {
  readonly text: string;
  readonly hole: boolean;
}

const HOLE: Pieces = { text: " x ", hole: true };
const pieces = (text: string): Pieces => ({ text, hole: false });
const together = (list: readonly Pieces[], between = ""): Pieces => ({
  text: list.map(({ text }) => text).join(between),
  hole: list.some(({ hole }) => hole),
});

/** Methods whose string has what theirs was and what they were given; of the others of a string, what theirs was. */
const ADDING = new Set(["concat", "join", "replace", "replaceAll", "padEnd", "padStart"]);
/** Methods whose string, or list of strings, has what a function gives. */
const ITERATING = new Set(["map", "flatMap", "reduce", "reduceRight"]);
const KEEPING = new Set([
  "trim",
  "trimEnd",
  "trimStart",
  "toLowerCase",
  "toUpperCase",
  "slice",
  "split",
  "toString",
  "flat",
]);

function lookAt(code: string): Seen {
  const source = ts.createSourceFile("a.ts", code, { languageVersion: ts.ScriptTarget.Latest, jsDocParsingMode: 1 });
  const byHand = new Set<number>();
  const templates: string[] = [];
  /** What is known of the variables of each function around the place. */
  const scopes: Map<string, Pieces>[] = [new Map()];
  const nameOf = (node: ts.Node) => (ts.isIdentifier(node) ? node.text : node.getText(source));
  const scopeOf = (name: string) => scopes.findLast((scope) => scope.has(name)) ?? scopes.at(-1)!;
  const known = (node: ts.Node) => scopeOf(nameOf(node)).get(nameOf(node));

  /** What was told of the expressions within one that is looked at, until something is known of another variable. */
  const before = new Map<ts.Node, Pieces | undefined>();

  /** The string that an expression is; nothing when it is put together from none that is seen. */
  const told = (node: ts.Node | undefined): Pieces | undefined => {
    if (!node) return undefined;
    if (!before.has(node)) before.set(node, toldOf(node));
    return before.get(node);
  };
  const toldOf = (node: ts.Node): Pieces | undefined => {
    if (ts.isStringLiteralLike(node)) return pieces(node.text);
    if (ts.isTemplateExpression(node)) return templateOf(node);
    if (ts.isTaggedTemplateExpression(node)) return nameOf(node.tag) === "sql" ? undefined : told(node.template);
    if (ts.isConditionalExpression(node)) return either([node.whenTrue, node.whenFalse]);
    if (ts.isSpreadElement(node)) return told(node.expression);
    if (ts.isParenthesizedExpression(node) || ts.isAsExpression(node) || ts.isNonNullExpression(node))
      return told(node.expression);
    if (ts.isArrayLiteralExpression(node)) return together(node.elements.map(toldOr), " ");
    if (ts.isIdentifier(node) || ts.isPropertyAccessExpression(node)) return known(node);
    if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.PlusToken)
      return either([node.left, node.right]);
    return ts.isCallExpression(node) ? called(node) : undefined;
  };
  const toldOr = (node: ts.Node): Pieces => told(node) ?? HOLE;
  const either = (nodes: readonly ts.Node[], between = "") =>
    nodes.some((node) => told(node)) ? together(nodes.map(toldOr), between) : undefined;
  const templateOf = ({ head, templateSpans }: ts.TemplateExpression) =>
    together([
      pieces(head.text),
      ...templateSpans.flatMap((span) => [toldOr(span.expression), pieces(span.literal.text)]),
    ]);
  const called = ({ expression, arguments: given }: ts.CallExpression): Pieces | undefined => {
    if (/(?:^|\.)format$/.test(nameOf(expression))) return told(given[0]) && together(given.map(toldOr), " ");
    if (!ts.isPropertyAccessExpression(expression)) return undefined;
    const method = expression.name.text;
    if (method === "join") return joined(expression.expression, given[0] ? toldOr(given[0]) : pieces(","));
    if (ITERATING.has(method) && given[0]) return iterated(given);
    const whole = told(expression.expression);
    if (whole && KEEPING.has(expression.name.text)) return whole;
    return whole && ADDING.has(expression.name.text) ? together([whole, ...given.map(toldOr)], " ") : undefined;
  };
  /** What stands between is said once more than it is needed: the strings of a list are one here, or none that is seen. */
  const joined = (list: ts.Expression, between: Pieces): Pieces => {
    const parts = ts.isArrayLiteralExpression(list) ? list.elements.map(toldOr) : [toldOr(list), toldOr(list)];
    return together(parts.flatMap((part, index) => (index ? [between, part] : [part])));
  };
  /** What a function gives for each, behind what it begins with. */
  const iterated = ([each, first]: ts.NodeArray<ts.Expression>): Pieces | undefined => {
    const parts = [...(first ? [first] : []), ...(each ? resultsOf(each) : [])];
    return either(parts, " ");
  };

  const judge = (node: ts.Node, text: Pieces | undefined) => {
    const said = text?.hole ? `${text.text.toLowerCase()} ` : "";
    if ([SQL, STATEMENT, QUOTED, COMPARED].some((pattern) => pattern.test(said)))
      byHand.add(source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1);
  };
  /** What a statement adds to a variable: `a += b`, `a = a + b`, `a.push(b)`, or its first value. */
  const kept = (node: ts.Node): [ts.Node, Pieces] | undefined => {
    if (ts.isVariableDeclaration(node)) {
      const first = told(node.initializer);
      if (!first) return undefined;
      scopes.at(-1)!.set(nameOf(node.name), first);
      return [node.name, first];
    }
    if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.EqualsToken) {
      const value = told(node.right);
      return value && [node.left, value];
    }
    if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.PlusEqualsToken)
      return [node.left, together([known(node.left) ?? HOLE, toldOr(node.right)])];
    if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return undefined;
    const { expression, name } = node.expression;
    return name.text === "push"
      ? [expression, together([toldOr(expression), ...node.arguments.map(toldOr)], " ")]
      : undefined;
  };

  const visit = (node: ts.Node, around: { readonly people: boolean; readonly part: boolean }) => {
    const people = ts.isStatement(node) ? false : around.people || isForPeople(node, source);
    if (ts.isTaggedTemplateExpression(node) && nameOf(node.tag) === "sql" && ts.isTemplateExpression(node.template))
      templates.push(
        [node.template.head.text, ...node.template.templateSpans.map(({ literal }) => literal.text)].join("HOLE"),
      );
    const text = ts.isExpression(node) && !ts.isArrayLiteralExpression(node) ? told(node) : undefined;
    if (text && !around.part && !people) judge(node, text);
    const inner = ts.isFunctionLike(node);
    if (inner) scopes.push(new Map());
    if (inner) before.clear();
    // The template of a tag is the tag's: what stands in its holes is looked at.
    const part = (text !== undefined || ts.isTaggedTemplateExpression(node)) && !inner;
    ts.forEachChild(node, (child) => visit(child, { people, part: part && !ts.isTemplateSpan(node) }));
    const now = kept(node);
    if (now) scopeOf(nameOf(now[0])).set(nameOf(now[0]), now[1]);
    if (now || inner) before.clear();
    if (now && !people && !ts.isVariableDeclaration(node)) judge(node, now[1]);
    if (inner) scopes.pop();
  };
  visit(source, { people: false, part: false });
  return { byHand: [...byHand], templates };
}

/** What a function that is written in its place may return. */
function resultsOf(each: ts.Expression): ts.Expression[] {
  if (!ts.isArrowFunction(each) && !ts.isFunctionExpression(each)) return [];
  if (!ts.isBlock(each.body)) return [each.body];
  return each.body.statements.flatMap((one) => (ts.isReturnStatement(one) && one.expression ? [one.expression] : []));
}

/** Where what stands below is for a person to read. */
function isForPeople(node: ts.Node, source: ts.SourceFile): boolean {
  if (ts.isPropertyAssignment(node)) return FOR_PEOPLE.has(node.name.getText(source));
  if (ts.isNewExpression(node)) return /(?:Error|^Option)$/.test(node.expression.getText(source));
  return ts.isCallExpression(node) && /^(?:fail|refused)$/.test(node.expression.getText(source));
}

const ELSEWHERE = [
  // SQL for other servers, whose names and values are quoted by their own dialect.
  "src/sources/sql/mysql",
  "src/sources/sql/sqlserver",
  "src/library/reconcile/corrections.ts",
  "src/library/reconcile/dialects.ts",
  // As @dataform/core puts an author's query and its where together, in core's own process: no name or value of ours.
  "src/compile/unit-tests.cjs",
  // Where a name is quoted.
  "src/sql/identifiers.ts",
  // Lines of postgresql.conf.
  "src/postgres/embedded/upgrade/configuration.ts",
  // A name as @dataform/core's dialect gives it, in core's own process.
  "src/compile/dataform2/resolving.cjs",
];

const FOLDERS = ["src", "includes", "definitions", "ingest", "scripts", "bin"];

test("no SQL with a hole in it is put together outside the library", () => {
  const files = FOLDERS.flatMap(filesIn).filter((file) => !ELSEWHERE.some((place) => file.startsWith(place)));
  expect(files.flatMap((file) => seenIn(file).byHand.map((line) => `${file}:${line}`))).toEqual([]);
});

test.each([
  "`select a from ${name} where true`",
  '"select a from " + name',
  '"select " + a + " from " + name',
  '"select " + (a + (" from ")) + name',
  '["select a", "from", name].join(" ")',
  '[...["select a"], "where", name, "= 1 order by 1"].join(" ")',
  '[...list, " group by 1"].join(" ")',
  '"select a from ".concat(name)',
  '"select a from t where t.b = 1".replace("t", name)',
  '"select a from t where b".split("t").join(name)',
  "String.raw`select a from ${name} where true`",
  'format("select a from %I where true", name)',
  "`where ${name} = 1`",
  "list.map((one) => `lock table ${one}`).join()",
  "sql`${verbatim(`truncate ${name}`)}`",
  "() => { const head = 'select a from '; return head + name; }",
  "() => { let q = 'select a'; q += ' from '; q += name; }",
  "() => { let q = 'select a'; q = q + ` from ${name}`; }",
  "() => { const q = ['select a']; q.push('from ' + name); return q.join(' '); }",
  "function f() { this.q = 'select a from '; this.q += name; }",
  "dedent`select a from ${name} where true`",
  "['select a', ...['from ' + name]].join(' ')",
  "(wide ? 'select a, b from ' : 'select a from ') + name",
  "`vacuum ${name}`",
  "`merge into ${name} using b on c`",
  "`create materialized view ${name} as`",
  "`drop function ${name}`",
  "`set search_path = ${name}`",
  "`select ${name}`",
  "`cross join ${name}`",
  "`case when ${name} then 1 end`",
  "`sum(a) filter (where ${name})`",
  "`coalesce(${name}, 0)`",
  "`${name}::text`",
  `\`"\${schema}"."\${name}"\``,
  "`${a} = ${b}`",
  "`(${a}.${b} <> new.${c})`",
  `\`"\${a}" = '\${b}'\``,
  "a + ' = ' + b",
  "[a, b].join(' = ')",
  "list.map((one) => `${one} = new.${one}`).join(', ')",
  "list.map((one) => { return `${one} = ${one}`; })",
  "list.reduce((all, one) => all + ', ' + one, 'select ')",
  "'select ' + list.map((one) => one.name).join(', ') + ' from ' + name",
  "list.map((one) => `${one} is null`).reduce((all, one) => `${all}, ${one}`, 'group by ')",
])("SQL that is put together by hand is found: %s", (code) => {
  expect(lookAt(`const found = ${code};`).byHand).toEqual([1]);
});

test.each([
  "sql`select a from ${name} where true`",
  '["grant it to", name].join(" ")',
  '["select a", "from b"].join(" ")',
  '"select a " + "from b"',
  "{ message: `select a from ${name} instead` }",
  "new UserError(`select a from ${name} instead`)",
  "`${name}=${value}`",
  "`${name}: ${a} = ${b}`",
  "`${a} of ${b}, ${c}`",
  "list.join(' and ')",
  "list.map((one) => `${one} rows`).join(', ')",
  "list.reduce((sum, one) => sum + one.length, 0)",
])("what is no SQL with a hole, or for a person to read, is not: %s", (code) => {
  expect(lookAt(`const found = ${code};`).byHand).toEqual([]);
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

test("a whole row is alias.*, for an author's column may be called like an alias of ours", () => {
  const bare = filesIn("src").flatMap((file) =>
    seenIn(file).templates.flatMap((text) => bareRows(text).map((alias) => `${file}: ${alias}`)),
  );
  expect(bare).toEqual([]);
  const one = (row: string) => bareRows("select count(*), hash(row) from HOLE as s".replace("row", row));
  expect(["s", "s::text", "s, 0", "s.*", "(s.*)::text", "s.a", "x.s"].map((row) => one(row).length)).toEqual([
    1, 1, 1, 0, 0, 0, 0,
  ]);
});
