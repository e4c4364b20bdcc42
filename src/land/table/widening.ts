/** Whole numbers, each within the next. */
const WHOLE = ["smallint", "integer", "bigint", "numeric"];

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
  if (base === "character varying") return most.length === 1 && least.length === 1 && least[0]! >= most[0]!;
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

function partsOf(type: string): [base: string, ...numbers: number[]] {
  const found = /^([a-z ]+)\((\d+)(?:,(-?\d+))?\)$/.exec(type);
  if (!found) return [type];
  return [found[1]!, ...found.slice(2).flatMap((text) => (text === undefined ? [] : [Number(text)]))];
}
