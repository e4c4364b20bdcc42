import { cte, withCtes } from "../../sql/ctes.ts";
import { id, suffixed } from "../../sql/identifiers.ts";
import { literal } from "../../sql/literals.ts";
import { join, or, type Sql, sql } from "../../sql/sql.ts";
import { own } from "../shared/check-options.ts";
import { haveOneCurrency } from "./compare.ts";
import { type Comparison, idOfSide, ofSide, SIDES } from "./options.ts";
import { BY_KEY } from "./passes.ts";
import { rowNo } from "./passing.ts";
import { isBlocking } from "./rules.ts";
import { keptColumns, keyList, measureOf } from "./sides.ts";
import { imports, source } from "./sources.ts";

const isSame = own("is_same");
const arePair = sql`n_ours = 1 and n_theirs = 1 and has_key`;

/** Outcomes that make a row mismatched. */
const DIFFERENT = ["o", "t", "d"];
const WITHIN_TOLERANCE = ["w"];

/** The row results as people read them, of the relation that `storeOf` made, and of that of `matchesOf` where there are passes. */
export function rowResults(comparison: Comparison, stored: Sql, matches: Sql | undefined): Sql {
  const ctes = [
    ...imports(matches ? { stored, matches } : { stored }),
    cte("completed", completed(comparison), { comment: "two rows with the same values were kept once" }),
    ...(matches ? [cte("passed", passed)] : []),
    cte("named", named(comparison, matches !== undefined)),
  ];
  return withCtes(ctes, sql`select * from named`);
}

/** The name of the column with the difference of an amount. */
export function differenceName(amount: string): string {
  return suffixed(amount, "_diff");
}

function completed(comparison: Comparison): Sql {
  const same = sql`${arePair} and their_row_hash is null`;
  const allEqual = literal("e".repeat(comparison.columns.length));
  const both = keptColumns(comparison).flatMap((name) => {
    const [ours, theirs] = [idOfSide(name, "ours"), idOfSide(name, "theirs")];
    return [sql`${ours},`, sql`case when ${same} then ${ours} else ${theirs} end as ${theirs},`];
  });
  return sql`
    select
      ${keyList(comparison)},
      has_key,
      ${same} as ${isSame},
      n_ours,
      n_theirs,
      our_row_hash,
      case when ${same} then our_row_hash else their_row_hash end as their_row_hash,
      ${join(both, "\n")}
      case when ${same} then coalesce(outcomes, ${allEqual}) else outcomes end as outcomes,
      ours,
      theirs
      ${comparison.passes.length ? sql`, ${rowNo}` : sql``}
    from ${source("stored")}`;
}

function named(comparison: Comparison, hasPasses: boolean): Sql {
  const measure = measureOf(comparison);
  return sql`
    select
      ${keyList(comparison)},
      case
        ${hasPasses ? sql`when ${ofPass} = 'matched' then 'matched_by_pass'` : sql``}
        when not has_key then 'no_key'
        when n_ours > 1 or n_theirs > 1 then 'duplicate'
        ${isNotDue(comparison)}
        when n_ours = 0 then 'missing_in_ours'
        when n_theirs = 0 then 'missing_in_theirs'
        when ${isSame} then 'matched'
        when ${someColumn(comparison, DIFFERENT)} then 'mismatched'
        when ${someColumn(comparison, WITHIN_TOLERANCE)} then 'matched_within_tolerance'
        else 'matched'
      end as status,
      n_ours,
      n_theirs,
      ${hasPasses ? passColumns : sql``}
      ${join(
        keptColumns(comparison).flatMap((name) => [
          sql`${id(ofSide(name, "ours"))},`,
          sql`${id(ofSide(name, "theirs"))},`,
        ]),
        "\n",
      )}
      ${measure ? sql`${differenceOf(comparison, measure)} as ${id(differenceName(measure.amount))},` : sql``}
      ${columnsWith(comparison, DIFFERENT)} as diff_columns,
      ${columnsWith(comparison, WITHIN_TOLERANCE)} as within_tolerance_columns,
      outcomes,
      our_row_hash,
      their_row_hash,
      ours,
      theirs
    from completed
    ${hasPasses ? sql`left join passed on passed.${rowNo} = completed.${rowNo}` : sql``}`;
}

/** Rows of one side that the other could not have told of. */
function isNotDue({ notDue }: Comparison): Sql {
  const alone = SIDES.flatMap((side) => {
    const column = notDue[side];
    const other = side === "ours" ? sql`n_theirs` : sql`n_ours`;
    return column === undefined
      ? []
      : [sql`when ${other} = 0 and ${id(side)} ->> ${literal(column)} is not null then 'not_due'`];
  });
  return join(alone, "\n");
}

/** Under a name that no key has. */
const ofPass = own("outcome");
const passed = sql`select ${rowNo}, match_pass, confidence, match_group, outcome as ${ofPass} from ${source("matches")}`;
const passColumns = sql`
  coalesce(passed.match_pass, case when ${arePair} then ${literal(BY_KEY)} end) as match_pass,
  case when ${arePair} then 'certain' else passed.confidence end as confidence,
  nullif(${ofPass}, 'matched') as match_note,
  passed.match_group,`;

/** Theirs less ours, where both are of one currency. */
function differenceOf(comparison: Comparison, measure: { readonly amount: string; readonly currency: string }): Sql {
  const difference = sql`${idOfSide(measure.amount, "theirs")} - ${idOfSide(measure.amount, "ours")}`;
  return sql`case when ${arePair} and ${haveOneCurrency(comparison, measure)} then ${difference} end`;
}

/** Whether one of the columns that count has one of the letters. */
function someColumn({ columns }: Comparison, letters: readonly string[]): Sql {
  const counting = columns.filter(({ rule }) => isBlocking(rule));
  return or(counting.map(({ position }) => hasLetter(position, letters)));
}

/** The names of the columns that count and have one of the letters. */
function columnsWith({ columns }: Comparison, letters: readonly string[]): Sql {
  const names = columns
    .filter(({ rule }) => isBlocking(rule))
    .map(({ name, position }) => sql`case when ${hasLetter(position, letters)} then ${literal(name)} end`);
  if (!names.length) return sql`'{}'::text[]`;
  return sql`
    case
      when outcomes is null or ${isSame} then '{}'
      else array_remove(array[${join(names, ", ")}], null)
    end`;
}

function hasLetter(position: number, letters: readonly string[]): Sql {
  return sql`substr(outcomes, ${literal(position)}, 1) in (${join(letters.map(literal), ", ")})`;
}
