import { type Cte, cte } from "../../sql/ctes.ts";
import { id } from "../../sql/identifiers.ts";
import { literal } from "../../sql/literals.ts";
import { and, join, type Sql, sql } from "../../sql/sql.ts";
import { own } from "../options.ts";
import { refused } from "../values.ts";
import { type ComparedColumn, type Comparison, idOfSide, SIDES, type Side } from "./options.ts";
import { otherSide, source } from "./sources.ts";

// What kinds of values the columns have is known to the server only. It is asked once in a query, without reading a row,
// so that no value pays for it.

const EXACT_NUMBERS = ["smallint", "integer", "bigint", "numeric", "money"];
const ZONELESS = ["timestamp without time zone", "date"];

/** The name of the row of answers, by column and side. */
export const TYPES = "types";

/** What is asked of a column: whether it has the type that its values are brought to, or has no time zone. */
export function isNative(name: string, side: Side): Sql {
  return sql`(select ${idOfSide(name, side)} from ${id(TYPES)})`;
}

/** Whether every column can be compared with its other side. Where it cannot, the query ends with the reason. */
export const areComparable = sql`(select ${own("are_comparable")} from ${id(TYPES)})`;

/** Common table expressions with the answers; none where nothing is asked. */
export function typesOf(
  comparison: Comparison,
  columns: readonly ComparedColumn[],
  sides: readonly Side[] = SIDES,
): Cte[] {
  const asked = columns.flatMap((column) => sides.flatMap((side) => questionOf(column, side) ?? []));
  const pairs =
    sides.length > 1
      ? [...plainKeys(comparison), ...columns.filter(({ rule }) => rule.kind === "exact").map(({ name }) => name)]
      : [];
  const comparable = [
    ...pairs.flatMap((name) => SIDES.map((side) => sharesType(name, side))),
    ...(sides.length > 1
      ? columns.filter(({ rule }) => rule.kind === "timestamp").map(({ name }) => sharesZone(name))
      : []),
  ];
  const answers = comparable.length ? [...asked, sql`${and(comparable)} as ${own("are_comparable")}`] : asked;
  if (!answers.length) return [];
  const query = sql`
    select
      ${answers}
    from (select) as one
    ${join(
      sides.map((side) => sql`left join (select * from ${source(side)} limit 0) as ${id(side)} on true`),
      "\n",
    )}`;
  return [cte(TYPES, query, { comment: "what types the columns have: asked once, of no row" })];
}

/** Whether `typesOf` the same columns has the answer `areComparable`. */
export function isCompared({ key, columns }: Comparison): boolean {
  return (
    key.some(({ steps }) => !steps.length) || columns.some(({ rule }) => ["exact", "timestamp"].includes(rule.kind))
  );
}

function plainKeys({ key }: Comparison): string[] {
  return key.filter(({ steps }) => !steps.length).map(({ name }) => name);
}

function questionOf({ name, rule }: ComparedColumn, side: Side): Sql | undefined {
  const type = typeOf(sql`${id(side)}.${id(name)}`);
  switch (rule.kind) {
    case "money":
    case "number":
      return sql`${type} in (${types(EXACT_NUMBERS)}) as ${idOfSide(name, side)}`;
    case "date":
      return sql`
        case ${type}
          when 'date'::regtype then true
          when 'timestamp with time zone'::regtype then ${refused(`${side}: column ${name} has no day of its own, cast it where its time zone is known: `, type)}::boolean
          else false
        end as ${idOfSide(name, side)}`;
    case "timestamp":
      return sql`${type} in (${types(ZONELESS)}) as ${idOfSide(name, side)}`;
    default:
      return undefined;
  }
}

/** Numbers and times become another value on the way to some types that PostgreSQL holds for common. */
function sharesType(name: string, side: Side): Sql {
  const [own, other] = [sql`${id(side)}.${id(name)}`, sql`${id(otherSide(side))}.${id(name)}`];
  const common = typeOf(sql`case when true then ${own} else ${other} end`);
  return sql`
    case
      when ${common} in (${types(["double precision", "timestamp with time zone"])}) and ${typeOf(own)} <> ${common}
        then ${refused(`column ${name}: both sides have to be of one type, ${side} is `, typeOf(own))}::boolean
      else true
    end`;
}

function sharesZone(name: string): Sql {
  const of = (side: Side) => typeOf(sql`${id(side)}.${id(name)}`);
  return sql`
    case
      when (${of("ours")} in (${types(ZONELESS)})) <> (${of("theirs")} in (${types(ZONELESS)}))
        then ${refused(`column ${name}: one side has no time zone, cast it where it is known; ours and theirs are `, sql`concat_ws(', ', ${of("ours")}, ${of("theirs")})`)}::boolean
      else true
    end`;
}

/** Of a domain it is the type that it is made of. */
function typeOf(value: Sql): Sql {
  return sql`pg_typeof(coalesce(${value}, null))`;
}

function types(names: readonly string[]): Sql[] {
  return names.map((name) => sql`${literal(name)}::regtype`);
}
