// Files of Dataform 2 that end with .sql: a model, `name.ops.sql` operations, `name.assert.sql` an assertion. What they say of
// themselves stands in placeholders, `${config({ type: "table" })}`, and in comments of JavaScript: `--js …`, `/*js … */`.
"use strict";

const path = require("node:path");

const SCRIPT = /^\s*\/\*js\s*[\r\n]+((?:[^*]|[\r\n]|(?:\*+(?:[^*/]|[\r\n])))*)\*+\/|^\s*--js\s(.*)/gim;

const SHARED = ["self", "name", "ref", "resolve", "schema", "database", "when", "dependencies", "tags"];
const OF_MODELS = ["config", "type", "where", "incremental", "preOps", "postOps", "disabled"];

const KINDS = [
  [".assert.sql", { call: "assert", method: "query", functions: SHARED, end: "" }],
  [".ops.sql", { call: "operate", method: "queries", functions: [...SHARED, "hasOutput"], end: '.split("\\n---\\n")' }],
  [".sql", { call: "publish", method: "query", functions: [...SHARED, ...OF_MODELS], end: "" }],
];

const isFileOf2 = (file) => file.startsWith("definitions/") && file.endsWith(".sql");

/**
 * JavaScript that makes the action of a file.
 * @returns `code`; `parts`: where stretches of the file stand in it, `{ code, ranges }`, ranges `[start, end]` of the file
 */
function compileSql(source, file) {
  const [, { call, method, functions, end }] = KINDS.find(([ending]) => file.endsWith(ending));
  const { scripts, sql } = partsOf(source);
  const name = JSON.stringify(path.posix.basename(file).split(".")[0]);
  let code = `${call}(${name}).${method}(ctx => {`;
  for (const one of functions) code += `const ${one} = ctx.${one}?.bind(ctx);`;
  const parts = [];
  for (const range of scripts) {
    parts.push({ code: code.length, ranges: [range] });
    code += `${source.slice(...range)}\n`;
  }
  code += "return `";
  parts.push({ code: code.length, ranges: sql });
  code += sql
    .map((range) => source.slice(...range))
    .join("")
    .replace(/(?<!\\)`/g, "\\`");
  return { code: `${code}\`${end};\n})`, parts };
}

function partsOf(source) {
  const scripts = [];
  const sql = [];
  let from = 0;
  for (const { 0: text, 1: block, 2: line, index } of source.matchAll(SCRIPT)) {
    const said = block ?? line;
    const start = index + text.lastIndexOf(said);
    if (said.trim()) scripts.push([start, start + said.length]);
    sql.push([from, index]);
    from = index + text.length;
  }
  sql.push([from, source.length]);
  return { scripts, sql: trimmed(sql, source) };
}

function trimmed(ranges, source) {
  const filled = ranges.filter(([start, end]) => source.slice(start, end).trim());
  if (!filled.length) return [];
  filled[0] = [filled[0][0] + source.slice(...filled[0]).search(/\S/), filled[0][1]];
  const [start, end] = filled.at(-1);
  filled[filled.length - 1] = [start, start + source.slice(start, end).trimEnd().length];
  return filled;
}

module.exports = { compileSql, isFileOf2 };
