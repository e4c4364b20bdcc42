import { checkKnown, checkOption, columnsOrNone, fail, foundOf, isText } from "../shared/check-options.ts";
import { isFigure, type Rule } from "./rules.ts";

type Confidence = "high" | "medium" | "low";

interface AnyPass {
  /** What the results call it. */
  readonly name: string;
  /** How sure a match of it is, as the results say. By default high for `key` and `group`, medium for `amount`, low for `sum`. */
  readonly confidence?: Confidence;
}

/** One row of a side against several of the other that have its key, and add up to it. */
interface KeyPass extends AnyPass {
  readonly by: "key";
}

interface Together {
  /** The column of figures that has to be equal; without it the first of kind money. */
  readonly amount?: string;
  /** Columns that both sides have in common: of the key, of kind text or exact, or in `also` of both. */
  readonly same?: readonly string[];
  /** A compared column of kind date. */
  readonly date?: string;
  /** Rows further apart than so many days are not matched. */
  readonly days?: number;
}

/** One row of a side against all of the other that have columns in common with it, and add up to it. */
interface GroupPass extends AnyPass, Together {
  readonly by: "group";
  readonly group: readonly string[];
}

/** One row against one of the same amount, the nearest in days. */
interface AmountPass extends AnyPass, Together {
  readonly by: "amount";
  readonly date: string;
  readonly days: number;
}

/** One row of a side against a few of the other that add up to it. */
interface SumPass extends AnyPass, Together {
  readonly by: "sum";
  readonly date: string;
  readonly days: number;
  /**
   * Rows of a group, at most.
   * @default 4
   */
  readonly most?: number;
  /**
   * A row to which more could belong is not tried.
   * @default 16
   */
  readonly candidates?: number;
}

/** What is matched of the rows that their key leaves open, one pass after the other. */
export type PassOption = KeyPass | GroupPass | AmountPass | SumPass;

/** A pass as checked. */
export interface Pass {
  readonly name: string;
  readonly by: PassOption["by"];
  readonly confidence: Confidence;
  readonly amount: string;
  readonly same: readonly string[];
  readonly group: readonly string[];
  readonly date: string | undefined;
  readonly days: number | undefined;
  readonly most: number;
  readonly candidates: number;
}

/** Options of each kind, besides `name`, `by` and `confidence`. */
const KINDS: ReadonlyMap<unknown, readonly string[]> = new Map<Pass["by"], readonly string[]>([
  ["key", []],
  ["group", ["group", "same", "amount", "date", "days"]],
  ["amount", ["same", "amount", "date", "days"]],
  ["sum", ["same", "amount", "date", "days", "most", "candidates"]],
]);
const CONFIDENCES: readonly unknown[] = ["high", "medium", "low"];
const SURE: Readonly<Record<Pass["by"], Confidence>> = { key: "high", group: "high", amount: "medium", sum: "low" };
/** What the results call the match by key. */
export const BY_KEY = "key";
const MOST_DAYS = 366;
/** Sums that are tried for one row, at most. */
const MOST_SUMS = 100_000;

interface Columns {
  readonly caller: string;
  readonly key: readonly { readonly name: string }[];
  readonly columns: readonly { readonly name: string; readonly rule: Rule }[];
  readonly also: Readonly<Record<"ours" | "theirs", readonly string[]>>;
}

/** @throws Error for what is no list of passes over these columns */
export function passesOf(comparison: Columns, given: unknown = []): readonly Pass[] {
  const { caller } = comparison;
  if (!Array.isArray(given)) return fail(caller, `passes: expected a list, found ${foundOf(given)}`);
  const passes = given.map((one, index) => passOf(comparison, one, index + 1));
  const names = passes.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) fail(caller, `passes: two are called ${twice}. Each needs a name of its own`);
  return passes;
}

function passOf(comparison: Columns, given: unknown, position: number): Pass {
  const { caller } = comparison;
  const pass = (typeof given === "object" && given !== null ? given : {}) as Readonly<Record<string, unknown>>;
  const { name } = pass;
  if (!isText(name)) return fail(caller, `passes: ${position}: expected a name, found ${foundOf(name)}`);
  if (name === BY_KEY) fail(caller, `passes: the name ${BY_KEY} is that of the match by key. Call this pass otherwise`);
  const where = `${caller}: pass ${name}`;
  const options = KINDS.get(pass.by);
  if (!options) return fail(where, `needs by, one of ${[...KINDS.keys()].join(", ")}, found ${foundOf(pass.by)}`);
  checkKnown(where, pass, ["name", "by", "confidence", ...options]);
  const by = pass.by as Pass["by"];
  checkOption(where, "confidence", pass.confidence, (one) => CONFIDENCES.includes(one), "high, medium or low");
  const checked = {
    ...{ name, by, confidence: (pass.confidence ?? SURE[by]) as Confidence },
    amount: by === "key" ? moneyOf(where, comparison) : amountOf(where, comparison, pass.amount),
    same: common(where, comparison, pass.same, "same"),
    group: common(where, comparison, pass.group, "group"),
    ...windowOf(where, comparison, by, pass),
    most: bound(where, pass.most, "most", 4),
    candidates: bound(where, pass.candidates, "candidates", 16),
  };
  if (by === "group" && !checked.group.length)
    fail(where, "needs group, the columns that rows of a group have in common");
  const sums = sumsOf(checked.candidates, checked.most);
  if (by === "sum" && sums > MOST_SUMS)
    fail(where, `tries up to ${sums} sums for one row, and may try ${MOST_SUMS}. Set most or candidates lower`);
  return checked;
}

/** What duplicates are kept with. */
function moneyOf(where: string, { columns }: Columns): string {
  const found = columns.find(({ rule }) => rule.kind === "money");
  return found?.name ?? fail(where, "needs a compared column of kind money, whose sums it compares");
}

function amountOf(where: string, { columns }: Columns, given: unknown): string {
  const found =
    given === undefined
      ? columns.find(({ rule }) => rule.kind === "money")
      : columns.find(({ name, rule }) => name === given && isFigure(rule));
  if (found) return found.name;
  return given === undefined
    ? fail(where, "needs amount, a compared column of kind number, as none is of kind money")
    : fail(where, `amount: expected a compared column of kind money or number, found ${foundOf(given)}`);
}

function common(where: string, { key, columns, also }: Columns, given: unknown, option: string): readonly string[] {
  if (given !== undefined && !Array.isArray(given))
    fail(where, `${option}: expected a list of columns, found ${foundOf(given)}`);
  const names = columnsOrNone(where, given, option);
  const known = [
    ...key.map(({ name }) => name),
    ...columns.filter(({ rule }) => rule.kind === "text" || rule.kind === "exact").map(({ name }) => name),
    ...also.ours.filter((name) => also.theirs.includes(name)),
  ];
  const other = names.find((name) => !known.includes(name));
  if (other === undefined) return names;
  return fail(
    where,
    `${option}: expected columns of the key, of kind text or exact, or in also of both sides, which are ${known.join(", ")}, found ${other}`,
  );
}

function windowOf(
  where: string,
  { columns }: Columns,
  by: Pass["by"],
  { date, days }: Readonly<Record<string, unknown>>,
): Pick<Pass, "date" | "days"> {
  const needed = by === "amount" || by === "sum" || date !== undefined || days !== undefined;
  if (!needed) return { date: undefined, days: undefined };
  if (!columns.some(({ name, rule }) => name === date && rule.kind === "date"))
    fail(where, `date: expected a compared column of kind date, found ${foundOf(date)}`);
  if (!Number.isSafeInteger(days) || (days as number) < 0 || (days as number) > MOST_DAYS)
    fail(where, `days: expected a whole number, 0 to ${MOST_DAYS}, found ${foundOf(days)}`);
  return { date: date as string, days: days as number };
}

function bound(where: string, given: unknown, option: string, usual: number): number {
  checkOption(
    where,
    option,
    given,
    (one) => Number.isSafeInteger(one) && (one as number) >= 2,
    "a whole number from 2 on",
  );
  return (given as number | undefined) ?? usual;
}

/** How many groups of 2 up to `most` of so many rows there are. */
function sumsOf(candidates: number, most: number): number {
  let [groups, sum] = [candidates, 0];
  for (let size = 2; size <= Math.min(most, candidates); size++) {
    groups = (groups * (candidates - size + 1)) / size;
    sum += groups;
    if (sum > MOST_SUMS) break;
  }
  return sum;
}

/** Sums that a pass tries for a row, at most: what the results say of it. */
export function mostSums({ by, candidates, most }: Pass): number | undefined {
  return by === "sum" ? sumsOf(candidates, most) : undefined;
}
