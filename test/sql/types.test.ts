import { expect, test } from "vitest";
import { embeds, hasEquality, TYPES_WITHOUT_EQUALITY, wider } from "../../src/sql/types.ts";

test.each([
  ["smallint", "integer"],
  ["integer", "bigint"],
  ["bigint", "numeric"],
  ["integer", "numeric(12,2)"],
  ["smallint", "numeric(5,0)"],
  ["numeric(10,2)", "numeric(12,4)"],
  ["numeric(3,-2)", "numeric(5,0)"],
  ["numeric(10,2)", "numeric"],
  ["character varying(3)", "character varying(10)"],
  ["character varying(3)", "character varying"],
  ["character varying(3)", "text"],
  ["character varying", "text"],
  ["text", "character varying"],
  ["character(3)", "character(10)"],
  ["bit varying(3)", "bit varying"],
  ["timestamp(3) without time zone", "timestamp without time zone"],
  ["timestamp(3) with time zone", "timestamp(6) with time zone"],
  ["time(0) without time zone", "time(3) without time zone"],
  ["interval(0)", "interval"],
  ["integer[]", "bigint[]"],
  ["character varying(3)[]", "text[]"],
  ["mood", "mood"],
  ['"my schema"."mood(2)"', '"my schema"."mood(2)"'],
])("every value of %s is a value of %s", (narrow, wide) => {
  expect(embeds(narrow, wide)).toBe(true);
  expect([wider(wide, narrow), wider(narrow, narrow)]).toEqual([wide, narrow]);
});

test.each([
  ["bigint", "integer"],
  ["integer", "numeric(10,2)"],
  ["integer", "numeric(5,0)"],
  ["numeric(5,0)", "integer"],
  ["integer", "double precision"],
  ["numeric", "numeric(10,2)"],
  ["numeric(10,2)", "numeric(10,4)"],
  ["numeric(10,4)", "numeric(12,2)"],
  ["numeric", "double precision"],
  ["double precision", "real"],
  ["real", "double precision"],
  ["real[]", "double precision[]"],
  ["character varying(10)", "character varying(3)"],
  ["character varying", "character varying(10)"],
  ["text", "character varying(10)"],
  ["character(3)", "text"],
  ["character(3)", "character varying(10)"],
  ["character varying(3)", "character(10)"],
  ["character(3)", '"char"'],
  ["bit(3)", "bit(4)"],
  ["bit(3)", "bit varying"],
  ["timestamp without time zone", "timestamp(3) without time zone"],
  ["timestamp without time zone", "timestamp with time zone"],
  ["date", "timestamp without time zone"],
  ["interval day to second(3)", "interval(3)"],
  ["integer", "bigint[]"],
  ["integer[]", "bigint"],
  ["mood", "text"],
  ["text", "mood"],
  ["boolean", "integer"],
  ["text", "boolean"],
  ["jsonb", "json"],
  ["amount", "numeric"],
  ["geometry(Point,4326)", "geometry"],
  ["constructor", "toString"],
  ["__proto__", "text"],
])("%s has values that are none of %s", (from, to) => {
  expect(embeds(from, to)).toBe(false);
});

test("of two types that share only some values none is the wider", () => {
  expect(wider("numeric(10,4)", "numeric(12,2)")).toBeUndefined();
  expect(wider("boolean", "text")).toBeUndefined();
});

test("types without an equality, and those that nobody knows, have none", () => {
  for (const type of [
    "numeric(10,2)",
    "text[]",
    "timestamp(3) with time zone",
    "tstzrange",
    "real",
    "double precision",
    "uuid",
  ])
    expect(hasEquality(type)).toBe(true);
  for (const type of [...TYPES_WITHOUT_EQUALITY, "json[]", "mood", "constructor"])
    expect(hasEquality(type), type).toBe(false);
});
