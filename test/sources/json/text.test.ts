import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { atPath } from "../../../src/sources/json/document.ts";
import { JsonText } from "../../../src/sources/json/text.ts";

describe("the text of a value inside a JSON text", () => {
  const text = new JsonText('\n{ "a" : 12.50 , "\\u0062":[1e2 , {"c": "}]\\"," }, []] ,"a": -0,"d":{ },"":null}\t');

  test("is what the source wrote, every digit and space of it", () => {
    expect(text.at("b.0")!.text).toBe("1e2");
    expect(text.at("b.1")!.text).toBe('{"c": "}]\\"," }');
    expect(text.at("b.1.c")!.text).toBe('"}]\\","');
    expect(text.at("d")!.text).toBe("{ }");
  });

  test("of a name given twice is the last", () => {
    expect(text.fields().get("a")!.text).toBe("-0");
    expect([...text.fields().keys()]).toEqual(["a", "b", "d", ""]);
  });

  test("leads nowhere where the path does", () => {
    expect(text.at("b.9")).toBeUndefined();
    expect(text.at("a.b")).toBeUndefined();
    expect(text.at("constructor")).toBeUndefined();
  });

  test("parses to what the whole text parses to at the same place, in any layout", () => {
    const space = fc.constantFrom("", " ", "\n\t", "\r\n  ");
    fc.assert(
      fc.property(fc.json({ maxDepth: 4 }), space, (json, indent) => {
        const source = `${indent}${JSON.stringify(JSON.parse(json), null, indent)}${indent}`;
        expectSame(new JsonText(source), JSON.parse(source));
      }),
    );
  });

  function expectSame(found: JsonText, value: unknown): void {
    expect(JSON.parse(found.text)).toEqual(value);
    const fields = value !== null && typeof value === "object" && !Array.isArray(value) ? value : {};
    expect([...found.fields().keys()].sort()).toEqual(Object.keys(fields).sort());
    for (const [name, field] of found.fields()) expectSame(field, atPath({ x: fields[name as never] }, "x"));
    const items = Array.isArray(value) ? value : [];
    expect(found.items()).toHaveLength(items.length);
    for (const [index, item] of found.items().entries()) expectSame(item, items[index]);
  }
});
