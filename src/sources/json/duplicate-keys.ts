const QUOTE = 34;
const COLON = 58;
const BACKSLASH = 92;

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

/** The index of the quote that closes the string which begins there. */
export function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); ; end = text.indexOf('"', end + 1)) {
    if (end === -1) return text.length;
    let escapes = 0;
    while (text.charCodeAt(end - 1 - escapes) === BACKSLASH) escapes++;
    if (escapes % 2 === 0) return end;
  }
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
