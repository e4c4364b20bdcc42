import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { orderOf } from "../../src/land/order.ts";

describe("cursor values are ordered", () => {
  it("as moments, whatever the offset and the digits of the second", () => {
    const order = orderOf("timestamp with time zone");
    expect(order("2026-01-01T00:00:00Z", "2026-01-01T00:00:00.5Z")).toBeLessThan(0);
    expect(order("2026-01-01T02:00:00+02:00", "2026-01-01T00:00:00.000Z")).toBe(0);
    expect(order("2026-01-01T00:00:00.123456789Z", "2026-01-01T00:00:00.123456788Z")).toBeGreaterThan(0);
    expect(order("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z")).toBe(0);
    expect(order("yesterday", "2026-01-01T00:00:00Z")).toBeNaN();
  });

  it("as whole numbers of any length", () => {
    const order = orderOf("bigint");
    fc.assert(
      fc.property(fc.bigInt(), fc.bigInt(), (a, b) => {
        expect(Math.sign(order(String(a), String(b)))).toBe(a < b ? -1 : a > b ? 1 : 0);
      }),
    );
  });

  it("as text by code unit otherwise", () => {
    expect(orderOf("text")("Z", "a")).toBeLessThan(0);
  });
});
