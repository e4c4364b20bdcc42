import { endOfString } from "./string-end.ts";

const QUOTE = 34;
const COLON = 58;

/** Whether an object of a JSON text gives a key twice: the text has more members then than the value it was parsed to. */
export function hasDuplicateKeys(text: string, value: unknown): boolean {
  return membersOf(text) > keysOf(value);
}

/** Colons outside of strings: one for each member. */
function membersOf(text: string): number {
  let count = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === COLON) count++;
    else if (code === QUOTE) at = endOfString(text, at);
  }
  return count;
}

function keysOf(value: unknown): number {
  let count = 0;
  const open = [value];
  while (open.length) {
    const one = open.pop();
    if (one === null || typeof one !== "object") continue;
    const children = Object.values(one);
    if (!Array.isArray(one)) count += children.length;
    for (const child of children) if (child !== null && typeof child === "object") open.push(child);
  }
  return count;
}
