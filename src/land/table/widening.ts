import { embeds } from "../../sql/types.ts";

/** Whole numbers, each within the next. */
const WHOLE = /^(?:smallint|integer|bigint)$/;
/** Types of which more letters or digits hold each value as it is, and are of the same type. */
const BY_LENGTH = /^(?:character varying|time|timestamp)\b/;

export function isText(type: string): boolean {
  return /^(?:text|character varying(?:\(\d+\))?)$/.test(type);
}

/** Whether a column of a type takes each value of another as it is written, whatever the column holds. */
export function takesEach(from: string, to: string): boolean {
  return embeds(from, to) || to === "text" || to === "character varying";
}

/**
 * Whether a type takes each value of another and leaves alone what is computed from the column: operators and functions go by
 * the type, not by its length. Whole numbers count alike in each of their types but for what `countsAlike` says.
 *
 * @param queries of the views on the table, as the server writes them
 */
export function keepsMeaning(from: string, to: string, queries: readonly string[]): boolean {
  if (!embeds(from, to)) return false;
  if (WHOLE.test(from)) return WHOLE.test(to) && queries.every(countsAlike);
  const scale = scaleOf(from);
  return scale === undefined ? BY_LENGTH.test(from) : scale === scaleOf(to);
}

function scaleOf(type: string): string | undefined {
  return /^numeric\(\d+,(-?\d+)\)$/.exec(type)?.[1];
}

/** What gives the same of a whole number in each of its types; `sum` gives a bigint of an integer, and a numeric of a bigint. */
const ALIKE: ReadonlySet<string> = new Set([
  ...["count", "min", "max", "avg", "coalesce", "nullif", "greatest", "least"],
  ...["row_number", "rank", "dense_rank", "first_value", "last_value", "bool_and", "bool_or"],
  ...["lower", "upper", "btrim", "replace", "left", "right", "length", "date_trunc", "extract", "now"],
  // Of a type's name: numeric(10,2).
  ...["numeric", "varying", "character", "timestamp", "time"],
]);

/** The server writes a call without a space before its parenthesis, and with one after a keyword. */
function countsAlike(query: string): boolean {
  const called = [...query.matchAll(/([\w$."]+)\(/g)].map(([, name]) => name!.toLowerCase());
  return called.every((name) => ALIKE.has(name)) && !/<<|>>/.test(query);
}
