import type { Unsteady } from "../model/ground.ts";
import { MARK } from "./references.ts";
import { meaningful, type Token } from "./tokens.ts";

/** What SQL says that may be a relation, and what makes its answer hang on more than relations. */
export interface Mentions {
  /** Names without a schema, as PostgreSQL reads them. Whatever could be a relation: columns and aliases are among them. */
  readonly names: ReadonlySet<string>;
  /** `schema.name`: each two names with a dot between them. */
  readonly pairs: ReadonlySet<string>;
  /** The first thing by which the answer may be another at another moment, for another user, or by chance: `now()`. */
  readonly unsteady?: string;
}

/** Words that are functions without parentheses, or with. */
const MOMENTS = new Set(
  "current_date current_time current_timestamp localtime localtimestamp current_user current_role session_user system_user user current_catalog current_schema".split(
    " ",
  ),
);
const MOMENT_IN_TEXT = /^(?:e?'|\$\w*\$)\s*(?:now|today|tomorrow|yesterday)\b/i;
/** Types whose values are looked up in a catalog by a name. */
const BY_CATALOG = /^reg(?:class|collation|config|dictionary|namespace|oper|operator|proc|procedure|role|type)$/;
const CATALOGS = new Set(["pg_catalog", "information_schema"]);

/** What of a server makes an answer unsteady, to be looked up. */
export interface UnsteadyNames extends Pick<Unsteady, "operators" | "casts"> {
  readonly functions: ReadonlySet<string>;
  readonly types: ReadonlySet<string>;
}

export const unsteadyNames = ({ functions, types, ...rest }: Unsteady): UnsteadyNames => ({
  ...rest,
  functions: new Set(functions),
  types: new Set(types),
});

export function mentionsIn(texts: readonly string[], known: UnsteadyNames): Mentions {
  const names = new Set<string>();
  const pairs = new Set<string>();
  let unsteady = known.casts && texts.length ? "a cast that nobody writes, by a volatile function" : undefined;
  for (const text of texts) {
    const tokens = meaningful(text);
    for (let at = 0; at < tokens.length; at++) {
      const chain = chainAt(tokens, at);
      if (!chain.length) unsteady ??= unsteadyToken(tokens[at]!) ?? unsteadyOperator(tokens, at, known);
      else {
        const after = at + chain.length * 2 - 1;
        const isCall = tokens[after]?.text === "(";
        unsteady ??= unsteadyChain(chain, tokens[at]!, isCall, known);
        if (chain.length === 1 && !isCall) names.add(chain[0]!);
        for (const [index, name] of chain.slice(1).entries()) pairs.add(`${chain[index]}.${name}`);
        at = after - 1;
      }
    }
  }
  return { names, pairs, ...(unsteady === undefined ? {} : { unsteady }) };
}

/** Names with dots between them, from a token on. */
function chainAt(tokens: readonly Token[], at: number): string[] {
  const chain: string[] = [];
  for (let next = at; ; next += 2) {
    const name = nameOf(tokens[next]);
    if (name === undefined) return chain;
    chain.push(name);
    if (tokens[next + 1]?.text !== "." || nameOf(tokens[next + 2]) === undefined) return chain;
  }
}

function nameOf(token: Token | undefined): string | undefined {
  if (token?.kind === "word") return token.text.toLowerCase();
  if (token?.kind !== "quoted" || !token.text.startsWith('"')) return undefined;
  return token.text.slice(1, -1).replaceAll('""', '"').replace(MARK, "");
}

function unsteadyToken({ kind, text }: Token): string | undefined {
  // Names whose characters are written as numbers are not read here.
  if (kind === "quoted") return text;
  return kind === "string" && MOMENT_IN_TEXT.test(text) ? text : undefined;
}

const OPERATOR = /^[-+*/<>=~!@#%^&|`?]$/;

/** Signs beside each other are one operator, or several: which, hangs on what there is. */
function unsteadyOperator(tokens: readonly Token[], at: number, { operators }: UnsteadyNames): string | undefined {
  if (!operators.length) return undefined;
  let signs = "";
  for (let next = tokens[at]; next && OPERATOR.test(next.text); next = tokens[at + signs.length]) {
    if (next.start !== tokens[at]!.start + signs.length) break;
    signs += next.text;
  }
  const found = operators.find((one) => signs.startsWith(one));
  return found === undefined ? undefined : `the operator ${found}`;
}

function unsteadyChain(
  chain: readonly string[],
  { kind }: Token,
  isCall: boolean,
  { functions, types }: UnsteadyNames,
): string | undefined {
  const last = chain.at(-1)!;
  const isWord = chain.length === 1 && kind === "word";
  if (isWord && MOMENTS.has(last)) return last;
  if (types.has(last)) return `the type ${last}`;
  if (isCall) return functions.has(last) ? `${chain.join(".")}()` : undefined;
  if (BY_CATALOG.test(last)) return last;
  if (isWord && last === "tablesample") return last;
  // Catalogs change without anybody who counts their rows.
  return CATALOGS.has(chain[0]!) || (isWord && last.startsWith("pg_")) ? chain.join(".") : undefined;
}
