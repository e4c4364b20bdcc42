import { expect, test } from "vitest";
import { optionsOf } from "../../../src/infer/csv-file.ts";
import { CsvScanner } from "../../../src/sources/formats/csv/scan.ts";

const plain = optionsOf({ delimiter: ",", quote: '"', escape: '"', skipLines: 0 });

/** Line, place and text of each record, the bytes given by `size` at once. */
function scanned(content: string, size: number, options = plain, maxBytes?: number) {
  const records: unknown[] = [];
  const scanner = new CsvScanner(
    options,
    ({ bytes, start, end, line, offset, problem }) =>
      records.push([line, offset, problem ?? bytes.toString("utf8", start, end)]),
    maxBytes,
  );
  for (let at = 0; at < content.length; at += size) scanner.push(Buffer.from(content.slice(at, at + size)));
  return { records, missing: scanner.end().linesMissing };
}

test.each([
  ["LF", "\n"],
  ["CR", "\r"],
  ["CR LF", "\r\n"],
])("lines end with %s before the header, in quotes, and behind a record that is too long", (_, end) => {
  const long = "x".repeat(60);
  const lines = ['a "report', "", "id,note", `1,"a${end}b"`, `2,${long}`, "# no record", `3,"${long}\\"`, "4,c", ""];
  const content = lines.join(end);
  const at = (text: string) => content.indexOf(text);
  const options = { ...plain, escape: "\\", comment: "#", skipLines: 2 };
  for (const size of [1, 2, 7, 1000])
    expect(scanned(content.replace('\\"', '\\""'), size, options, 50)).toEqual({
      missing: 0,
      records: [
        [3, at("id,"), "id,note"],
        [4, at('1,"'), `1,"a${end}b"`],
        [6, at("2,x"), "longer than 50 bytes"],
        [8, at("3,"), "longer than 50 bytes"],
        [9, at("4,c") + 1, "4,c"],
      ],
    });
});

test("lines before the header that do not come are missing", () => {
  expect(scanned("a report", 3, { ...plain, skipLines: 2 })).toEqual({ records: [], missing: 1 });
  expect(scanned("", 1, { ...plain, skipLines: 2 }).missing).toBe(2);
});
