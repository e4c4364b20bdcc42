import { type Cte, cte } from "../../sql/ctes.ts";
import { id, suffixed } from "../../sql/identifiers.ts";
import { literal } from "../../sql/literals.ts";
import { and, join, type Sql, sql } from "../../sql/sql.ts";
import { own } from "../shared/check-options.ts";
import { refused } from "../shared/values.ts";
import { type ComparedColumn, type Comparison, idOfSide, SIDES, type Side } from "./options.ts";
import { source } from "./sources.ts";

// What kinds of values the columns have is known to the server only. It is asked once in a query, without reading a row,
// so that no value pays for it.

const EXACT_NUMBERS = ["smallint", "integer", "bigint", "numeric", "money"];
/** To which others are brought with a loss. */
const BENDING = ["double precision", "timestamp with time zone"];
const ZONELESS = ["timestamp without time zone", "date"];

const NUMBERS = ["numeric", "jsonb"];
/** Of 64 bits, of which the server's hash folds the halves together: 0 and 4294967297 have one. */
const FOLDED = [
  ...["bigint", "money", "timestamp without time zone", "timestamp with time zone"],
  ...["time without time zone", "time with time zone", "xid8", "pg_lsn"],
];
/** Whose equal values are written alike, but for the zeros of numbers. */
const WRITTEN_ALIKE = [
  ...NUMBERS,
  ...FOLDED,
  ...["smallint", "integer", "oid", "boolean", '"char"', "name", "text", "character varying", "date", "uuid", "bytea"],
  ...["inet", "cidr", "macaddr", "macaddr8"],
];

const TYPES = "column_types";
const PARTS = "type_parts";
const ANSWERS = "answers";

/** What is asked of a column: whether it has the type that its values are brought to, or has no time zone. */
export function isNative(name: string, side: Side): Sql {
  return sql`(select ${idOfSide(name, side)} from ${id(ANSWERS)})`;
}

/** Whether every column can be compared with its other side. Where it cannot, the query ends with the reason. */
export const areComparable = sql`(select ${own("are_comparable")} from ${id(ANSWERS)})`;

/**
 * What a checksum has to know of a value of kind exact besides the server's hash, which takes no notice of a number's sign and
 * folds 64 bits to 32; NULL where that is all. Equal values have equal ones.
 */
export function writtenForm(name: string, value: Sql, text: (value: Sql) => Sql): Sql {
  return sql`
    case (select ${writtenAs(name)} from ${id(ANSWERS)})
      when 'numbers' then translate(${text(value)}, '0.', '')
      when 'text' then ${text(value)}
    end`;
}

/** Whether that is asked: of what comes as it is, and not as a type of ours. */
export function isCompared(comparison: Comparison): boolean {
  return writtenColumns(comparison).length > 0 || comparison.columns.some(({ rule }) => rule.kind === "timestamp");
}

/** Columns of the type that both sides have in common. */
function sharedColumns({ key, columns }: Comparison): string[] {
  const keys = key.filter(({ steps }) => !steps.length).map(({ name }) => name);
  return [...keys, ...columns.filter(({ rule }) => rule.kind === "exact").map(({ name }) => name)];
}

/** Columns that are shown in the form of their type, each with its side. */
function writtenColumns(comparison: Comparison): (readonly [name: string, side: Side])[] {
  const shared = sharedColumns(comparison);
  return SIDES.flatMap((side) => [...shared, ...comparison.also[side]].map((name) => [name, side] as const));
}

/** Common table expressions with the answers for all columns, both sides beside each other; none where nothing is asked. */
export function typesOf(comparison: Comparison): Cte[] {
  const shared = sharedColumns(comparison);
  const moments = comparison.columns.filter(({ rule }) => rule.kind === "timestamp").map(({ name }) => name);
  const written = writtenColumns(comparison);
  const conditions = [
    ...written.map(([name, side]) => holdsNoMoment(name, side)),
    ...shared.flatMap((name) => SIDES.map((side) => sharesType(name, side))),
    ...moments.map(sharesZone),
  ];
  const comparable = conditions.length ? [sql`${and(conditions)} as ${own("are_comparable")}`] : [];
  const exact = comparison.columns.filter(({ rule }) => rule.kind === "exact").map(({ name }) => hashedAs(name));
  return answersOf(comparison.columns, SIDES, [...comparable, ...exact], shared, written);
}

/** The answers for some columns of some sides. */
export function typesOfColumns(columns: readonly ComparedColumn[], sides: readonly Side[]): Cte[] {
  return answersOf(columns, sides, [], [], []);
}

function answersOf(
  columns: readonly ComparedColumn[],
  sides: readonly Side[],
  comparable: readonly Sql[],
  shared: readonly string[],
  written: readonly (readonly [name: string, side: Side])[],
): Cte[] {
  const asked = columns.filter(({ rule }) => ["money", "number", "date", "timestamp"].includes(rule.kind));
  const answers = [...asked.flatMap((column) => sides.map((side) => answerOf(column, side))), ...comparable];
  if (!answers.length) return [];
  const types = [...asked.flatMap(({ name }) => sides.map((side) => [name, side] as const)), ...written].map(
    ([name, side]) => sql`${typeOf(id(side, name))} as ${idOfSide(name, side)}`,
  );
  const common = shared.map(
    (name) =>
      sql`${typeOf(sql`case when true then ${id("ours", name)} else ${id("theirs", name)} end`)} as ${commonType(name)}`,
  );
  const query = sql`
    select
      ${[...types, ...common]}
    from (select) as one
    ${join(
      sides.map((side) => sql`left join (select * from ${source(side)} limit 0) as ${id(side)} on true`),
      "\n",
    )}`;
  return [
    cte(TYPES, query, { comment: "what types the columns have, asked of no row" }),
    ...(written.length
      ? [
          cte(PARTS, typeParts([...written.map(([name, side]) => idOfSide(name, side)), ...shared.map(commonType)]), {
            materialized: true,
          }),
        ]
      : []),
    cte(
      ANSWERS,
      sql`
      select
        ${answers}
      from ${id(TYPES)}`,
      { materialized: true },
    ),
  ];
}

function commonType(name: string): Sql {
  return id(suffixed(name, "_common"));
}

function writtenAs(name: string): Sql {
  return id(suffixed(name, "_written_as"));
}

/** How values of the type that both sides have are told apart where the server's hash does not: see `writtenForm`. */
function hashedAs(name: string): Sql {
  return sql`
    (
      select
        case
          when not bool_and(type in (${regtypes(WRITTEN_ALIKE)}) and is_deterministic or is_made or is_enum) then null
          when bool_or(type in (${regtypes(NUMBERS)})) then 'numbers'
          when bool_or(type in (${regtypes(FOLDED)})) then 'text'
        end
      from ${id(PARTS)}
      where whole = ${commonType(name)}
    ) as ${writtenAs(name)}`;
}

function answerOf({ name, rule }: ComparedColumn, side: Side): Sql {
  const type = idOfSide(name, side);
  switch (rule.kind) {
    case "date":
      return sql`
        case ${type}
          when 'date'::regtype then true
          when 'timestamp with time zone'::regtype then ${refused(`${side}: column ${name} has no day of its own, cast it where its time zone is known: `, type)}::boolean
          else false
        end as ${type}`;
    case "timestamp":
      return sql`${isZoneless(type)} as ${type}`;
    default:
      return sql`${type} in (${regtypes(EXACT_NUMBERS)}) as ${type}`;
  }
}

/** Numbers and times become another value on the way to some types that PostgreSQL holds for common. */
function sharesType(name: string, side: Side): Sql {
  const [type, common] = [idOfSide(name, side), commonType(name)];
  return sql`
    case
      when ${common} <> ${type} and ${common} in (${regtypes(BENDING)})
        then ${refused(`column ${name}: both sides have to be of one type, ${side} is `, type)}::boolean
      else true
    end`;
}

/** A moment inside a range, a list or a record is written in the session's time zone, and an id of it would be another one. */
function holdsNoMoment(name: string, side: Side): Sql {
  const type = idOfSide(name, side);
  const advice = `${side}: column ${name} has moments inside, which are written in the session's time zone: give each in a column of its own; it is `;
  return sql`
    case
      when ${type} <> 'timestamptz'::regtype
        and exists (select from ${id(PARTS)} where whole = ${type} and type = 'timestamptz'::regtype) then ${refused(advice, type)}::boolean
      else true
    end`;
}

/**
 * The types asked for with all that they are made of: domains, arrays, ranges and records, at any depth. `is_made`: of
 * others, which are there too; `is_deterministic`: texts that are equal are the same.
 */
function typeParts(types: readonly Sql[]): Sql {
  return sql`
    with recursive parts (whole, type, collated) as (
      select one.type, one.type::oid, 0::oid
      from ${id(TYPES)}
      cross join unnest(array[${types}]) as one (type)
      union
      select parts.whole, part.type, part.collated
      from parts
      cross join lateral (
        select unnest(array[made.typbasetype, made.typelem]), made.typcollation
        from pg_type as made
        where made.oid = parts.type
        union all
        select ranges.rngsubtype, ranges.rngcollation
        from pg_range as ranges
        where parts.type in (ranges.rngtypid, ranges.rngmultitypid)
        union all
        select field.atttypid, field.attcollation
        from pg_type as made
        inner join pg_attribute as field on field.attrelid = made.typrelid
        where made.oid = parts.type and field.attnum > 0 and not field.attisdropped
      ) as part (type, collated)
      where part.type <> 0
    )
    select
      parts.whole,
      parts.type,
      made.typtype in ('c', 'd', 'r', 'm') or made.typcategory = 'A' as is_made,
      made.typtype = 'e' as is_enum,
      coalesce(collations.collisdeterministic, true) as is_deterministic
    from parts
    inner join pg_type as made on made.oid = parts.type
    left join pg_collation as collations on collations.oid = parts.collated`;
}

function sharesZone(name: string): Sql {
  const [ours, theirs] = [idOfSide(name, "ours"), idOfSide(name, "theirs")];
  return sql`
    case
      when ${isZoneless(ours)} <> ${isZoneless(theirs)}
        then ${refused(`column ${name}: one side has no time zone, cast it where it is known; ours and theirs are `, sql`concat_ws(', ', ${ours}, ${theirs})`)}::boolean
      else true
    end`;
}

function isZoneless(type: Sql): Sql {
  return sql`(${type} in (${regtypes(ZONELESS)}))`;
}

/** Of a domain it is the type that it is made of. */
function typeOf(value: Sql): Sql {
  return sql`pg_typeof(coalesce(${value}, null))`;
}

function regtypes(names: readonly string[]): Sql {
  return join(
    names.map((name) => sql`${literal(name)}::regtype`),
    ", ",
  );
}
