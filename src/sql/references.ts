import type { Target } from "../model/target.ts";
import { classify } from "./classify.ts";
import { id } from "./identifiers.ts";
import { type Place, placesOf } from "./places.ts";
import { splitScript } from "./split.ts";
import { meaningful, type Token } from "./tokens.ts";

/**
 * The mark the compiler puts into names it resolved: `"\uE000schema"."name"`. A character of the private use
 * area cannot be in SQL that a person wrote, so a name written by hand is never taken for a reference.
 */
export const MARK = "\uE000";

export const reference = /"\uE000((?:[^"]|"")*)"\."((?:[^"]|"")*)"/g;

/** What stands for a reference, and whether a query must be told the model's name as its alias. */
export interface Replacement {
  readonly sql: string;
  /** What stands where rows are read, or their type is meant, where that is another relation. */
  readonly rows?: string;
  /** A query may say `orders.id` of `from ${ref("orders")}`, so another name needs that alias. */
  readonly renamed: boolean;
}

/** The relations that marked names mean, each as often as it is named. */
export function referencesIn(sql: string): Target[] {
  return [...sql.matchAll(reference)].map(([, schema, name]) => targetOf(schema!, name!));
}

function targetOf(schema: string, name: string): Target {
  return { schema: schema.replaceAll('""', '"'), name: name.replaceAll('""', '"') };
}

/** Replaces every marked name by what `resolve` gives for it. */
export function resolveReferences(sql: string, resolve: (target: Target) => Replacement): string {
  if (!sql.includes(MARK)) return sql;
  const resolved = splitScript(sql).reduceRight(
    (text, { text: statement, start }) =>
      statement.includes(MARK)
        ? text.slice(0, start) + resolveIn(statement, resolve) + text.slice(start + statement.length)
        : text,
    sql,
  );
  // What is left stands in a comment behind the last statement.
  return plainReferences(resolved);
}

function resolveIn(statement: string, resolve: (target: Target) => Replacement): string {
  const places = new Map(placesOf(statement).map((place) => [place.start, place]));
  const namesResults = /\b(?:conflict|returning)\b/i.test(statement);
  const needsAlias = ({ use, hasAlias }: Place) =>
    !hasAlias && use !== "table" && use !== "lock" && (use !== "insert" || namesResults);
  const references = [...statement.matchAll(reference)];
  const aliased = new Set(
    references.flatMap(({ 0: text, index }) => {
      const place = places.get(index);
      return place && needsAlias(place) ? [text] : [];
    }),
  );
  const edits = references.flatMap(({ 0: text, 1: schema, 2: name, index }): Edit[] => {
    const target = targetOf(schema!, name!);
    const { sql: relation, rows, renamed } = resolve(target);
    const end = index + text.length;
    const place = places.get(index);
    const sql = (rows !== undefined && rowsAt(statement, { index, end, place }, rows)) || relation;
    const aliasOf = () => id(target.name).toString();
    if (renamed && place && needsAlias(place))
      return [
        { start: index, end, text: sql },
        { start: place.aliasAt, end: place.aliasAt, text: ` as ${aliasOf()}` },
      ];
    // `${ref("orders")}.id` and `for update of ${ref("orders")}`, of a relation that has just got an alias.
    const saysAlias = place?.use === "lock" || /^\s*\./.test(statement.slice(end));
    return [{ start: index, end, text: renamed && saysAlias && aliased.has(text) ? aliasOf() : sql }];
  });
  return edits.reduceRight((text, edit) => text.slice(0, edit.start) + edit.text + text.slice(edit.end), statement);
}

interface Mention {
  readonly index: number;
  readonly end: number;
  readonly place: Place | undefined;
}

/** The words before a relation whose rows are read, or of which the type of its rows is meant. */
const BEFORE_ROWS = /(?:(?<!\bdelete\s+)\bfrom|\b(?:join|using|like|as|returns|setof)|::)\s*(?:only\s+)?$/i;

/** What stands for a mention that means rows; undefined for one that means the table: to change, to shape, to measure. */
function rowsAt(statement: string, { index, end, place }: Mention, rows: string): string | undefined {
  if (place) return place.use === "read" || place.use === "table" ? rows : undefined;
  const tokens = meaningful(statement);
  const at = tokens.findIndex(({ start }) => start === index);
  const before = tokens[at - 1]?.text.toLowerCase();
  // `copy name to …`; with a list of columns they are the author's.
  if (before === "copy" && at === 1)
    return tokens.find(({ start }) => start >= end)?.text === "(" ? undefined : `(table ${rows})`;
  if (at >= 0) {
    const { command } = classify(tokens.map(({ text }) => text).join(" "));
    // Its `from` names what is measured.
    if (command === "create statistics") return undefined;
    if (isTypeAt(tokens, at, command)) return rows;
  }
  // In a string, or the body of a function, by the words around it.
  const said = at < 0 ? statement.slice(0, index).replace(/--.*$/gm, "") : `${before ?? ""} `;
  const isType = /^\s*%\s*rowtype\b/i.test(statement.slice(end)) || (at < 0 && DECLARING.test(said));
  return isType || BEFORE_ROWS.test(said) ? rows : undefined;
}

/** From `declare` on to the `begin` of a block. */
const DECLARING = /\bdeclare\b(?:(?!\bbegin\b)[\s\S])*$/i;
/** These have columns, fields or arguments of some type. */
const HAS_TYPES = /^(?:create (?:function|procedure|aggregate|cast|table|type)|alter (?:table|type))$/;
/** The words before a relation there which is meant as one. */
const BEFORE_RELATION = new Set("table exists only on references of inherit partition by".split(" "));

/** Whether a mention stands behind the name of a column or an argument, or is an argument by itself: `f(r orders, orders)`. */
function isTypeAt(tokens: readonly Token[], at: number, command: string): boolean {
  const { kind, text = "" } = tokens[at - 1] ?? {};
  if (!HAS_TYPES.test(command)) return false;
  if (kind === "word") return !BEFORE_RELATION.has(text.toLowerCase());
  return kind === "quoted" || (/^[(,]$/.test(text) && /^create (?:function|procedure|aggregate|cast)$/.test(command));
}

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** The SQL with plain `"schema"."name"` in place of marks, as a person reads it. */
export function plainReferences(sql: string): string {
  return sql.replaceAll(`"${MARK}`, '"');
}
