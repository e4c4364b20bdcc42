/** What PostgreSQL writes of an analysed query (`pg_node_tree`): a node, a list, or a token as it stands; null where it says `<>`. */
export type Tree = TreeNode | TreeList | string | null;
export type TreeList = readonly Tree[];

/** Fields by the names that PostgreSQL gives them. Which there are differs between versions: they are asked for by name. */
export interface TreeNode {
  /** The kind of the node: QUERY, VAR, TARGETENTRY. No field is called so. */
  readonly T: string;
  readonly [field: string]: Tree;
}

/** A text is no tree. */
export class NoTree extends Error {}

/**
 * Reads a tree. A key has exactly one value, whatever that looks like: a column may be called `:varno`, `}` or `(b`, which stand
 * there with backslashes; only the bytes of a constant follow theirs.
 * @throws NoTree
 */
export function readTree(text: string): Tree {
  const reader = new Reader(text);
  const tree = reader.value(reader.next());
  const rest = reader.token();
  if (rest !== undefined) throw new NoTree(`"${rest}" behind the tree`);
  return tree;
}

const SPACE = 32;
const TAB = 9;
const NEWLINE = 10;
const BACKSLASH = 92;

const isSpace = (code: number) => code === SPACE || code === NEWLINE || code === TAB;
/** Parentheses and braces. */
const standsAlone = (code: number) => code === 40 || code === 41 || code === 123 || code === 125;

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** As `pg_strtok` of the server cuts them: a backslash takes the next character along. */
  token(): string | undefined {
    const text = this.#text;
    let end = this.#at;
    while (isSpace(text.charCodeAt(end))) end++;
    if (end >= text.length) return undefined;
    const start = end;
    if (standsAlone(text.charCodeAt(end))) end++;
    else
      for (; end < text.length; end++) {
        const code = text.charCodeAt(end);
        if (isSpace(code) || standsAlone(code)) break;
        if (code === BACKSLASH) end++;
      }
    this.#at = end;
    return text.slice(start, end);
  }

  next(): string {
    const token = this.token();
    if (token === undefined) throw new NoTree("it ends too early");
    return token;
  }

  value(token: string): Tree {
    if (token === "{") return this.#node();
    if (token === "(") return this.#list();
    if (token === "}" || token === ")") throw new NoTree(`"${token}" where a value should be`);
    return token === "<>" ? null : token;
  }

  #node(): TreeNode {
    const node: Record<string, Tree> & { T: string } = { T: this.next() };
    for (let key = this.next(); key !== "}"; key = this.next()) {
      if (key.charCodeAt(0) !== 58) throw new NoTree(`"${key}" where a key should be`);
      const name = key.slice(1);
      const value = this.value(this.next());
      node[name] = value;
      if (name === "constvalue" && value !== null) this.#skipBytes();
    }
    return node;
  }

  #list(): TreeList {
    const list: Tree[] = [];
    let token = this.next();
    // Of integers, oids, bits and transaction ids; names stand in quotes.
    if (token.length === 1 && "iobx".includes(token)) token = this.next();
    for (; token !== ")"; token = this.next()) list.push(this.value(token));
    return list;
  }

  #skipBytes(): void {
    if (this.next() !== "[") throw new NoTree("a constant without its bytes");
    while (this.next() !== "]") {}
  }
}
