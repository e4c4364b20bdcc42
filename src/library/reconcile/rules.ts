import { checkKnown, fail } from "../shared/check-options.ts";
import { type Step, stepsOf } from "./normalize.ts";

interface AnyRule {
  /** Whether a difference makes the row mismatched; without it it does. */
  readonly blocking?: boolean;
}

/** Largest differences that are within tolerance: a difference as large as one of them is. A text keeps every digit. */
interface Tolerances {
  readonly absTol?: number | string;
  /** As a share of their value. */
  readonly relTol?: number | string;
}

export interface MoneyRule extends AnyRule, Tolerances {
  readonly kind: "money";
  /** Another of the columns, of kind text. */
  readonly currency: string;
}

interface NumberRule extends AnyRule, Tolerances {
  readonly kind: "number";
}

interface DateRule extends AnyRule {
  readonly kind: "date";
  readonly days?: number;
}

interface TimestampRule extends AnyRule {
  readonly kind: "timestamp";
  /** An interval: "5 minutes". */
  readonly tolerance?: string;
}

export interface TextRule extends AnyRule {
  readonly kind: "text";
  readonly normalize?: readonly Step[];
}

interface ExactRule extends AnyRule {
  readonly kind: "exact";
}

export type Rule = MoneyRule | NumberRule | DateRule | TimestampRule | TextRule | ExactRule;

/** Options of each kind, besides `kind` and `blocking`. */
const KINDS: ReadonlyMap<unknown, readonly string[]> = new Map<Rule["kind"], readonly string[]>([
  ["money", ["currency", "absTol", "relTol"]],
  ["number", ["absTol", "relTol"]],
  ["date", ["days"]],
  ["timestamp", ["tolerance"]],
  ["text", ["normalize"]],
  ["exact", []],
]);

/** @throws Error for what is no rule of a column */
export function ruleOf(caller: string, name: string, given: unknown): Rule {
  const rule = (given && typeof given === "object" ? given : {}) as Readonly<Record<string, unknown>>;
  const kind = Object.hasOwn(rule, "kind") ? rule.kind : undefined;
  const options = KINDS.get(kind);
  if (!options) return fail(caller, `${name}: needs a kind, one of ${[...KINDS.keys()].join(", ")}`);
  checkKnown(`${caller}: ${name}`, rule, ["kind", "blocking", ...options]);
  const check = (option: string, isRight: (value: unknown) => boolean, expected: string) => {
    const value = rule[option];
    if (value !== undefined && !isRight(value))
      fail(caller, `${name}: ${option} is ${expected}, found ${JSON.stringify(value) ?? String(value)}`);
  };
  for (const option of ["absTol", "relTol"]) {
    check(option, isTolerance, "a number that is not negative");
    check(option, isHeld, "a text where it has more digits than a number of JavaScript");
  }
  check("days", (value) => Number.isSafeInteger(value) && (value as number) >= 0, "a whole number");
  check("tolerance", isInterval, "an interval that is not negative, such as 5 minutes");
  check("blocking", (value) => typeof value === "boolean", "true or false");
  stepsOf(`${caller}: ${name}`, rule.normalize);
  return rule as unknown as Rule;
}

/** As PostgreSQL reads numbers, and as JavaScript prints them: 1e-7. */
function isTolerance(value: unknown): boolean {
  return (typeof value === "number" || typeof value === "string") && /^\d+(\.\d+)?(e[+-]?\d+)?$/i.test(String(value));
}

function isHeld(value: unknown): boolean {
  return typeof value !== "number" || value <= Number.MAX_SAFE_INTEGER;
}

/** Whether the server can read it only the server knows; that it is not negative is seen here. */
function isInterval(value: unknown): boolean {
  return typeof value === "string" && value.trim() !== "" && !/^\s*@?\s*-|\bago\b/i.test(value);
}

/** A tolerance as text, or undefined where it allows nothing. */
export function limitOf(tolerance: number | string | undefined): string | undefined {
  const text = String(tolerance ?? 0);
  return /[1-9]/.test(text.replace(/e.*/i, "")) ? text : undefined;
}

export function isBlocking({ blocking }: Rule): boolean {
  return blocking !== false;
}

/** Whether sums are told of it. */
export function isFigure({ kind }: Rule): boolean {
  return kind === "money" || kind === "number";
}
