/** A part of a text: from the first character to before the other. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
}

const CALLS = /\b(?:publish|operate|assert|declare)\s*\(\s*(?:["'`]([^"'`]*)["'`])?/g;

/**
 * Where a file makes an action: from the call of JavaScript that names it to the next call; all of a file that makes one
 * alone, or is no JavaScript; undefined where no call that is seen names it, or several do.
 */
export function stretchOf(source: string, file: string, name: string): Stretch | undefined {
  const whole = { from: 0, to: source.length };
  if (!file.endsWith(".js")) return whole;
  const calls = [...source.matchAll(CALLS)];
  if (calls.length === 1) return whole;
  const [own, another] = calls.filter(([, named]) => named === name);
  if (!own || another) return undefined;
  return { from: own.index, to: calls.find(({ index }) => index > own.index)?.index ?? source.length };
}
