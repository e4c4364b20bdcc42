import type { Target } from "../model/target.ts";
import { referencesIn } from "./references.ts";
import { meaningful, type Token } from "./tokens.ts";

/** A foreign key of one column, which an author wrote and which points at a model. */
export interface ForeignKey {
  readonly column: string;
  readonly target: Target;
  /** Absent: the key of the model. */
  readonly targetColumn?: string;
}

/** Foreign keys of one column that a statement declares with `ref()`: `foreign key (customer_id) references "shop"."customers" (id)`. */
export function declaredReferences(text: string): readonly ForeignKey[] {
  const tokens = meaningful(text);
  return tokens.flatMap((token, at) => {
    if (!isWord(token, "references")) return [];
    const column = listBefore(tokens, at);
    const [target] = referencesIn(
      tokens
        .slice(at + 1, at + 4)
        .map((one) => one.text)
        .join(""),
    );
    if (column === undefined || !target) return [];
    const targetColumn = listAt(tokens, at + 4);
    return targetColumn === null ? [] : [{ column, target, ...(targetColumn === undefined ? {} : { targetColumn }) }];
  });
}

const isWord = (token: Token | undefined, word: string) => token?.kind === "word" && token.text.toLowerCase() === word;

/** The one column of `foreign key (…)`; undefined where it is another clause, or of several. */
function listBefore(tokens: readonly Token[], at: number): string | undefined {
  const [foreign, key, open, column, close] = tokens.slice(Math.max(at - 5, 0), at);
  if (!isWord(foreign, "foreign") || !isWord(key, "key") || open?.text !== "(" || close?.text !== ")") return undefined;
  return nameOf(column!);
}

/** The one column of a list; undefined without a list, null for several. */
function listAt(tokens: readonly Token[], at: number): string | undefined | null {
  if (tokens[at]?.text !== "(") return undefined;
  return tokens[at + 2]?.text === ")" ? nameOf(tokens[at + 1]!) : null;
}

function nameOf({ kind, text }: Token): string {
  return kind === "quoted" ? text.slice(1, -1).replaceAll('""', '"') : text.toLowerCase();
}
