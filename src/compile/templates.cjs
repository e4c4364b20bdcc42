// Finds the template literals of JavaScript, so that what they make can be traced. Knows just enough of the language:
// where it cannot be sure, it says so, and nothing is traced.
"use strict";

const token = /[^/'"`{}]+|\/\/[^\n]*|\/\*[\s\S]*?\*\/|'(?:[^'\\\n]|\\[\s\S])*'|"(?:[^"\\\n]|\\[\s\S])*"|[\s\S]/y;
const templateText = /(?:[^`\\$]|\\[\s\S]|\$(?!\{))*/y;
const regularExpression = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y;

// After these words an expression begins, so that a slash begins a regular expression.
const beforeExpression = new Set(
  "return typeof instanceof in of new delete void throw case do else yield await default extends".split(" "),
);

/** Whether a slash after this text divides, begins a regular expression, or may do either. */
function endsValue(text) {
  const before = /(?:[\w$\u0080-\uffff]+|[\s\S])$/.exec(text.trimEnd().slice(-20))?.[0];
  if (before === undefined) return false;
  if (before === ")" || before === "}") return undefined;
  return /^[\]'"`\w$\u0080-\uffff]/.test(before) && !beforeExpression.has(before);
}

/**
 * Template literals that have no tag of their own: where each begins, whether it stands in another one, and the stretches of
 * text between its placeholders.
 * @returns undefined where the code cannot be read with certainty
 */
function findTemplates(code) {
  const templates = [];
  // Of every template that is open: the braces open in its placeholder.
  const open = [];
  let before = "";
  for (let at = 0; at < code.length; ) {
    token.lastIndex = at;
    const [text] = token.exec(code);
    if (text.startsWith("//") || text.startsWith("/*")) {
      at += text.length;
      continue;
    }
    if (text === "'" || text === '"') return undefined;
    if (text === "/") {
      const divides = endsValue(before);
      regularExpression.lastIndex = at;
      const matched = divides === true ? undefined : regularExpression.exec(code)?.[0];
      if (divides === false && matched === undefined) return undefined;
      if (divides === undefined && matched !== undefined && /['"`{}*/]/.test(matched.slice(1, -1))) return undefined;
      at += divides === false ? matched.length : 1;
      before = divides === false ? "1" : "/";
      continue;
    }
    const closes = text === "}" && open.length > 0 && open.at(-1).braces === 0;
    if (text === "`" || closes) {
      const template = closes
        ? open.pop().template
        : { start: at, parts: [], nested: open.length > 0, tagged: endsValue(before) !== false };
      templateText.lastIndex = at + 1;
      const end = at + 1 + templateText.exec(code)[0].length;
      if (end >= code.length) return undefined;
      template.parts.push([at + 1, end]);
      if (code[end] === "`") {
        if (!template.tagged) templates.push(template);
        at = end + 1;
        before = "`";
      } else {
        open.push({ template, braces: 0 });
        at = end + 2;
        before = "{";
      }
      continue;
    }
    if (open.length) open.at(-1).braces += text === "{" ? 1 : text === "}" ? -1 : 0;
    if (text.trim()) before = text;
    at += text.length;
  }
  return open.length ? undefined : templates.sort((a, b) => a.start - b.start);
}

/** The text of a template's part as JavaScript reads it, as stretches: `[length, offset in the code]`. */
function cookedStretches(code, [start, end]) {
  const stretches = [];
  let from = start;
  for (let at = code.indexOf("\\", start); at >= 0 && at < end; at = code.indexOf("\\", from)) {
    if (at > from) stretches.push([at - from, from]);
    const [written, point] = /\\(?:u\{([\da-fA-F]+)\}|u[\da-fA-F]{4}|x[\da-fA-F]{2}|[\s\S])/y.exec(code.slice(at, end));
    const length = written === "\\\n" ? 0 : point ? String.fromCodePoint(Number.parseInt(point, 16)).length : 1;
    // The backslash itself is the first of the two; of all others it is the second that is meant.
    if (length) stretches.push([length, written === "\\\\" || written.length > 2 ? at : at + 1]);
    from = at + written.length;
  }
  if (end > from) stretches.push([end - from, from]);
  return stretches;
}

module.exports = { findTemplates, cookedStretches };
