import fc from "fast-check";
import { expect, test } from "vitest";
import { UserError } from "../../src/model/errors.ts";
import { readXml } from "../../src/sources/formats/xml.ts";
import { readAll, readTexts } from "../sources/formats/reading.ts";
import { fuzzing } from "../support/fuzzing.ts";

const whole = fuzzing("xml");
const damaged = fuzzing("damagedXml");
const read = readXml(
  {
    record: "r",
    fields: { id: "@id", name: "name", deep: "a/b/@k", items: "items/i[]", of: "../of", top: "../../@top" },
  },
  10_000,
);

/** Characters that XML can hold; white space at the ends is not kept, a CR only as a reference. */
const value = fc
  .string({
    unit: fc.oneof(
      fc.constantFrom(..."<>&'\"]] \n\tü😀"),
      fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 1 }),
    ),
  })
  .map((text) => text.trim());

const model = fc.record({
  top: fc.option(value, { nil: undefined }),
  groups: fc.array(
    fc.record({
      of: fc.option(value, { nil: undefined }),
      records: fc.array(
        fc.record(
          { id: value, name: value, deep: value, items: fc.array(value, { minLength: 1, maxLength: 4 }) },
          { requiredKeys: [] },
        ),
        { maxLength: 4 },
      ),
    }),
    { maxLength: 4 },
  ),
});

type Model = typeof model extends fc.Arbitrary<infer T> ? T : never;

/** Writes the same content in many ways. `pick` gives a number below its argument. */
class Writer {
  readonly #pick: (below: number) => number;

  constructor(pick: (below: number) => number) {
    this.#pick = pick;
  }

  document({ top, groups }: Model): string {
    const root = this.#element("top", this.#attribute("top", top), groups.map((group) => this.#group(group)).join(""));
    return `${this.#one("", '<?xml version="1.0"?>', '<?xml version="1.0" encoding="UTF-8"?>\n')}${root}${this.#gap()}`;
  }

  #group({ of, records }: Model["groups"][number]): string {
    const before = of === undefined ? "" : this.#element("of", "", this.#text(of));
    return this.#element("group", "", before + this.#gap() + records.map((one) => this.#record(one)).join(this.#gap()));
  }

  #record({ id, name, deep, items }: Model["groups"][number]["records"][number]): string {
    const parts = [
      name === undefined ? "" : this.#element("name", "", this.#text(name)),
      deep === undefined ? "" : this.#element("a", "", this.#element("b", this.#attribute("k", deep), "")),
      items === undefined ? "" : this.#items(items),
      this.#one("", this.#element("other", ' x="1"', "<r>no record</r>")),
    ];
    return this.#element("r", this.#attribute("id", id), parts.join(this.#gap()));
  }

  #items(items: readonly string[]): string {
    const written = items.map((item) => this.#element("i", "", this.#text(item)));
    return this.#element("items", "", written.join(this.#gap()));
  }

  #element(name: string, attributes: string, content: string): string {
    const full = this.#one(name, name, `p:${name}`);
    const declared = full === name ? "" : ' xmlns:p="urn:p"';
    if (content === "" && this.#pick(2)) return `<${full}${attributes}${declared}/>`;
    return `<${full}${declared}${attributes}${this.#one("", " ")}>${content}</${full}${this.#one("", "\n")}>`;
  }

  #attribute(name: string, text: string | undefined): string {
    if (text === undefined) return "";
    const quote = this.#one('"', "'");
    const escaped = [...text].map((char) => (/[<&"'\n\t]/.test(char) ? this.#reference(char) : char));
    return ` ${name}${this.#one("=", " = ")}${quote}${escaped.join("")}${quote}`;
  }

  #text(text: string): string {
    if (text !== "" && !text.includes("]]>") && this.#pick(3) === 0) return `<![CDATA[${text}]]>`;
    const escaped = [...text].map((char) => (/[<&>]/.test(char) || this.#pick(8) === 0 ? this.#reference(char) : char));
    return this.#gap() + escaped.join(this.#pick(6) === 0 ? "<!-- & -->" : "") + this.#one("", " \n");
  }

  #reference(char: string): string {
    const code = char.codePointAt(0)!;
    const named = { "<": "&lt;", ">": "&gt;", "&": "&amp;", '"': "&quot;", "'": "&apos;" }[char];
    return this.#one(`&#${code};`, `&#x${code.toString(16)};`, named ?? `&#${code};`);
  }

  #gap(): string {
    return this.#one("", " ", "\n\t", "<!-- <r> -->", "<?pi <r>?>");
  }

  #one(...choices: readonly string[]): string {
    return choices[this.#pick(choices.length)]!;
  }
}

function expectedOf({ top, groups }: Model): unknown[] {
  return groups.flatMap(({ of, records }) =>
    records.map((record) => JSON.parse(JSON.stringify({ ...record, of, top }))),
  );
}

const written = fc.tuple(model, fc.infiniteStream(fc.nat({ max: 1000 })), fc.integer({ min: 1, max: 200 }));

function write(content: Model, choices: fc.Stream<number>): string {
  return new Writer((below) => choices.next().value % below).document(content);
}

test("XML: what was written is read, however it was written and in any chunks", {
  timeout: whole.timeout,
}, async () => {
  const property = fc.asyncProperty(written, async ([content, choices, chunk]) => {
    const texts = await readTexts(read, write(content, choices), chunk);
    expect(texts.map((text) => JSON.parse(text))).toEqual(expectedOf(content));
  });
  await fc.assert(property, whole.timeLimit);
});

const change = fc.record({
  at: fc.nat(),
  length: fc.nat({ max: 3 }),
  bytes: fc.oneof(
    fc.uint8Array({ maxLength: 3 }),
    fc
      .constantFrom(
        "<",
        ">",
        "&",
        "</r>",
        "<r>",
        "<!DOCTYPE x>",
        "<!--",
        "]]>",
        "<![CDATA[",
        "&#0;",
        "&x;",
        "\0",
        "\ufeff",
      )
      .map((text) => Buffer.from(text)),
  ),
});

test("XML: whatever is done to the bytes, there are records or a UserError, and no record is made up", {
  timeout: damaged.timeout,
}, async () => {
  const property = fc.asyncProperty(written, fc.array(change, { minLength: 1, maxLength: 4 }), async (one, changes) => {
    let bytes = Buffer.from(write(one[0], one[1]));
    for (const { at, length, bytes: put } of changes) {
      const place = at % (bytes.length + 1);
      bytes = Buffer.concat([bytes.subarray(0, place), put, bytes.subarray(place + length)]);
    }
    try {
      const { records, rejected } = await readAll(read, bytes, one[2]);
      const openings = bytes.toString("latin1").match(/<(?:[^<>:]*:)?r[\s/>]/g)?.length ?? 0;
      expect(records.length + rejected.length).toBeLessThanOrEqual(openings);
    } catch (error) {
      expect(error).toBeInstanceOf(UserError);
    }
  });
  await fc.assert(property, damaged.timeLimit);
});
