import type { Target } from "../model/target.ts";
import { quoteIdentifier } from "./identifiers.ts";
import { type Token, tokenize } from "./tokens.ts";

/**
 * The mark the compiler puts into names it resolved: `"\uE000schema"."name"`. A character of the private use
 * area cannot be in SQL that a person wrote, so a name written by hand is never taken for a reference.
 */
export const MARK = "\uE000";

const reference = /"\uE000((?:[^"]|"")*)"\."((?:[^"]|"")*)"/g;

/** What stands for a reference, and whether a query must be told the model's name as its alias. */
export interface Replacement {
  readonly sql: string;
  /** A query may say `orders.id` of `from ${ref("orders")}`, so another name needs that alias. */
  readonly renamed: boolean;
}

/** Replaces every marked name by what `resolve` gives for it. */
export function resolveReferences(sql: string, resolve: (target: Target) => Replacement): string {
  if (!sql.includes(MARK)) return sql;
  const withoutAlias = placesWithoutAlias(sql);
  const aliased = new Set(
    [...sql.matchAll(reference)].flatMap(([text], index, all) => (withoutAlias.has(all[index]!.index) ? [text] : [])),
  );
  return sql.replace(reference, (text, schema: string, name: string, offset: number) => {
    const target = { schema: schema.replaceAll('""', '"'), name: name.replaceAll('""', '"') };
    const { sql: replacement, renamed } = resolve(target);
    if (!renamed) return replacement;
    if (withoutAlias.has(offset)) return `${replacement} as ${quoteIdentifier(target.name)}`;
    // `${ref("orders")}.id`, of a relation that has just got an alias.
    const isQualifier = sql[offset + text.length] === ".";
    return isQualifier && aliased.has(text) ? quoteIdentifier(target.name) : replacement;
  });
}

/** The SQL with plain `"schema"."name"` in place of marks, as a person reads it. */
export function plainReferences(sql: string): string {
  return sql.replaceAll(`"${MARK}`, '"');
}

// What may follow a relation in FROM and is not its alias.
const FOLLOWERS = new Set(
  "where join inner left right full cross natural on using group order having limit offset fetch union intersect except window for returning tablesample set when".split(
    " ",
  ),
);
// Words before a relation, and words after which none comes, at one level of parentheses.
const OPENS_FROM = new Set(["from", "join", "using", "update"]);
const CLOSES_FROM = new Set(
  "select where group order having limit offset fetch union intersect except window returning set values".split(" "),
);

/** Offsets of marked names that stand as a relation in a FROM clause and have no alias. */
function placesWithoutAlias(sql: string): Set<number> {
  const tokens = tokenize(sql).filter(({ kind }) => kind !== "space" && kind !== "comment");
  const places = new Set<number>();
  // Per level of parentheses: inside FROM, and whether a relation comes next.
  const levels: { inFrom: boolean; expects: boolean }[] = [{ inFrom: false, expects: false }];
  for (const [index, token] of tokens.entries()) {
    const level = levels.at(-1)!;
    const word = token.kind === "word" ? token.text.toLowerCase() : token.text;
    if (word === "(") levels.push({ ...level });
    else if (word === ")") {
      if (levels.length > 1) levels.pop();
      levels.at(-1)!.expects = false;
    } else if (OPENS_FROM.has(word)) Object.assign(level, { inFrom: true, expects: true });
    else if (CLOSES_FROM.has(word)) Object.assign(level, { inFrom: false, expects: false });
    else if (word === ",") level.expects = level.inFrom;
    else if (token.kind === "quoted" && token.text.startsWith(`"${MARK}`) && level.expects) {
      if (!hasAlias(tokens[index + 3])) places.add(token.start);
    }
    if (token.kind !== "symbol" && !OPENS_FROM.has(word) && word !== "lateral" && word !== "only")
      level.expects = false;
  }
  return places;
}

/** Whether the token after a relation is its alias. */
function hasAlias(next: Token | undefined): boolean {
  if (!next) return false;
  if (next.kind === "quoted") return true;
  return next.kind === "word" && !FOLLOWERS.has(next.text.toLowerCase());
}
