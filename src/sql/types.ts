import { fixed, Sql } from "./sql.ts";

/** A type as the server spells it (`format_type`), or a collation as `regcollation` does: quoted where it must be. */
export function serverName(spelling: string): Sql {
  return new Sql(fixed(spelling));
}

/** `numeric(10,2)[]` taken apart. */
interface Spelling {
  readonly name: string;
  readonly modifiers: readonly number[];
  readonly isArray: boolean;
}

const SPELLING = /^(.*?)(?:\((-?\d+(?:,-?\d+)*)\))?( with(?:out)? time zone)?(\[\])?$/s;

function takenApart(type: string): Spelling {
  const [, name = "", modifiers, zone = "", array] = SPELLING.exec(type) ?? [];
  return { name: `${name}${zone}`, modifiers: modifiers?.split(",").map(Number) ?? [], isArray: array !== undefined };
}

/**
 * Whether every value of a type is a value of another, and the same one: `varchar(3)` of `varchar(10)`, `integer` of
 * `numeric`. Types are spelled as `format_type` does; whatever is not known is a value of its own type only.
 */
export function embeds(from: string, to: string): boolean {
  if (from === to) return true;
  const [a, b] = [takenApart(from), takenApart(to)];
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

/** Whether values of a type are compared by its own `=`: `1e2` is `100.00`. Others have none, or nobody knows. */
export function hasEquality(type: string): boolean {
  return WITH_EQUALITY.has(takenApart(type).name);
}
