import fc from "fast-check";
import { expect, test } from "vitest";
import { nameOf } from "../../src/lineage/tree/nodes.ts";
import { NoTree, readTree, type Tree } from "../../src/lineage/tree/read-tree.ts";

/** As `outToken` of the server writes a name. */
function token(name: string): string {
  if (name === "") return '""';
  const first = /^[<"\d]/.test(name) || /^[+-][\d.]/.test(name) ? "\\" : "";
  return first + name.replaceAll(/[ \n\t(){}\\]/g, "\\$&");
}

/** What is written: names, nodes of them, lists. */
type Written =
  | { readonly name: string }
  | { readonly key: string; readonly fields: readonly Written[] }
  | readonly Written[]
  | null;

function write(value: Written): string {
  if (value === null) return "<>";
  if (Array.isArray(value)) return `(${value.map(write).join(" ")})`;
  if ("name" in value) return token(value.name);
  const { key, fields } = value as Extract<Written, { key: string }>;
  return `{${key}${fields.map((field, at) => ` :f${at} ${write(field)}`).join("")}}`;
}

/** The same, as it is to be read. */
function expected(value: Written): unknown {
  if (value === null) return null;
  if (Array.isArray(value)) return value.map(expected);
  if ("name" in value) return { name: value.name };
  const { key, fields } = value as Extract<Written, { key: string }>;
  return { T: key, fields: fields.map(expected) };
}

function read(tree: Tree): unknown {
  if (tree === null) return null;
  if (typeof tree === "string") return { name: tree === '""' ? "" : nameOf(tree) };
  if (Array.isArray(tree)) return tree.map(read);
  const { T, ...fields } = tree as { readonly T: string } & Record<string, Tree>;
  return { T, fields: Object.values(fields).map(read) };
}

const odd = fc.constantFrom(":varno", "}", "{", "<>", "[", "(b", "1a", "\\", '"q"', "a\nb", "-1", "", " ", "\\\\", '"');
const name = fc.oneof(odd, fc.string({ unit: "grapheme" })).map((text) => ({ name: text.replaceAll("\0", "") }));
// A list of one name like `i` alone would be one of integers: names in lists stand in quotes, which is looked at below.
const { written } = fc.letrec<{ written: Written }>((tie) => ({
  written: fc.oneof(
    { depthSize: "small" },
    name,
    fc.constant(null),
    fc.record({ key: fc.constantFrom("VAR", "QUERY"), fields: fc.array(tie("written"), { maxLength: 4 }) }),
    fc.array(fc.record({ key: fc.constant("TARGETENTRY"), fields: fc.array(tie("written"), { maxLength: 3 }) }), {
      maxLength: 3,
    }),
  ),
}));

test("whatever names a tree holds, it is read as it was written", () => {
  fc.assert(
    fc.property(written, (value) => {
      expect(read(readTree(write(value)))).toEqual(expected(value));
    }),
    { numRuns: 500 },
  );
});

test("a text that is no tree is told as that, wherever it is cut or changed", () => {
  const tree = write({ key: "QUERY", fields: [{ name: "(b" }, [{ key: "VAR", fields: [{ name: "1" }, null] }]] });
  fc.assert(
    fc.property(
      fc.nat(tree.length),
      fc.constantFrom("", "(", ")", "{", "}", "[", " ", ":", "\\", "<>"),
      fc.nat(4),
      (at, put, cut) => {
        try {
          readTree(tree.slice(0, at) + put + tree.slice(at + cut));
        } catch (error) {
          expect(error).toBeInstanceOf(NoTree);
        }
      },
    ),
    { numRuns: 1000 },
  );
});

test.each<readonly [string, unknown]>([
  ["(i 1 2)", ["1", "2"]],
  ["(o 16384)", ["16384"]],
  ['("a" "i" "\\"q\\"" "")', ["a", "i", '"q"', ""]],
  ["{CONST :constvalue 4 [ 1 0 0 0 ] :location 7}", { T: "CONST", constvalue: "4", location: "7" }],
  ["{CONST :constvalue <> :x [}", { T: "CONST", constvalue: null, x: "[" }],
])("%s is read as the server means it", (text, said) => {
  const tree = readTree(text);
  expect(Array.isArray(tree) ? tree.map((one) => nameOf(one as Tree)) : tree).toEqual(said);
});
