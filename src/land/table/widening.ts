/** Whole numbers, each within the next. */
const WHOLE = ["smallint", "integer", "bigint", "numeric"];

/** Types whose number is a length or digits, more of which hold each value as it is. */
const BY_LENGTH: ReadonlySet<string> = new Set([
  "character varying",
  "timestamp without time zone",
  "timestamp with time zone",
  "time without time zone",
  "time with time zone",
]);

/**
 * Whether each value of a type is one of the other, and the same one, whatever the column holds. Types as the server calls
 * them: `numeric(10,2)`, `character varying(20)`.
 */
export function widens(from: string, to: string): boolean {
  if (from === to) return false;
  if (to === "text" || to === "character varying") return true;
  const [before, after] = [WHOLE.indexOf(from), WHOLE.indexOf(to)];
  if (before >= 0 && after >= 0) return before < after;
  const [base, ...most] = partsOf(from);
  const [wider, ...least] = partsOf(to);
  if (base !== wider) return false;
  if (BY_LENGTH.has(base)) return most.length === 1 && (!least.length || least[0]! >= most[0]!);
  if (base === "numeric") {
    if (most.length === 2 && !least.length) return true;
    const [digits, scale] = most;
    const [moreDigits, moreScale] = least;
    return (
      most.length === 2 && least.length === 2 && moreScale! >= scale! && moreDigits! - moreScale! >= digits! - scale!
    );
  }
  return false;
}

/**
 * Whether a wider type leaves alone what is computed from the column: operators and functions go by the type, not by its
 * length. Whole numbers count alike in each of their types but for what `countsAlike` says.
 *
 * @param queries of the views on the table, as the server writes them
 */
export function keepsMeaning(from: string, to: string, queries: readonly string[]): boolean {
  const whole = WHOLE.slice(0, 3);
  if (whole.includes(from) && whole.includes(to)) return queries.every(countsAlike);
  const [base, , scale] = partsOf(from);
  const [wider, , newScale] = partsOf(to);
  if (base === "character varying") return wider === base || wider === "text";
  if (base === "numeric") return wider === base && scale === newScale && partsOf(to).length > 1;
  return base === wider && BY_LENGTH.has(base);
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

function partsOf(type: string): [base: string, ...numbers: number[]] {
  const found = /^([a-z ]+)\((\d+)(?:,(-?\d+))?\)( with(?:out)? time zone)?$/.exec(type);
  if (!found) return [type];
  const numbers = found.slice(2, 4).flatMap((text) => (text === undefined ? [] : [Number(text)]));
  return [`${found[1]!}${found[4] ?? ""}`, ...numbers];
}
