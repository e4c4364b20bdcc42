import { endOfString } from "./string-end.ts";

const PAIRS: Readonly<Record<string, string>> = { "{": "}", "[": "]" };
/** What a text may lack behind which its open brackets close: nothing, a value, a key with its value, what comes after a key. */
const FILLERS = ["", "0", '"":0', ":0"];

/** Whether a text ends between the tokens of a JSON value that goes on: some text behind it makes it whole. */
export function isBeginning(text: string): boolean {
  const open: string[] = [];
  for (let at = 0; at < text.length; at++) {
    const sign = text[at]!;
    if (sign === '"') at = endOfString(text, at);
    else if (sign === "{" || sign === "[") open.push(PAIRS[sign]!);
    else if (sign === "}" || sign === "]") open.pop();
  }
  const rest = open.reverse().join("");
  return rest !== "" && FILLERS.some((filler) => isJson(`${text}${filler}${rest}`));
}

export function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
