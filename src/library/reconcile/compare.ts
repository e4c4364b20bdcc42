import { MINOR_UNITS } from "../../model/currencies.ts";
import { literal } from "../../sql/literals.ts";
import { and, join, or, type Sql, sql } from "../../sql/sql.ts";
import { normalized } from "./normalize.ts";
import { type ComparedColumn, type Comparison, columnOf, idOfSide, type Side } from "./options.ts";
import { limitOf, type MoneyRule, type TextRule } from "./rules.ts";

// How one column of two rows is compared. Outcomes are one letter each; a pair of rows has a text of them.

export const OUTCOMES: ReadonlyMap<string, string> = new Map([
  ["e", "equal"],
  ["b", "both_null"],
  ["o", "null_in_ours"],
  ["t", "null_in_theirs"],
  ["w", "within_tolerance"],
  ["d", "different"],
]);

/** Conditions of "equal" and, where the rule allows for a difference, "within tolerance" of two values that are not NULL. */
interface Conditions {
  readonly equal: Sql;
  readonly within?: Sql | undefined;
}

/** The letters of a pair of rows whose values are not all the same. */
export function outcomes(comparison: Comparison): Sql {
  return concatenated(comparison.columns.map((column) => letterOf(comparison, column)));
}

function letterOf(comparison: Comparison, column: ComparedColumn): Sql {
  const [ours, theirs] = valuesOf(column);
  const { equal, within } = conditionsOf(comparison, column);
  return sql`
    case
      when ${ours} is null then case when ${theirs} is null then 'b' else 'o' end
      when ${theirs} is null then 't'
      when ${equal} then 'e'
      ${within ? sql`when ${within} then 'w'` : sql``}
      else 'd'
    end`;
}

/** The letters of a pair of rows whose values are the same; NULL where all have one. */
export function outcomesOfEqual({ columns }: Comparison): Sql {
  const values = columns.map((column) => valuesOf(column)[0]);
  return sql`
    case when ${join(
      values.map((value, index) => sql`${index ? sql`or ` : sql``}${value} is null`),
      " ",
    )} then
      ${concatenated(values.map((value) => sql`case when ${value} is null then 'b' else 'e' end`))}
    end`;
}

function concatenated(letters: readonly Sql[]): Sql {
  return join(
    letters.map((letter, index) => (index ? sql`|| ${letter}` : letter)),
    "\n",
  );
}

function valuesOf({ name }: ComparedColumn): readonly [ours: Sql, theirs: Sql] {
  return [idOfSide(name, "ours"), idOfSide(name, "theirs")];
}

function conditionsOf(comparison: Comparison, column: ComparedColumn): Conditions {
  const [ours, theirs] = valuesOf(column);
  const { rule } = column;
  const equal = sql`${ours} = ${theirs}`;
  switch (rule.kind) {
    case "money":
      return ofMoney(ours, theirs, rule, comparison);
    case "number":
      return { equal, within: tolerance(ours, theirs, rule) };
    case "date":
      return {
        equal,
        within: rule.days ? ofFinite(ours, theirs, sql`abs(${ours} - ${theirs}) <= ${literal(rule.days)}`) : undefined,
      };
    case "timestamp":
      return {
        equal,
        within:
          rule.tolerance === undefined
            ? undefined
            : ofFinite(
                ours,
                theirs,
                sql`greatest(${ours}, ${theirs}) - least(${ours}, ${theirs}) <= ${literal(rule.tolerance)}::interval`,
              ),
      };
    case "text":
      return { equal: sql`${normalized(ours, rule.normalize)} = ${normalized(theirs, rule.normalize)}` };
    default:
      return { equal };
  }
}

/** Of infinity nothing else is near, and PostgreSQL cannot subtract it. */
function ofFinite(ours: Sql, theirs: Sql, within: Sql): Sql {
  return sql`case when isfinite(${ours}) and isfinite(${theirs}) then ${within} else false end`;
}

/** Amounts are compared in whole minor units; round() of numeric takes halves away from zero. */
function ofMoney(ours: Sql, theirs: Sql, rule: MoneyRule, comparison: Comparison): Conditions {
  const same = haveOneCurrency(comparison, rule);
  const digits = minorUnit(currencyForm(comparison, rule.currency, idOfSide(rule.currency, "theirs")));
  const [a, b] = [sql`round(${ours}, ${digits})`, sql`round(${theirs}, ${digits})`];
  const within = tolerance(a, b, rule);
  return { equal: sql`${same} and ${a} = ${b}`, within: within && and([same, within]) };
}

/** Whether the amounts of a pair are of one currency. */
export function haveOneCurrency(comparison: Comparison, { currency }: Pick<MoneyRule, "currency">): Sql {
  const of = (side: Side) => currencyForm(comparison, currency, idOfSide(currency, side));
  return sql`${of("ours")} is not distinct from ${of("theirs")}`;
}

/** A currency in the form it is compared in. */
export function currencyForm(comparison: Comparison, currency: string, value: Sql): Sql {
  return normalized(value, (columnOf(comparison, currency).rule as TextRule).normalize);
}

/** The digits of a currency's minor unit. */
export function minorUnit(currency: Sql): Sql {
  const cases = MINOR_UNITS.map(
    ([digits, codes]) => sql`when ${currency} in (${join(codes.map(literal), ", ")}) then ${literal(digits)}`,
  );
  return sql`
    case
      ${join(cases, "\n")}
      else 2
    end`;
}

/**
 * Both limits count in: a difference as large as the tolerance is within it. A share of infinity is infinity, and of what is no
 * number none, so that every difference would be within it.
 */
function tolerance(ours: Sql, theirs: Sql, rule: Pick<MoneyRule, "absTol" | "relTol">): Sql | undefined {
  const [absolute, relative] = [limitOf(rule.absTol), limitOf(rule.relTol)];
  const difference = sql`abs(${ours} - ${theirs})`;
  const limits = [
    ...(absolute ? [sql`${difference} <= ${literal(absolute)}::numeric`] : []),
    ...(relative
      ? [sql`(${difference} < 'Infinity'::numeric and ${difference} <= ${literal(relative)}::numeric * abs(${theirs}))`]
      : []),
  ];
  return limits.length ? or(limits) : undefined;
}
