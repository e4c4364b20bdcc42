import { UserError, type UserErrorDetails } from "../model/errors.ts";
import { meaningful, type Token } from "./tokens.ts";

/** What stands between two parentheses or brackets. */
export interface Group {
  readonly kind: "group";
  readonly open: "(" | "[";
  readonly nodes: readonly Node[];
  readonly start: number;
  /** Behind what closes it. */
  readonly end: number;
}

export type Node = Token | Group;

/** Groups within groups. What reads the tree calls itself for each, and PostgreSQL has a limit of its own, some 10,000. */
const DEEPEST = 1000;

/** What is said of SQL that is nested deeper. */
export function tooDeep(what: string, place: Partial<Pick<UserErrorDetails, "location" | "snippet">> = {}): UserError {
  return new UserError({
    message: `${what} has parentheses too deep within each other`,
    ...place,
    expected: `at most ${DEEPEST} within each other`,
    hint: "a program wrote it: let it write a list, in (…) or = any (array[…])",
  });
}

/** Where a text is nested too deep; undefined for nearly all. */
export function firstTooDeep(text: string): number | undefined {
  if (text.split(/[([]/, DEEPEST + 2).length < DEEPEST + 2) return undefined;
  let depth = 0;
  for (const token of meaningful(text)) {
    if (token.kind !== "symbol") continue;
    if (/^[([]$/.test(token.text) && ++depth > DEEPEST) return token.start;
    if (/^[)\]]$/.test(token.text) && depth > 0) depth--;
  }
  return undefined;
}

/**
 * The tokens that mean something as a tree: what parentheses and brackets hold is one node.
 * @throws UserError for more than 1,000 within each other
 */
export function grouped(tokens: readonly Token[]): Node[] {
  const stack: { open: "(" | "["; nodes: Node[]; start: number }[] = [{ open: "(", nodes: [], start: 0 }];
  const close = (end: number) => {
    const { open, nodes, start } = stack.pop()!;
    stack.at(-1)!.nodes.push({ kind: "group", open, nodes, start, end });
  };
  for (const token of tokens) {
    const symbol = token.kind === "symbol" ? token.text : "";
    if (symbol === "(" || symbol === "[") {
      if (stack.length > DEEPEST) throw tooDeep("the statement");
      stack.push({ open: symbol, nodes: [], start: token.start });
    } else if ((symbol === ")" || symbol === "]") && stack.length > 1) close(endOf(token));
    else stack.at(-1)!.nodes.push(token);
  }
  while (stack.length > 1) close(tokens.length ? endOf(tokens.at(-1)!) : 0);
  return stack[0]!.nodes;
}

export function isGroup(node: Node | undefined): node is Group {
  return node?.kind === "group";
}

/** Behind its last character. */
export function endOf(node: Node): number {
  return isGroup(node) ? node.end : node.start + node.text.length;
}

/** The word at a place, in lower case; "" for anything else. */
export function wordAt(nodes: readonly Node[], index: number): string {
  const node = nodes[index];
  return node?.kind === "word" ? node.text.toLowerCase() : "";
}

/** The word at a place, where it is a keyword: not the name of a column behind a dot, nor one that `as` gives. */
export function keywordAt(nodes: readonly Node[], index: number): string {
  const isName = symbolAt(nodes, index - 1) === "." || wordAt(nodes, index - 1) === "as";
  return isName ? "" : wordAt(nodes, index);
}

export function symbolAt(nodes: readonly Node[], index: number): string {
  const node = nodes[index];
  return node?.kind === "symbol" ? node.text : "";
}

/** Whether a name, or a part of one, may stand there. */
export function isNameAt(nodes: readonly Node[], index: number): boolean {
  const kind = nodes[index]?.kind;
  return kind === "word" || kind === "quoted";
}
