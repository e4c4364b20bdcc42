import { stripVTControlCharacters } from "node:util";

/** Made when a text needs it: that takes 7 ms. */
let clusters: Intl.Segmenter | undefined;

/** What terminals give two columns: East Asian wide and fullwidth forms. */
const WIDE =
  /^[\u1100-\u115f\u231a\u231b\u2329\u232a\u23e9-\u23ec\u23f0\u23f3\u25fd\u25fe\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{18cd5}\u{1aff0}-\u{1b2fb}\u{1f200}-\u{1f265}\u{20000}-\u{3fffd}]/u;
/** Emoji that are drawn as such, by themselves, by a selector (U+FE0F), or as a flag or keycap. */
const EMOJI = /^(?:\p{Emoji_Presentation}|\p{Regional_Indicator}|\p{Emoji}\ufe0f)/u;
const NO_WIDTH = /^[\p{Mn}\p{Me}\p{Cf}\p{Cc}]/u;

/** A text's characters as a person counts them. */
function characters(text: string): string[] {
  if (/^[\x20-\x7e]*$/.test(text)) return [...text];
  clusters ??= new Intl.Segmenter("en", { granularity: "grapheme" });
  return [...clusters.segment(text)].map(({ segment }) => segment);
}

/** Columns of a terminal that a text takes; colours take none. */
export function width(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  const plain = stripVTControlCharacters(text);
  return characters(plain).reduce((sum, one) => sum + widthOf(one), 0);
}

function widthOf(character: string): number {
  if (NO_WIDTH.test(character)) return 0;
  return WIDE.test(character) || EMOJI.test(character) ? 2 : 1;
}

/** The text and spaces up to `columns`. */
export function padded(text: string, columns: number, side: "left" | "right" = "left"): string {
  const space = " ".repeat(Math.max(0, columns - width(text)));
  return side === "left" ? text + space : space + text;
}

/** The longest beginning that fits. */
function beginning(text: readonly string[], columns: number): string {
  let end = 0;
  for (let left = columns; end < text.length; end++) {
    left -= width(text[end]!);
    if (left < 0) break;
  }
  return text.slice(0, end).join("");
}

/** At most `columns` wide: `…` stands where something is left out, so that `tail` columns of the end stay. */
export function cut(text: string, columns: number, tail = 0): string {
  if (width(text) <= columns) return text;
  const all = characters(text);
  const end = beginning(all.toReversed(), Math.min(tail, columns - 1));
  const kept = characters(end).toReversed().join("");
  return `${beginning(all, columns - 1 - width(kept))}…${kept}`;
}

/** Where what is left out is looked for: in the middle, near the beginning, at it, at the end. */
const TAILS = [0.5, 0.75, 1, 0];

/** Texts cut so that two different ones stay different. Undefined: there is no such way. */
export function cutApart(texts: readonly string[], columns: number): string[] | undefined {
  const different = new Set(texts).size;
  for (const share of TAILS) {
    const short = texts.map((text) => cut(text, columns, Math.floor((columns - 1) * share)));
    if (new Set(short).size === different) return short;
  }
  return undefined;
}

/**
 * A line as lines that fit, broken between words; those after the first begin with `indent`. A word that is longer stays
 * whole, so that names and paths can be copied; and so does what stands in parentheses, where it fits into a line.
 */
export function wrap(line: string, columns: number | undefined, indent = "  "): string[] {
  if (columns === undefined || width(line) <= columns) return [line];
  const lines: string[] = [];
  let current = /^\s*/.exec(line)![0];
  let empty = true;
  for (const word of words(line, columns - indent.length)) {
    if (!empty && width(current) + 1 + width(word) > columns) {
      lines.push(current);
      current = indent;
      empty = true;
    }
    current += (empty ? "" : " ") + word;
    empty = false;
  }
  return [...lines, current];
}

function words(line: string, columns: number): string[] {
  const found: string[] = [];
  let opened = -1;
  for (const word of line.trim().split(/(?<=\S)\s(?=\S)/)) {
    found.push(word);
    if (word.startsWith("(")) opened = found.length - 1;
    if (opened < 0 || !/\)[,.;:]?$/.test(word)) continue;
    const whole = found.slice(opened).join(" ");
    if (width(whole) <= columns) found.splice(opened, found.length, whole);
    opened = -1;
  }
  return found;
}
