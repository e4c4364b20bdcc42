// What stands between `${` and `}` is code: SQL is laid out around it, and it stays as it is to the last character.

/** A text without its placeholders, and what puts them back. */
interface TakenOut {
  readonly text: string;
  readonly putBack: (laidOut: string) => string;
}

/** Names that stand for placeholders: no author's name is one of them. */
const NAMES = /(?:\/\* )?dataform_p(\d+)_(?: \*\/)?/g;

/**
 * Takes the placeholders out: one that is a whole clause and has its lines for itself becomes a comment there, any other one a word.
 * @returns undefined where one has no end, or the text has such names already
 */
export function takeOut(source: string): TakenOut | undefined {
  if (/dataform_p\d+_/.test(source)) return undefined;
  const kept: string[] = [];
  let text = "";
  for (let at = 0; at < source.length; ) {
    if (!source.startsWith("${", at) || isEscaped(source, at)) {
      text += source[at++];
      continue;
    }
    const end = endOfCode(source, at + 2);
    if (end === undefined) return undefined;
    const name = `dataform_p${kept.length}_`;
    kept.push(source.slice(at, end));
    text += isClause(source, at, end) ? `/* ${name} */` : name;
    at = end;
  }
  return { text, putBack: (laidOut) => laidOut.replaceAll(NAMES, (_, index) => kept[Number(index)]!) };
}

function isEscaped(source: string, at: number): boolean {
  return source[at - 1] === "\\";
}

/** Of `when(…)`, a template or a choice, on lines of its own: it may be several lines of SQL, or none. */
function isClause(source: string, start: number, end: number): boolean {
  const before = source.slice(source.lastIndexOf("\n", start - 1) + 1, start);
  const after = /^[^\n]*/.exec(source.slice(end))![0];
  return before.trim() === "" && after.trim() === "" && /[`?]|\bwhen\(/.test(source.slice(start, end));
}

const IN_CODE = /\/\/[^\n]*|\/\*[\s\S]*?\*\/|'(?:\\[\s\S]|[^'\\\n])*'|"(?:\\[\s\S]|[^"\\\n])*"|[`{}]|[\s\S]/y;
const IN_TEMPLATE = /\\[\s\S]|\$\{|`|[\s\S]/y;

/** Behind the brace that closes the code which begins at a place. */
function endOfCode(text: string, start: number): number | undefined {
  const open: ("code" | "template")[] = ["code"];
  for (let at = start; at < text.length; ) {
    const inCode = open.at(-1) === "code";
    const pattern = inCode ? IN_CODE : IN_TEMPLATE;
    pattern.lastIndex = at;
    const [token] = pattern.exec(text)!;
    at += token.length;
    if (token === "`") inCode ? open.push("template") : open.pop();
    else if (token === "{" || token === "${") open.push("code");
    else if (token === "}" && inCode) open.pop();
    if (!open.length) return at;
  }
  return undefined;
}
