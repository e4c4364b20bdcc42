import { type Document, isPair, isScalar, type Node, visit } from "yaml";
import { UserError, type UserErrorDetails } from "../model/errors.ts";

/**
 * Within { } and [ ] a comma ends a text, also one within brackets: `{ amount: numeric(38, 2) }` is two keys, and neither is
 * what was meant.
 */
export function refuseFlowCommas(
  document: Document,
  text: string,
  place: (offset: number) => Pick<UserErrorDetails, "location" | "snippet">,
): void {
  visit(document, {
    Collection: (_key, { flow, items }) => {
      if (!flow) return;
      for (const [at, item] of items.entries()) {
        const begun = lastOf(item);
        const rest = firstOf(items[at + 1]);
        if (!begun?.range || !rest?.range || opened(begun) <= 0 || opened(rest) >= 0) continue;
        const meant = text.slice(begun.range[0], rest.range[1]);
        throw new UserError({
          message: "a comma within { } or [ ] ends a text, also one within brackets",
          ...place(begun.range[0]),
          expected: JSON.stringify(meant),
          found: meant,
          hint: "put the text in quotes",
        });
      }
    },
  });
}

/** How many brackets a text opens more than it closes; 0 of what is in quotes, or no text. */
function opened(node: Node): number {
  if (!isScalar(node) || node.type !== "PLAIN") return 0;
  const source = node.source ?? "";
  return source.split("(").length - source.split(")").length;
}

function lastOf(item: unknown): Node | undefined {
  return (isPair(item) ? (item.value ?? item.key) : item) as Node | undefined;
}

function firstOf(item: unknown): Node | undefined {
  return (isPair(item) ? item.key : item) as Node | undefined;
}
