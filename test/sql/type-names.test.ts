import { expect, test } from "vitest";
import { isNamed, promised, typeNamed } from "../../src/sql/type-names.ts";

test.each([
  ["int", "integer"],
  ["INT8", "bigint"],
  ["numeric(18, 2)", "numeric(18,2)"],
  ["decimal(18)", "numeric(18,0)"],
  ["numeric", "numeric"],
  ["varchar(20)", "character varying(20)"],
  ["character  varying ( 20 )", "character varying(20)"],
  ["char", "character(1)"],
  ["bpchar(3)", "character(3)"],
  ["bit varying(8)", "bit varying(8)"],
  ["float(24)", "real"],
  ["float(25)", "double precision"],
  ["double precision", "double precision"],
  ["timestamptz", "timestamp with time zone"],
  ["timestamptz(3)", "timestamp(3) with time zone"],
  ["timestamp", "timestamp without time zone"],
  ["timestamp(0) with time zone", "timestamp(0) with time zone"],
  ["time", "time without time zone"],
  ["text[]", "text[]"],
  ["int[][]", "integer[]"],
  ["pg_catalog.int4", "integer"],
  ['shop."Kind"', 'shop."Kind"'],
  ["Shop.Kind", "shop.kind"],
])("%s is %s", (text, type) => expect(typeNamed(text)).toBe(type));

test.each(["", "1", "int; drop table x", "numeric(18, 2", "text with time zone", "a b c", "int,"])(
  "%j is no name of a type",
  (text) => expect(typeNamed(text)).toBeUndefined(),
);

test("a type of a schema is named with it or without, and never NULL is said behind it", () => {
  expect([isNamed("shop.kind", "kind"), isNamed("shop.kind", "shop.kind"), isNamed("shop.kind", "other.kind")]).toEqual(
    [true, true, false],
  );
  expect(promised("bigint NOT  NULL")).toEqual({ type: "bigint", neverNull: true });
  expect(promised("bigint")).toEqual({ type: "bigint", neverNull: false });
});
