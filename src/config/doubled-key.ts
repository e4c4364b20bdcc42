import { UserError } from "../model/errors.ts";

/**
 * Refuses a key that stands twice in an object: of the two `JSON.parse` keeps the last without a word.
 * @param text valid JSON
 */
export function refuseDoubledKeys(text: string, file: string): void {
  const open: (Set<string> | undefined)[] = [];
  for (const { 0: token, index } of text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?|[{}[\]]/g)) {
    if (token === "{" || token === "[") open.push(token === "{" ? new Set() : undefined);
    else if (token === "}" || token === "]") open.pop();
    else if (token.endsWith(":")) {
      const key = JSON.parse(token.slice(0, -1)) as string;
      const line = text.slice(0, index).split("\n").length;
      if (open.at(-1)?.has(key)) throw doubled(key, { file, line });
      open.at(-1)?.add(key);
    }
  }
}

function doubled(key: string, location: { readonly file: string; readonly line: number }): UserError {
  return new UserError({
    message: `"${key}" stands twice`,
    location,
    expected: "each key once",
    hint: "leave one of them out",
  });
}
