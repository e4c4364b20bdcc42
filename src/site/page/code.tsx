import { tokenize } from "../../sql/tokens.ts";

const KEYWORDS = new Set(
  "all and any array as asc at between both by case cast check collate column constraint create cross current_date current_timestamp default delete desc distinct do else end except exists false fetch filter following for foreign from full function grant group grouping having if ilike in index inner insert intersect interval into is join key lateral leading left like limit materialized merge natural not null nulls of offset on only or order outer over overlaps partition preceding primary range recursive references returning right row rows select set sets similar some table tablesample temporary then to trailing true truncate unbounded union unique update using values view when where window with within zone".split(
    " ",
  ),
);

/** SQL in colour, by the project's own tokenizer. */
export function Sql({ text }: { readonly text: string }) {
  return (
    <pre class="code" tabIndex={0}>
      <code>{coloured(text)}</code>
    </pre>
  );
}

function coloured(text: string) {
  return tokenize(text).map(({ kind, text: token }) => {
    const is = kind === "word" && KEYWORDS.has(token.toLowerCase()) ? "keyword" : kind;
    return is === "space" || is === "word" || is === "symbol" || is === "quoted" ? (
      token
    ) : (
      <span class={`token-${is}`}>{token}</span>
    );
  });
}

/** A file of the project: its config and the placeholders stand out from the SQL around them. */
export function Source({ text, file }: { readonly text: string; readonly file: string }) {
  if (!file.endsWith(".sqlx") && !file.endsWith(".sql"))
    return (
      <pre class="code" tabIndex={0}>
        <code>{text}</code>
      </pre>
    );
  return (
    <pre class="code" tabIndex={0}>
      <code>
        {pieces(text).map(({ isScript, text: piece }) =>
          isScript ? <span class="token-script">{piece}</span> : coloured(piece),
        )}
      </code>
    </pre>
  );
}

/** `config {…}`, `js {…}` and `${…}` of a file, braces in pairs, and what is between them. */
function pieces(text: string): { readonly isScript: boolean; readonly text: string }[] {
  const found: { isScript: boolean; text: string }[] = [];
  const head = /(?:^|\n)(?:config|js)\s*\{|\$\{/g;
  let from = 0;
  for (let match = head.exec(text); match; match = head.exec(text)) {
    const end = endOfBraces(text, head.lastIndex);
    found.push({ isScript: false, text: text.slice(from, match.index) });
    found.push({ isScript: true, text: text.slice(match.index, end) });
    from = end;
    head.lastIndex = end;
  }
  return [...found, { isScript: false, text: text.slice(from) }].filter(({ text }) => text !== "");
}

function endOfBraces(text: string, from: number): number {
  const token = /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`|\/\/[^\n]*|\/\*[\s\S]*?\*\/|[{}]/g;
  token.lastIndex = from;
  for (let depth = 1, match = token.exec(text); match; match = token.exec(text)) {
    if (match[0] === "{") depth++;
    if (match[0] === "}" && --depth === 0) return token.lastIndex;
  }
  return text.length;
}
