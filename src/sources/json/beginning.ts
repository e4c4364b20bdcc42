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

/**
 * The beginning of a long JSON text as a text of its own: without what is cut, which is looked for in its second half as far out as
 * possible, so that what is left of a list are whole items. Undefined where nothing is whole.
 */
export function closedBeginning(text: string): string | undefined {
  const open: string[] = [];
  /** The last comma at each depth. */
  const commas: number[] = [];
  for (let at = 0; at < text.length; at++) {
    const sign = text[at]!;
    if (sign === '"') at = endOfString(text, at);
    else if (sign === "{" || sign === "[") open.push(PAIRS[sign]!);
    else if (sign === "}" || sign === "]") open.pop();
    else if (sign === ",") commas[open.length] = at;
  }
  // The brackets around a comma are open still, or it is one of a list that has ended.
  const within = commas.slice(0, open.length + 1);
  const depth = within.findIndex((at) => at > text.length / 2);
  if (depth < 0) return undefined;
  const rest = open.slice(0, depth).reverse().join("");
  return text.slice(0, within[depth]) + rest;
}

export function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
