/** Names of types beside those that `format_type` gives, by their own. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  int: "integer",
  int4: "integer",
  int8: "bigint",
  int2: "smallint",
  float4: "real",
  float8: "double precision",
  float: "double precision",
  bool: "boolean",
  dec: "numeric",
  decimal: "numeric",
  varchar: "character varying",
  "char varying": "character varying",
  bpchar: "character",
  char: "character",
  nchar: "character",
  varbit: "bit varying",
};

/** Whose length is one where none is said. */
const OF_ONE = new Set(["character", "bit"]);
const TIMES = /^(timestamp|time)(tz)?$/;
const QUOTED = /"(?:[^"]|"")+"/.source;
const NAME = `(?:${QUOTED}|[a-z_][\\w$]*)`;
const SPELLING = new RegExp(
  `^((?:${NAME}\\.)?${NAME}(?: varying| precision)?)(?: ?\\( ?(-?\\d+)(?: ?, ?(-?\\d+))? ?\\))?( with(?:out)? time zone)?((?: ?\\[\\d*\\])*)$`,
  "i",
);

/** A type as `format_type` spells it, by whichever of its names it is given; undefined for what is no name of a type. */
export function typeNamed(text: string): string | undefined {
  const [, written, first, second, zone, arrays] = SPELLING.exec(text.trim().replaceAll(/\s+/g, " ")) ?? [];
  if (written === undefined) return undefined;
  const plain = written.includes('"') ? written : written.toLowerCase().replace(/^pg_catalog\./, "");
  const array = arrays ? "[]" : "";
  const [, time, tz] = TIMES.exec(plain) ?? [];
  if (time !== undefined) {
    const has = tz !== undefined || / with /.test(zone ?? "");
    return `${time}${first === undefined ? "" : `(${first})`} ${has ? "with" : "without"} time zone${array}`;
  }
  if (zone !== undefined) return undefined;
  if (plain === "float" && first !== undefined) return `${Number(first) < 25 ? "real" : "double precision"}${array}`;
  const name = Object.hasOwn(OTHER_NAMES, plain) ? OTHER_NAMES[plain]! : plain;
  return `${name}${modifiersOf(name, first, second)}${array}`;
}

function modifiersOf(name: string, first: string | undefined, second: string | undefined): string {
  if (first === undefined) return OF_ONE.has(name) ? "(1)" : "";
  if (name === "numeric") return `(${first},${second ?? "0"})`;
  return `(${first}${second === undefined ? "" : `,${second}`})`;
}

/** Whether a type that `format_type` spells is one that is named: with its schema, or without. */
export function isNamed(found: string, named: string): boolean {
  return found === named || (!named.includes(".") && found.endsWith(`.${named}`));
}

/** What a contract says of a column. */
export interface Promised {
  /** As `format_type` spells it; undefined where it is no name of a type. */
  readonly type: string | undefined;
  readonly neverNull: boolean;
}

const NOT_NULL = /\s+not\s+null\s*$/i;

/** `numeric(18, 2) not null`. */
export function promised(text: string): Promised {
  return { type: typeNamed(text.replace(NOT_NULL, "")), neverNull: NOT_NULL.test(text) };
}
