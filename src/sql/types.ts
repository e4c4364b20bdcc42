import { literal } from "./literals.ts";
import { fixed, Sql, sql } from "./sql.ts";

/** A type as the server spells it (`format_type`), or a collation as `regcollation` does: quoted where it must be. */
export function serverName(spelling: string): Sql {
  return new Sql(fixed(inCatalog(spelling)));
}

/** Types that the grammar knows by these words, wherever names are looked up. */
const WORDS: ReadonlySet<string> = new Set(
  "bit boolean char character dec decimal float int integer interval national nchar numeric real smallint bigint time timestamp varchar".split(
    " ",
  ),
);

/** The same type by its schema, where it is PostgreSQL's own and named without one: others may have one of that name. */
export function inCatalog(type: string): string {
  const [, name] = /^("(?:[^"]|"")+"|[a-z_][\w$]*)(?:\([\d, ]*\))?(?:\[\d*\])*$/i.exec(type) ?? [];
  return name === undefined || WORDS.has(name.toLowerCase()) ? type : `pg_catalog.${type}`;
}

/** The parts of `numeric(10,2)[]`. */
interface Spelling {
  readonly name: string;
  readonly modifiers: readonly number[];
  readonly isArray: boolean;
}

const SPELLING = /^(.*?)(?:\((-?\d+(?:,-?\d+)*)\))?( with(?:out)? time zone)?(\[\])?$/s;

function parseSpelling(type: string): Spelling {
  const [, name = "", modifiers, zone = "", array] = SPELLING.exec(type) ?? [];
  return { name: `${name}${zone}`, modifiers: modifiers?.split(",").map(Number) ?? [], isArray: array !== undefined };
}

/**
 * Whether every value of a type is a value of another, and the same one: `varchar(3)` of `varchar(10)`, `integer` of
 * `numeric`. Types are spelled as `format_type` does; whatever is not known is a value of its own type only.
 */
export function embeds(from: string, to: string): boolean {
  if (from === to) return true;
  const [a, b] = [parseSpelling(from), parseSpelling(to)];
  return a.isArray === b.isArray && (embeddings.get(a.name)?.(a, b) ?? false);
}

/** The one of two types that has all values of both, the first where either has; undefined where neither does. */
export function wider(one: string, other: string): string | undefined {
  if (embeds(other, one)) return one;
  return embeds(one, other) ? other : undefined;
}

type Embedding = (from: Spelling, to: Spelling) => boolean;

/** Without a length a type takes any. */
const fitsLength: Embedding = ({ modifiers: [from] }, { modifiers: [to] }) =>
  to === undefined || (from !== undefined && from <= to);

/** Of the same name, and not shorter. */
const longer: Embedding = (from, to) => from.name === to.name && fitsLength(from, to);

/** Digits behind the seconds; six where nothing is said. */
const finer: Embedding = ({ name, modifiers: [from = 6] }, { name: other, modifiers: [to = 6] }) =>
  name === other && from <= to;

const decimal: Embedding = ({ modifiers: [precision, scale = 0] }, { name, modifiers: [other, otherScale = 0] }) =>
  name === "numeric" &&
  (other === undefined || (precision !== undefined && scale <= otherScale && precision - scale <= other - otherScale));

/** Whole numbers by the digits of their greatest. */
const INTEGERS = new Map([
  ["smallint", 5],
  ["integer", 10],
  ["bigint", 19],
]);

const whole: Embedding = (from, to) => {
  const digits = INTEGERS.get(from.name)!;
  return digits <= (INTEGERS.get(to.name) ?? 0) || decimal({ ...from, modifiers: [digits, 0] }, to);
};

/**
 * By the name of the narrower type. `char(n)` pads, so it is in no other type; nor is `real`, whose 0.1 is 0.10000000149 as
 * double precision.
 */
const embeddings: ReadonlyMap<string, Embedding> = new Map<string, Embedding>([
  ...[...INTEGERS.keys()].map((name): [string, Embedding] => [name, whole]),
  ["numeric", decimal],
  ["character varying", (from, to) => longer(from, to) || to.name === "text"],
  ["text", (_, { name, modifiers }) => name === "character varying" && modifiers.length === 0],
  ["character", (from, to) => longer(from, to) && to.modifiers.length > 0],
  ["bit varying", longer],
  ...["time", "timestamp"].flatMap((name) =>
    ["with", "without"].map((zone): [string, Embedding] => [`${name} ${zone} time zone`, finer]),
  ),
  ["interval", finer],
]);

/** Types with an equality by which equal values can take each other's place. */
const WITH_EQUALITY = new Set([
  ...embeddings.keys(),
  ..."boolean uuid date bytea bit oid money name inet cidr macaddr macaddr8 pg_lsn".split(" "),
  ..."int4range int8range numrange daterange tsrange tstzrange".split(" "),
  "real",
  "double precision",
]);

/** Whether the type has operators for itself, not those of another that it turns into, as `varchar` and arrays have. */
export function hasOwnOperators(type: string): boolean {
  const { name, isArray } = parseSpelling(type);
  return WITH_EQUALITY.has(name) && !isArray && !/^(?:character varying|cidr)$|range$/.test(name);
}

/** Types without equality, or with one of something else (two boxes of one area): they are compared as they are written. */
export const TYPES_WITHOUT_EQUALITY: readonly string[] =
  "json xml point line lseg box path polygon circle jsonpath refcursor txid_snapshot pg_snapshot".split(" ");

/** Whether values of a type are compared by its own `=`: `1e2` is `100.00`. Others have none, or nobody knows. */
export function hasEquality(type: string): boolean {
  return WITH_EQUALITY.has(parseSpelling(type).name);
}

/** Between these a cast is alike in every session. */
const CAST_ALIKE = {
  numbers: new Set([...INTEGERS.keys(), "numeric", "real", "double precision"]),
  moments: new Set(["date", "timestamp without time zone", "time without time zone"]),
  durations: new Set(["interval", "time without time zone"]),
  /** Written and read as text alike, too. */
  texts: new Set([
    ...INTEGERS.keys(),
    ..."numeric text character name boolean uuid json jsonb bit oid inet cidr macaddr macaddr8 pg_lsn".split(" "),
    ..."int4range int8range numrange int4multirange int8multirange nummultirange".split(" "),
    "character varying",
    "bit varying",
    "time without time zone",
  ]),
};

/** Types of which a text, or a cast, follows the time zone, DateStyle, extra_float_digits, lc_monetary and the like. */
const BY_SESSION =
  /^(?:date|interval|real|double precision|bytea|money|xml|reg[a-z]+|time(?:stamp)? with(?:out)? time zone|(?:date|tstz|ts)(?:multi)?range)$/;

/**
 * Whether a value cast from one type to the other, and back, is the same in every session: a moment is another time of day
 * in each time zone, a date another text by each DateStyle. "unknown" where only the server knows what one of them is: then
 * `followsSession` asks it.
 */
export function castsAlike(one: string, other: string): boolean | "unknown" {
  const [a, b] = [nameOf(one), nameOf(other)];
  if (a === b || Object.values(CAST_ALIKE).some((types) => types.has(a) && types.has(b))) return true;
  const others = [a, b].filter((name) => !CAST_ALIKE.texts.has(name));
  return others.some((name) => BY_SESSION.test(name)) ? false : "unknown";
}

/**
 * A query that gives rows where casts between the two may not be alike: for all but enums, strings, and domains over them,
 * over booleans, addresses and bits; over numbers where the other one is a number.
 */
export function followsSession(one: string, other: string): Sql {
  const names = [nameOf(one), nameOf(other)];
  const categories = names.some((name) => CAST_ALIKE.numbers.has(name)) ? "SEBIVN" : "SEBIV";
  const types = names
    .filter((name) => !CAST_ALIKE.texts.has(name))
    .map((name) => sql`${literal(name)}::pg_catalog.regtype::pg_catalog.oid`);
  return sql`
    select 1
    from pg_catalog.pg_type
    where oid in (${types}) and pg_catalog.strpos(${literal(categories)}, typcategory::text) = 0`;
}

/** Without modifiers, and of an array that of its elements: `interval day to second(3)[]` is an interval. */
function nameOf(type: string): string {
  return parseSpelling(type).name.replace(/^interval .*/, "interval");
}
