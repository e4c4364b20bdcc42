// Where the parts of an SQLX file stand in it. Reads the file by the same rules as @dataform/core, which tells its parts
// apart but forgets where they were.
"use strict";

// Text in which nothing begins is taken in one go.
const plain = String.raw`[\r\n]|[^\S\r\n](?![^\S\r\n]*---)|-(?!-)|\/(?!\*)|\$(?!\{)`;
const opens = String.raw`config \{|js \{|incremental_where \{|pre_operations \{|post_operations \{|input "[a-zA-Z0-9_-]+"(?:,\s*"[a-zA-Z0-9_-]+")* \{`;
const notOpen = String.raw`[cjip](?!onfig \{|s \{|ncremental_where \{|re_operations \{|ost_operations \{|nput ")`;
const rest = String.raw`(?<separator>[^\S\r\n]*---[^\S\r\n]*$)|(?<comment>--.*?$|\/\*[\s\S]*?\*\/)|\$\{|'''|"""|'|"|[\s\S]`;

const states = {
  sql: new RegExp(String.raw`(?:[^\s\-/$'"cjip]|${plain}|${notOpen})+|(?<open>${opens})|${rest}`, "my"),
  block: new RegExp(String.raw`(?:[^\s\-/$'"}]|${plain})+|\}|${rest}`, "my"),
  js: /\/\/.*?$|\/\*[\s\S]*?\*\/|'(?:\\['\\]|[^\n'\\])*'|"(?:\\["\\]|[^\n"\\])*"|`|\{|\}|[^/'"`{}]+|[\s\S]/my,
  "`": /\\\\|\\\$\{`|\$\{|`|[^\\$`]+|[\s\S]/y,
  "'": /\\\\|\\'|\$\{|'|[^\\$']+|[\s\S]/y,
  '"': /\\\\|\\"|"|[^\\"]+|[\s\S]/y,
  "'''": /\\\\|\$\{|'''|[^\\$']+|[\s\S]/y,
  '"""': /\\\\|\$\{|"""|[^\\$"]+|[\s\S]/y,
};
const quotes = new Set(["'", '"', "'''", '"""']);

/** What a token opens in a state, if anything. */
function opened(state, text) {
  if (state === "js") return text === "`" ? "`" : text === "{" ? "js" : undefined;
  if (text === "${") return "js";
  return (state === "sql" || state === "block") && quotes.has(text) ? text : undefined;
}

function closes(state, text) {
  return state === "sql" ? false : text === (state === "js" || state === "block" ? "}" : state);
}

/**
 * @returns `config`, `js`: ranges `[start, end]`; `sql`, `where`, `pre`, `post`: statements, each a list of ranges;
 *   `inputs`: a list of these; `comments`: ranges; `configAgain`: where a second
 *   config begins; `unclosed`: the block that the file ends in, if any
 */
function readLayout(source) {
  const layout = { js: [], sql: [[]], inputs: [], comments: [] };
  const stack = ["sql"];
  // The statements that text is added to, and what becomes of a block when it ends.
  let statements = layout.sql;
  let block;
  const add = (start, end) => {
    const ranges = statements.at(-1);
    const last = ranges.at(-1);
    if (last && last[1] === start) last[1] = end;
    else ranges.push([start, end]);
  };
  for (let at = 0; at < source.length; ) {
    const state = stack.at(-1);
    const pattern = states[state];
    pattern.lastIndex = at;
    const { 0: text, groups } = pattern.exec(source);
    const end = at + text.length;
    if (groups?.open) {
      block = {
        name: text.slice(0, text.search(/[ "]/)),
        start: text.startsWith("input") ? end : at + text.indexOf("{") + 1,
      };
      stack.push(block.name === "config" || block.name === "js" ? "js" : "block");
      statements = [[]];
    } else if (closes(state, text)) {
      stack.pop();
      if (stack.length === 1 && block) {
        close(layout, block, statements, at);
        statements = layout.sql;
        block = undefined;
      } else add(at, end);
    } else {
      const next = opened(state, text);
      if (next) stack.push(next);
      if (groups?.comment) layout.comments.push([at, end]);
      if (groups?.separator) statements.push([]);
      else add(at, end);
    }
    at = end;
  }
  if (block) layout.unclosed = { name: block.name, start: block.start };
  return layout;
}

function close(layout, { name, start }, statements, end) {
  if (name === "config") {
    // Core takes the last one.
    if (layout.config) layout.configAgain ??= start - "config {".length;
    layout.config = [start - 1, end + 1];
  }
  if (name === "js") layout.js.push([start, end]);
  else if (name === "input") layout.inputs.push(statements);
  else if (name === "pre_operations") layout.pre = statements;
  else if (name === "post_operations") layout.post = statements;
  else if (name === "incremental_where") layout.where = statements;
}

module.exports = { readLayout };
