import { createRequire } from "node:module";
import fc from "fast-check";
import { expect, test } from "vitest";
import { compile } from "../../src/compile/compile.ts";
import type { CompiledGraph } from "../../src/model/graph.ts";
import { findSource } from "../../src/sql/locate.ts";
import { resolveReferences } from "../../src/sql/references.ts";
import { testProject } from "../support/project.ts";

/** A piece of a file: text that stands there, or a placeholder. */
interface Piece {
  readonly text: string;
  readonly placeholder?: true;
}

const word = "planted";
const inc = `module.exports = {
  none: () => "",
  one: 1,
  lines: (n) => Array.from({ length: n }, (_, i) => \`  c\${i}\`).join(",\\n"),
  planted: () => "a,\\n  ${word},\\nb",
  sub: (from) => \`(\\nselect 1\\nfrom \${from}\\n)\`,
};`;

const texts = [
  "select 1",
  "\n",
  "  a,\n",
  ",",
  ",\n",
  "from x\n",
  "'}'",
  " \t",
  "-- comment ${no} `tick` c:\\new 'it\n",
  "/* ${x}\n '*/",
  "'it''s \\d \\\\ $1'",
  '"Weird ""name"" " ',
  "🙂\n",
  "$$ body $$",
  "a - - b / c\n",
];
const placeholders = [
  "${inc.none()}",
  "${inc.one}",
  "${inc.lines(3)}",
  '${ref("src")}',
  '${inc.sub(ref("src"))}',
  '${[1, 2].map((n) => `c${n}`).join(",")}',
  '${{ a: "}c" }.a.slice(1)}',
  "${/* } */ inc.one}",
  "${\n  inc.lines(2)\n}",
  "${inc.lines(2).replace(/c(?=1)/g, 'd')}",
];

const text = fc.constantFrom(...texts).map((one): Piece[] => [{ text: one }]);
// A quote right after a name would be a part of it.
const placeholder = fc
  .constantFrom(...placeholders)
  .map((one): Piece[] => [{ text: one, placeholder: true }, { text: one.startsWith("${ref(") ? " " : "" }]);
const quoted = fc
  .tuple(fc.constantFrom("'", '"'), fc.constantFrom("${inc.one}", "${inc.lines(2)}"))
  .map(([quote, inside]): Piece[] => [
    { text: `${quote}x ` },
    { text: inside, placeholder: true },
    { text: ` y${quote}` },
  ]);
const pieces = fc.array(fc.oneof(text, placeholder, quoted), { maxLength: 12 }).map((all) => all.flat());
const planted = fc.constantFrom<Piece>({ text: word }, { text: "${inc.planted()}", placeholder: true });

interface Planted {
  readonly source: string;
  readonly offset: number;
}

/** The pieces in a file, between what makes them the part of it that is asked for. */
function inFile(head: string, before: readonly Piece[], hit: Piece, after: readonly Piece[], tail: string): Planted {
  const written = (list: readonly Piece[]) => list.map((piece) => piece.text).join("");
  const start = head + written(before);
  return { source: start + hit.text + written(after) + tail, offset: start.length };
}

/** As they are written in JavaScript. */
function asJavaScript(list: readonly Piece[]): Piece[] {
  return list.map((piece) =>
    piece.placeholder
      ? { ...piece, text: piece.text.replaceAll("ref(", "ctx.ref(") }
      : { text: piece.text.replace(/[\\`]|\$\{/g, "\\$&") },
  );
}

// A test has no ref() of its own.
const withoutRef = (list: readonly Piece[]) => list.filter((piece) => !piece.text.includes("ref("));
const testConfig = (name: string) =>
  `config { type: "test", dataset: { schema: "marts", name: "m" }, name: "${name}" }\n`;

const parts: Readonly<Record<string, (before: Piece[], hit: Piece, after: Piece[], name: string) => Planted>> = {
  query: (before, hit, after) => inFile('config { type: "incremental" }\n', before, hit, after, "\nx"),
  "between blocks": (before, hit, after) =>
    inFile(
      "js { const a = `select ${1}`; const re = 1 / 2; }\nselect ${a}\npre_operations { select 1 }\n",
      before,
      hit,
      after,
      '\nconfig { type: "table", description: "a `b` ${1}" }\njs { const b = "}"; }\npost_operations { select 2 }\n',
    ),
  pre: (before, hit, after) =>
    inFile('config { type: "table" }\nselect 1\npre_operations {\n', before, hit, after, "\n}\n"),
  "second of post": (before, hit, after) =>
    inFile(
      'config { type: "table" }\nselect 1 ${inc.one}\npost_operations {\n  select ${inc.one}\n  ---\n',
      before,
      hit,
      after,
      "\n}\n",
    ),
  operations: (before, hit, after) =>
    inFile('config { type: "operations" }\nselect 1 ${inc.lines(2)}\n---\n', before, hit, after, "\n  ---\nselect 2"),
  assertion: (before, hit, after) => inFile('config { type: "assertion" }\n', before, hit, after, "\nx"),
  expectation: (before, hit, after, name) =>
    inFile(testConfig(name), withoutRef(before), hit, withoutRef(after), '\ninput "raw", "src" { select 1 }'),
  input: (before, hit, after, name) => {
    return inFile(
      `${testConfig(name)}select 1\ninput "raw", "src" {\n`,
      withoutRef(before),
      hit,
      withoutRef(after),
      "\n}\n",
    );
  },
  javascript: (before, hit, after, name) =>
    inFile(
      `const parts = /[\`'"]/;\npublish("${name}", { type: "table" }).query((ctx) => \``,
      asJavaScript(before),
      hit,
      asJavaScript(after),
      " x`);\n",
    ),
};

const fileWith = (names: readonly string[]) =>
  fc.record({ part: fc.constantFrom(...names), before: pieces, hit: planted, after: pieces, crlf: fc.boolean() });

/** Every text of the graph that has the word, with the file of its action. */
function textsOf(graph: CompiledGraph): { readonly file: string; readonly text: string }[] {
  return [...graph.actions, ...graph.tests]
    .flatMap(({ file, ...fields }) => {
      const all = Object.entries(fields).filter(([key]) => !["target", "postgres", "columns"].includes(key));
      return all.flatMap(([, value]) => [value].flat().map((one) => ({ file, text: String(one) })));
    })
    .filter((one) => one.text.includes(word));
}

const filled = (sql: string) =>
  resolveReferences(sql, ({ name }) => ({ sql: `"_dataform"."${name}_a1b2_17"`, renamed: true }));

// Many files at a time: what takes time is to start a compiler.
test.each([
  ["@dataform/core", 5],
  ["core-3.0.36", 2],
  ["core-3.0.2", 2],
])(
  "with %s every character of compiled SQL is traced to its place in the file, or to the placeholder that made it",
  { timeout: 120_000 },
  async (core, numRuns) => {
    const corePath = createRequire(import.meta.url).resolve(core);
    // The oldest core finds no dataset of a test.
    const tests = core === "core-3.0.2" ? ["expectation", "input"] : [];
    const file = fileWith(Object.keys(parts).filter((name) => !tests.includes(name)));
    await fc.assert(
      fc.asyncProperty(fc.array(file, { minLength: 20, maxLength: 40 }), async (files) => {
        const written = files.map(({ part, before, hit, after, crlf }, index) => {
          const name = `f${index}`;
          const { source, offset } = parts[part]!(before, hit, after, name);
          const path = `definitions/${name}.${part === "javascript" ? "js" : "sqlx"}`;
          return { path, source, offset, onDisk: crlf ? source.replaceAll("\n", "\r\n") : source };
        });
        const project = testProject({
          "includes/inc.js": inc,
          "src.sqlx": 'config { type: "declaration", schema: "raw", name: "src" }',
          "m.sqlx": 'config { type: "view" }\nselect *\nfrom ${ref("raw", "src")}',
          ...Object.fromEntries(written.map(({ path, onDisk }) => [path, onDisk])),
        });
        const graph = await compile(project.dir, { corePath });
        for (const { path, source, offset } of written) {
          const found = textsOf(graph).filter((one) => one.file === path);
          expect(found, source).not.toEqual([]);
          for (const { text: sql } of found) {
            const ready = filled(sql);
            const place = findSource(graph.traces, path, ready, ready.indexOf(word));
            expect(place, `${path}\n${source}\n${sql}`).toMatchObject({ file: path, offset });
          }
        }
      }),
      { numRuns, seed: 20_261_128, endOnFailure: true },
    );
  },
);
