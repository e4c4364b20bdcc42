import type { ExploreRelation } from "../../../model/explore.ts";
import { NO_ALIAS } from "../../../sql/keywords.ts";
import { type Place, placesOf } from "../../../sql/places.ts";
import { tokenize } from "../../../sql/tokens.ts";

/** What may stand where the caret is. */
interface Suggestion {
  readonly text: string;
  /** What it is: a type, a kind of relation, a word of SQL. */
  readonly about: string;
  readonly description: string;
}

export interface Suggestions {
  /** What of the text it stands for. */
  readonly from: number;
  readonly to: number;
  readonly all: readonly Suggestion[];
}

const MOST = 12;
const SQL = "SQL";
const WORDS =
  "select from where group by order by limit join left join on and or not as distinct having in is null is not null between like case when then else end with union all count(*) sum( avg( min( max( coalesce( date_trunc( over ( desc nulls last".match(
    /group by|order by|left join|is not null|is null|union all|over \(|nulls last|\S+/g,
  )!;

/** What is being written: names before a dot, and the begin of a name. */
const WRITTEN = /((?:(?:"(?:[^"]|"")*"|[\p{L}_][\p{L}\p{N}_$]*)\.){0,2})("(?:[^"]|"")*|[\p{L}_][\p{L}\p{N}_$]*)?$/u;

/**
 * What may stand at the caret, best first: behind a dot what has that name, elsewhere columns of the relations that the select names,
 * relations, and words of SQL. Pure.
 * @param isAsked whether somebody asks without having begun a word
 */
export function suggest(
  text: string,
  caret: number,
  relations: readonly ExploreRelation[],
  isAsked = false,
): Suggestions | undefined {
  const before = text.slice(0, caret);
  if (isInText(before)) return undefined;
  const [, owners = "", begun = ""] = WRITTEN.exec(before) ?? [];
  const word = begun.replace(/^"/, "").toLowerCase();
  const named = owners ? namesIn(owners) : [];
  const isBehindFrom = /\b(?:from|join)\s+$/i.test(before.slice(0, before.length - begun.length - owners.length));
  if (!word && !named.length && !isBehindFrom && !isAsked) return undefined;
  // Where a name is still to come, what follows the caret is none.
  const whole = begun ? text : `${before}x${text.slice(caret)}`;
  const known = placesOf(whole).flatMap((place) => relationAt(whole, place, relations) ?? []);
  const candidates = named.length
    ? behindDot(named, known, relations)
    : [
        ...(isBehindFrom ? [] : columnsOf(known)),
        ...relations.map(asRelation),
        ...(isBehindFrom ? [] : WORDS.map(asWord)),
      ];
  const found = candidates
    .flatMap((one) => {
      const rank = rankOf(one, word);
      return rank === undefined ? [] : [{ one, rank }];
    })
    .sort((a, b) => a.rank - b.rank)
    .slice(0, MOST)
    .map(({ one }) => one);
  const isWhole = found.length === 1 && found[0]!.text === begun;
  return found.length && !isWhole ? { from: caret - begun.length, to: caret, all: found } : undefined;
}

/** Whether the caret stands in a string or a comment. */
function isInText(before: string): boolean {
  const last = tokenize(before).at(-1);
  if (last?.kind === "comment") return !before.endsWith("\n") && !before.endsWith("*/");
  return tokenize(before).some(({ kind, text }) => kind === "symbol" && text === "'");
}

function namesIn(owners: string): readonly string[] {
  const parts = owners.slice(0, -1).match(/"(?:[^"]|"")*"|[^.]+/g) ?? [];
  return parts.map((part) => (part.startsWith('"') ? part.slice(1, -1).replaceAll('""', '"') : part.toLowerCase()));
}

interface Named {
  /** By which its columns may be named. */
  readonly alias: string;
  readonly relation: ExploreRelation;
}

function relationAt(
  text: string,
  { name, aliasAt, hasAlias }: Place,
  relations: readonly ExploreRelation[],
): Named | undefined {
  const parts = namesIn(`${name.map((part) => part.text).join(".")}.`);
  const relation = relations.find(
    (one) => one.name === parts.at(-1) && (parts.length === 1 || one.schema === parts.at(-2)),
  );
  if (!relation) return undefined;
  const alias = hasAlias
    ? /^\s*(?:as\s+)?("(?:[^"]|"")*"|[\p{L}_][\p{L}\p{N}_$]*)/iu.exec(text.slice(aliasAt))?.[1]
    : undefined;
  return { alias: alias === undefined ? relation.name : namesIn(`${alias}.`)[0]!, relation };
}

function behindDot(
  names: readonly string[],
  known: readonly Named[],
  relations: readonly ExploreRelation[],
): readonly Suggestion[] {
  const [first, second] = names;
  if (second !== undefined) {
    const relation = relations.find(({ schema, name }) => schema === first && name === second);
    return relation ? columnsOf([{ alias: second, relation }]) : [];
  }
  const columns = columnsOf(known.filter(({ alias }) => alias === first));
  const inSchema = relations
    .filter(({ schema }) => schema === first)
    .map((one) => ({ ...asRelation(one), text: written(one.name) }));
  return [...columns, ...inSchema];
}

function columnsOf(known: readonly Named[]): readonly Suggestion[] {
  const all = new Map<string, Suggestion>();
  for (const { relation } of known)
    for (const { name, type, description } of relation.columns)
      if (!all.has(name)) all.set(name, { text: written(name), about: type, description });
  return [...all.values()];
}

const asRelation = ({ schema, name, kind, summary }: ExploreRelation): Suggestion => ({
  text: `${written(schema)}.${written(name)}`,
  about: kind,
  description: summary,
});

const asWord = (text: string): Suggestion => ({ text, about: SQL, description: "" });

/** As SQL has the name. */
function written(name: string): string {
  return /^[a-z_][a-z0-9_$]*$/.test(name) && !NO_ALIAS.has(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

/** What begins with the word, before what has it at the begin of a part, before what has so much of it in the middle. */
function rankOf({ text, about }: Suggestion, word: string): number | undefined {
  const name = text.toLowerCase().replaceAll('"', "");
  if (name.startsWith(word)) return 0;
  const at = about === SQL ? -1 : name.indexOf(word);
  if (at < 0) return undefined;
  if (!/[\p{L}\p{N}]/u.test(name[at - 1]!)) return 1;
  return word.length >= TELLING ? 2 : undefined;
}

/** Letters of a word that are no accident. */
const TELLING = 3;
