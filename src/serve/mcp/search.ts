import type { Catalogue, Known } from "../catalogue.ts";

interface Hit {
  readonly known: Known;
  /** Columns in which a word was found. */
  readonly columns: ReadonlySet<string>;
}

/** How much a word tells where it is found. */
const WORTH = { name: 10, inName: 6, column: 5, inColumn: 3, schema: 3, tag: 3, description: 2, ofColumn: 1 } as const;

/**
 * The relations in which words are found, best first: those that have more of the words, then those that have them in names.
 * Without a word all of them. Pure.
 */
export function search({ relations }: Catalogue, text: string): readonly Hit[] {
  const words = wordsOf(text);
  if (!words.length) return relations.map((known) => ({ known, columns: new Set<string>() }));
  return relations
    .map((known) => ({ known, ...found(known, words) }))
    .filter(({ met }) => met > 0)
    .sort((one, other) => other.met - one.met || other.worth - one.worth)
    .map(({ known, columns }) => ({ known, columns }));
}

/** Lower case; of a plural what it has in common with its singular. */
function wordsOf(text: string): readonly string[] {
  const words = text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  return [...new Set(words.map((word) => (word.length > 3 ? word.replace(/s$/, "") : word)))];
}

function found({ relation, detail }: Known, words: readonly string[]) {
  const columns = new Set<string>();
  let [met, worth] = [0, 0];
  for (const word of words) {
    let best = placed(relation.name, word, WORTH.name, WORTH.inName) || placed(relation.schema, word, WORTH.schema, 1);
    best += relation.tags.some((tag) => has(tag, word)) ? WORTH.tag : 0;
    best += has(detail.description ?? relation.summary, word) ? WORTH.description : 0;
    for (const [name, , description] of relation.columns) {
      const own = placed(name, word, WORTH.column, WORTH.inColumn) || (has(description, word) ? WORTH.ofColumn : 0);
      if (own) columns.add(name);
      best += own;
    }
    met += best > 0 ? 1 : 0;
    worth += best;
  }
  return { met, worth, columns };
}

const has = (text: string, word: string): boolean => text.toLowerCase().includes(word);

function placed(name: string, word: string, whole: number, inside: number): number {
  const lower = name.toLowerCase();
  if (lower === word || lower === `${word}s`) return whole;
  return lower.includes(word) ? inside : 0;
}
