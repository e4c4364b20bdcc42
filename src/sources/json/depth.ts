import { endOfString } from "./string-end.ts";

const QUOTE = 34;

/** How deep a JSON text nests, and how many brackets are open at its end. Does not check that it is JSON. */
export function measureDepth(text: string): { readonly deepest: number; readonly open: number } {
  let open = 0;
  let deepest = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      at = endOfString(text, at);
    } else if (code === 0x7b || code === 0x5b) {
      if (++open > deepest) deepest = open;
    } else if (code === 0x7d || code === 0x5d) {
      open--;
    }
  }
  return { deepest, open };
}
