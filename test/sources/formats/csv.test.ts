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

test("a record that is too long ends where it would if it were short: a quote within a field, or an escape outside of quotes, means nothing", () => {
  const long = "x".repeat(60);
  const lines = [`1,a"${long}`, `2,${long}"`, `3,"a""${long}","\n${long}"b"`, `4,${"y".repeat(48)}`, "5,e", ""];
  for (const end of ["\n", "\r", "\r\n"]) {
    const content = lines.join(end);
    const at = (text: string) => content.indexOf(text);
    for (const size of [1, 2, 7, 1000])
      expect(scanned(content, size, plain, 50).records).toEqual([
        [1, at("1,a"), "longer than 50 bytes"],
        [2, at("2,x"), "longer than 50 bytes"],
        [3, at("3,"), "longer than 50 bytes"],
        [5, at("4,y"), `4,${"y".repeat(48)}`],
        [6, at("5,e"), "5,e"],
      ]);
  }
  const escaped = `1,${long}\\\n2,"a\\\n${long}\\""\n3,b\n`;
  for (const size of [1, 2, 7, 1000])
    expect(scanned(escaped, size, { ...plain, escape: "\\" }, 50).records).toEqual([
      [1, 0, "longer than 50 bytes"],
      [2, escaped.indexOf("2,"), "longer than 50 bytes"],
      [4, escaped.indexOf("3,b"), "3,b"],
    ]);
});
