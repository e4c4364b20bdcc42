/** A stretch of SQL. What is `fixed` holds texts or names of others: nesting never indents it. */
interface Chunk {
  readonly text: string;
  readonly fixed: boolean;
  /** What an author wrote there, and at which offset of the text. */
  readonly origin?: Origin & { readonly at: number };
}

/** What an author wrote, and the file it stands in. */
interface Origin {
  readonly file: string;
  readonly text: string;
}

/**
 * A piece of SQL as a value. Only this folder makes one out of a string, so that a name or a text can never be taken for
 * SQL: `sql` with holes, `id`, `literal`, and the doors in authored.ts for what a person wrote as SQL.
 */
export class Sql {
  readonly #chunks: readonly Chunk[];

  constructor(chunks: readonly Chunk[]) {
    this.#chunks = chunks;
  }

  get chunks(): readonly Chunk[] {
    return this.#chunks;
  }

  get isEmpty(): boolean {
    return this.#chunks.every(({ text }) => text === "");
  }

  toString(): string {
    return this.#chunks.map(({ text }) => text).join("");
  }
}

/** A quoted name, `"schema"."name"` included. Made by `id`. */
export class Identifier extends Sql {
  readonly #kind = "identifier";
  get kind(): "identifier" {
    return this.#kind;
  }
}

/** A value as it is written in SQL. Made by `literal`. */
export class Literal extends Sql {
  readonly #kind = "literal";
  get kind(): "literal" {
    return this.#kind;
  }
}

/** What may stand after `from`, without an alias. Made by `id`, or by `relation` of what an author wrote. */
export type Relation = Sql;

/** What may stand in a hole. A list is joined by commas: one line each where the hole has its line for itself. */
export type Hole = Sql | readonly Sql[];

export const empty = new Sql([]);

/** Text that nesting never indents. For this folder: everybody else has `id`, `literal` and the doors of authored.ts. */
export function fixed(text: string): Chunk[] {
  return [{ text, fixed: true }];
}

/** SQL that was made of what an author wrote, and holds it as it is, or its names in quotes: an error in it stands in the file. */
export function writtenIn(file: string, text: string, made: Sql): Sql {
  const [whole, words] = [made.toString(), text.trim()];
  const at = Math.max(whole.indexOf(words), 0);
  return new Sql([{ text: whole, fixed: true, origin: { file, text: words, at } }]);
}

/**
 * SQL with holes. The indentation of the code around it is taken off; what a hole brings is indented as the line that the
 * hole stands in; a line with nothing but an empty hole is left out.
 * @throws TypeError for a string in a hole: it is a name (`id`), a value (`literal`), or SQL (`sql`)
 */
export function sql(strings: TemplateStringsArray, ...holes: readonly Hole[]): Sql {
  const { texts, indents, startLines } = templateOf(strings);
  const chunks: Chunk[] = [];
  let text = texts[0]!;
  for (const [index, hole] of holes.entries()) {
    const startsLine = text === texts[index] ? startLines[index]! : startsALine(text.text, index);
    const value = pieceOf(hole, startsLine);
    const next = texts[index + 1]!;
    if (startsLine && value.isEmpty && /^ *(?:\n|$)/.test(next.text)) {
      const rest = text.text.includes("\n") ? next.text : next.text.replace(/^ *\n/, "");
      text = { text: text.text.replace(/\n? *$/, "") + rest, fixed: false };
      continue;
    }
    if (text.text !== "") chunks.push(text);
    chunks.push(...indented(value, indents[index]!));
    text = next;
  }
  if (text.text !== "") chunks.push(text);
  return new Sql(chunks);
}

/** Whether a hole behind a text of ours has its line for itself, as far as what is before it says. */
function startsALine(text: string, index: number): boolean {
  return /(?:^|\n) *$/.test(text) && (index === 0 || text.includes("\n"));
}

function pieceOf(hole: Hole, startsLine: boolean): Sql {
  if (Array.isArray(hole)) return join(hole as readonly Sql[], startsLine ? ",\n" : ", ");
  if (hole instanceof Sql) return hole;
  throw new TypeError(`expected SQL in a hole, got ${JSON.stringify(hole)}: use id(), literal() or sql\`\``);
}

function indented(value: Sql, indent: string): readonly Chunk[] {
  if (indent === "") return value.chunks;
  return value.chunks.map((chunk) =>
    chunk.fixed || !chunk.text.includes("\n")
      ? chunk
      : { text: chunk.text.replace(/\n(?!\n)/g, `\n${indent}`), fixed: false },
  );
}

/** Pieces with a separator between them. Of no pieces it is empty. */
export function join(
  pieces: readonly Sql[],
  separator: ", " | ",\n" | " " | "\n" | " || " | " + " | " and " | " or " | "\n\n" | ";\n" | "\nunion all\n",
): Sql {
  return new Sql(
    pieces.flatMap((piece, index) => {
      if (!(piece instanceof Sql)) throw new TypeError(`expected SQL in a list, got ${JSON.stringify(piece)}`);
      return index ? [{ text: separator, fixed: false }, ...piece.chunks] : piece.chunks;
    }),
  );
}

/** A comment of ours, one line. */
export function commentLine(text: string): Sql {
  return new Sql([{ text: `-- ${text.replaceAll(/\s+/g, " ")}`, fixed: false }]);
}

/** Conditions that all hold; true where there is none. Each stands in parentheses where there are several. */
export function and(conditions: readonly Sql[]): Sql {
  return connected(conditions, "and", sql`true`);
}

/** Conditions of which one holds; false where there is none. */
export function or(conditions: readonly Sql[]): Sql {
  return connected(conditions, "or", sql`false`);
}

function connected(conditions: readonly Sql[], word: "and" | "or", none: Sql): Sql {
  if (conditions.length < 2) return conditions[0] ?? none;
  return new Sql(
    conditions.flatMap((condition, index) => [
      { text: index ? ` ${word} (` : "(", fixed: false },
      ...condition.chunks,
      { text: ")", fixed: false },
    ]),
  );
}

interface Template {
  /** The texts between the holes, without the indentation of the code. */
  readonly texts: readonly Chunk[];
  /** Of each hole: whether its line begins with it. */
  readonly startLines: readonly boolean[];
  /** Of each hole: the white space that its line begins with. */
  readonly indents: readonly string[];
}

const templates = new WeakMap<TemplateStringsArray, Template>();

function templateOf(strings: TemplateStringsArray): Template {
  const known = templates.get(strings);
  if (known) return known;
  const made = dedent(strings);
  templates.set(strings, made);
  return made;
}

function dedent(strings: TemplateStringsArray): Template {
  // SQL has its own escapes: a backslash is one.
  const texts = strings.raw.map((text) => text.replaceAll("\\`", "`").replaceAll("\\${", "${"));
  const lineStarts = texts.flatMap((text, index) => {
    const lines = text.split("\n").slice(1);
    // Blank lines say nothing of the indentation, but for the one that a hole stands on.
    return lines.filter((line, at) => line.trim() || (at === lines.length - 1 && index < texts.length - 1));
  });
  const depth = Math.min(...lineStarts.map((line) => line.length - line.trimStart().length));
  const shifted = texts.map((text) =>
    Number.isFinite(depth) ? text.replace(/\n( *)/g, (_, spaces: string) => `\n${spaces.slice(depth)}`) : text,
  );
  shifted[0] = shifted[0]!.replace(/^[ ]*\n/, "");
  shifted[shifted.length - 1] = shifted.at(-1)!.replace(/\s+$/, (end) => (end.includes("\n") ? "" : end));
  let line = "";
  const indents = shifted.map((text) => {
    line = text.includes("\n") ? text.slice(text.lastIndexOf("\n") + 1) : line + text;
    return /^ */.exec(line)![0];
  });
  return { texts: shifted.map((text) => ({ text, fixed: false })), indents, startLines: shifted.map(startsALine) };
}
