import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { ZipWriter } from "../../../src/export/xlsx/zip.ts";
import { UserError } from "../../../src/model/errors.ts";
import { TOO_LONG } from "../../../src/sources/formats/pages.ts";
import { SharedStrings } from "../../../src/sources/formats/xlsx/strings.ts";
import { readXlsx, type SheetHeader, type XlsxOptions } from "../../../src/sources/formats/xlsx.ts";
import { temporaryFolder } from "../../support/servers/child.ts";
import { failureOf, readAll, readTexts } from "./reading.ts";

const file = (name: string) => readFileSync(join(import.meta.dirname, "files", name));
const schema = { file: "s.json", schema: { properties: {} }, columns: [] };

function reader(options: Partial<XlsxOptions> = {}, headers: SheetHeader[] = []) {
  const given = { kind: "xlsx", header: true, skipRows: 0, null: "#N/A", ...options } as const;
  return readXlsx(given, schema, (header) => headers.push(header));
}

const LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

/** A workbook of one sheet, of the rows of which this is the XML; and other parts. */
async function workbook(rows: string, parts: Readonly<Record<string, string>> = {}) {
  const zip = new ZipWriter(9);
  const chunks: Uint8Array[] = [];
  const all = {
    "_rels/.rels": `<Relationships><Relationship Id="a" Type="${LINKS}/officeDocument" Target="/xl/w.xml"/></Relationships>`,
    "xl/w.xml": `<workbook xmlns:r="${LINKS}"><sheets><sheet name="S" sheetId="7" r:id="s"/></sheets></workbook>`,
    "xl/_rels/w.xml.rels": `<Relationships><Relationship Id="s" Type="${LINKS}/worksheet" Target="s.xml"/><Relationship Id="t" Type="${LINKS}/sharedStrings" Target="t.xml"/></Relationships>`,
    "xl/t.xml": "<sst/>",
    "xl/s.xml": `<x:worksheet xmlns:x="x"><x:sheetData>${rows}</x:sheetData></x:worksheet>`,
    ...parts,
  };
  for (const [name, content] of Object.entries(all))
    for await (const chunk of zip.part(name, [content])) chunks.push(chunk);
  chunks.push(...zip.end());
  return Buffer.concat(chunks);
}

describe("a workbook of another program", () => {
  test("is read by what its cells hold: dates by their format, texts, errors, formulas, merged and hidden parts", async () => {
    const headers: SheetHeader[] = [];
    const { records, rejected } = await readAll(reader({ range: "B3:H" }, headers), file("orders.xlsx"));
    expect(headers).toEqual([
      {
        sheet: "Orders",
        names: ["Order No.", "Customer", "Amount", "Ordered at", "Day", "Paid", "Note"],
        unmatched: [],
      },
    ]);
    expect(records.map((record) => `${record.position} ${record.text()}`)).toEqual([
      'row 4 {"Order No.":1001,"Customer":"Zoë 😀","Amount":12.5,"Ordered at":"2026-01-31 14:30:15","Day":"2026-01-31","Paid":true,"Note":"two\\nlines"}',
      'row 5 {"Order No.":1002,"Customer":"Müller & Söhne","Amount":0.3,"Ordered at":"2026-02-01 00:00:00","Day":"2026-02-01","Paid":false}',
      'row 7 {"Order No.":1003,"Customer":"00123","Amount":-0.0000001,"Ordered at":"2026-02-01 23:59:59.999","Day":"1900-01-01","Note":"A <b>"}',
      'row 9 {"Order No.":1005,"Customer":{"error":"#N/A"},"Amount":1000000000000000000000,"Paid":true,"Note":"Smith"}',
    ]);
    expect(records.at(-1)!.value).toEqual({
      "Order No.": "1005",
      Amount: `1${"0".repeat(21)}`,
      Paid: "true",
      Note: "Smith",
    });
    expect(rejected).toMatchObject([
      { position: "row 8", line: 8, reason: "Amount: is #REF!" },
      { position: "row 10", reason: "Amount: is a formula without a stored value" },
    ]);
    const lenient = await readAll(reader({ range: "B3:H", null: ["#REF!"] }), file("orders.xlsx"));
    expect(lenient.rejected.map(({ reason }) => reason)).toEqual([
      "Customer: is #N/A",
      "Amount: is a formula without a stored value",
    ]);
  });

  test("has times of day, durations and dates wherever their formats say so, and numbers elsewhere", async () => {
    const values = (await readAll(reader({ sheet: "times" }), file("orders.xlsx"))).records.map(({ value }) => value);
    expect(values.map((value) => (value as { at: string }).at)).toEqual([
      ...["18:00:00", "36:00:00", "2026-01-31 12:00:00", "2026-01-31 06:00:00", "1900-02-29", "2026-01-31", "46053"],
      ...["2026-01-31 02:57:46.598", "1", "-1", "2026-01-31", "5", "12:00:00", "46053"],
    ]);
  });

  test("counts days from 1904 where it says so, and has texts in its cells", async () => {
    expect(await readTexts(reader(), file("mac.xlsx"), 100)).toEqual([
      '{"id":1,"day":"2026-01-31","total":3,"text":"inline <&> ü"}',
      '{"id":2,"day":"1904-01-01","text":"idx"}',
      '{"id":3,"total":true,"text":{"error":"#N/A"}}',
    ]);
  });

  test.each([
    ["encrypted.xlsx", {}, "the workbook is encrypted"],
    ["old.xls", {}, "the file is a workbook of the old kind (.xls)"],
    ["small.avro", {}, "the file is not an Excel workbook"],
    ["orders.xlsx", { sheet: "Chart" }, "the sheet Chart has no cells"],
    ["orders.xlsx", { sheet: "Ordres" }, 'the workbook has no sheet "Ordres"'],
    ["orders.xlsx", { sheet: 5 }, "the workbook has no sheet 5"],
    ["orders.xlsx", { skipRows: 100 }, "the sheet Orders has no header"],
  ] as const)("%s with %o is refused: %s", async (name, options, message) => {
    expect(await failureOf(reader(options), file(name))).toMatchObject({ message });
  });

  test("cut at any byte, or with any of its bytes changed, gives the same rows or a UserError; no file is left", async () => {
    // of this test alone: others read files, too
    vi.stubEnv("TMPDIR", temporaryFolder());
    onTestFinished(() => void vi.unstubAllEnvs());
    const whole = file("mac.xlsx");
    const texts = await readTexts(reader(), whole);
    const spooled = () => readdirSync(tmpdir()).filter((name) => name.startsWith("dataform-file-"));
    const broken = [];
    for (let at = 0; at < whole.length; at += 37) {
      broken.push(whole.subarray(0, at));
      const changed = Buffer.from(whole);
      changed[at]! ^= 1 << (at % 8);
      broken.push(changed);
    }
    for (const bytes of broken) {
      const read = await readTexts(reader(), bytes).catch((error: unknown) => error);
      if (!(read instanceof UserError)) expect(read).toEqual(texts);
    }
    expect(spooled()).toEqual([]);
  });
});

describe("a sheet", () => {
  test("keeps the digits of its numbers, without those that Excel writes for a double", async () => {
    const numbers = {
      "1.1000000000000001": "1.1",
      "0.30000000000000004": "0.30000000000000004",
      "12345678901234567": "12345678901234567",
      "0.12345678901234567": "0.12345678901234567",
      "1.5E-3": "0.0015",
      "1E+3": "1000",
      "-2.5000E2": "-250",
      "1E-300": "1e-300",
      "99999999999999.984": "99999999999999.984",
      "007": "7",
      ".5": "0.5",
    };
    const cells = Object.keys(numbers).map((number) => `<x:row><x:c><x:v>${number}</x:v></x:c></x:row>`);
    const { records, rejected } = await readAll(
      reader(),
      await workbook(
        `<x:row><x:c t="str"><x:v>n</x:v></x:c></x:row>${cells.join("")}<x:row><x:c><x:v>zwei</x:v></x:c></x:row>`,
      ),
    );
    expect(records.map(({ value }) => (value as { n: string }).n)).toEqual(Object.values(numbers));
    expect(rejected).toMatchObject([{ position: "row 13", reason: "n: is no number" }]);
  });

  test("has no date in a cell whose number is none or too large, whatever its format says", async () => {
    const styles = '<styleSheet><cellXfs><xf numFmtId="14"/><xf numFmtId="46"/></cellXfs></styleSheet>';
    const links = `<Relationships><Relationship Id="s" Type="${LINKS}/worksheet" Target="s.xml"/><Relationship Id="y" Type="${LINKS}/styles" Target="y.xml"/></Relationships>`;
    const cells = ["abc", " ", "1e400", "2958466"].flatMap((value) =>
      [0, 1].map((style) => `<x:row><x:c s="${style}"><x:v>${value}</x:v></x:c></x:row>`),
    );
    const book = await workbook(cells.join(""), { "xl/y.xml": styles, "xl/_rels/w.xml.rels": links });
    const { records, rejected } = await readAll(reader({ header: false }), book);
    expect(rejected.map(({ reason }) => reason)).toEqual(Array(4).fill("column_1: is no number"));
    expect(records.map((record) => record.text())).toEqual(
      ["1e400", "1e400", "2958466", "2958466"].map((number) => `{"column_1":${number}}`),
    );
  });

  test("of long rows is read some at a time; a row longer than a record may be is rejected", async () => {
    const long = randomBytes(75_000).toString("hex");
    const cell = `<x:c t="inlineStr"><x:is><x:t>${long}</x:t></x:is></x:c>`;
    const shared = '<x:c t="s"><x:v>0</x:v></x:c>'.repeat(112);
    const book = await workbook(`${`<x:row>${cell}</x:row>`.repeat(4)}<x:row>${shared}</x:row>`, {
      "xl/t.xml": `<sst><si><t>${long}</t></si></sst>`,
    });
    const pages = [];
    for await (const page of reader({ header: false })(Readable.from([book]))) pages.push(page);
    expect(pages.slice(0, -1).map(({ records }) => records.length)).toEqual([2, 2]);
    expect(pages.at(-1)).toMatchObject({ records: [], rejected: [{ position: "row 5", reason: TOO_LONG }] });
  });

  test("may leave out where its cells are, have rich texts, dates as texts, empty texts, and values beside its header", async () => {
    const rows = `<x:row r="2"><x:c r="B2" t="s"><x:v>0</x:v></x:c><x:c t="s"><x:v>1</x:v></x:c></x:row>
      <x:row r="9"><x:c r="A9"/><x:c t="d"><x:v>2026-01-31T00:00:00</x:v></x:c><x:c t="s"><x:v>2</x:v></x:c><x:c r="E9" t="inlineStr"><x:is><x:t>beside</x:t></x:is></x:c></x:row>
      <x:row><x:c t="str"><x:f>""</x:f><x:v></x:v></x:c></x:row><x:row/>`;
    const strings = `<sst><si><t>day</t></si><si><r><t>na</t></r><r><rPr/><t>me</t></r><rPh sb="0"><t>spoken</t></rPh></si><si><t xml:space="preserve"> a_x000D_ </t></si></sst>`;
    const { records, rejected } = await readAll(reader(), await workbook(rows, { "xl/t.xml": strings }));
    expect([records.map((one) => [one.position, one.text()]), rejected]).toEqual([
      [["row 9", '{"day":"2026-01-31","name":" a\\r ","column_5":"beside"}']],
      [],
    ]);
  });

  test("has a name of its own for each value beside its header", async () => {
    const cells = (...texts: string[]) =>
      `<x:row>${texts.map((text) => `<x:c t="str"><x:v>${text}</x:v></x:c>`).join("")}</x:row>`;
    const book = await workbook(cells("column_3", "column_3_") + cells("a", "b", "c"));
    expect(await readTexts(reader(), book)).toEqual(['{"column_3":"a","column_3_":"b","column_3__":"c"}']);
  });

  test.each([
    ["a text that is not there", '<x:row><x:c t="s"><x:v>4</x:v></x:c></x:row>', /shared text that is not there/],
    ["a cell beyond the last column", '<x:row><x:c r="XFE1"/></x:row>', /a cell where none can be/],
    ["a row beyond the last one", '<x:row r="1048577"/>', /a row where none can be/],
    ["a DOCTYPE", "</x:sheetData></x:worksheet>", /not well-formed/],
  ])("with %s is refused", async (_, rows, message) => {
    expect((await failureOf(reader(), await workbook(rows))).message).toMatch(message);
  });

  test("that unpacks to many times its size is a bomb; another archive is none", async () => {
    const blanks = `<a>${`${" ".repeat(1024 * 1024)}<b/>`.repeat(34)}</a>`;
    const bomb = await workbook("", { "xl/s.xml": blanks });
    expect((await failureOf(reader(), bomb)).message).toMatch(/unpacks to more than 500 times its size/);
    const zip = new ZipWriter();
    const chunks: Uint8Array[] = [];
    for await (const chunk of zip.part("orders.csv", ["id\n"])) chunks.push(chunk);
    const other = Buffer.concat([...chunks, ...zip.end()]);
    expect(await failureOf(reader(), other)).toMatchObject({
      message: "the archive is no Excel workbook",
      found: "orders.csv",
    });
  });

  test("has its shared texts from a file of pages, in any order, of which some are held", async () => {
    const folder = temporaryFolder();
    const texts = Array.from({ length: 500 }, (_, at) => `${"ä".repeat(at % 90)}${at}`);
    const bytes = [Buffer.from(`<sst>${texts.map((text) => `<si><t>${text}</t></si>`).join("")}</sst>`)];
    const strings = await SharedStrings.read(Readable.from(bytes), folder, 2000);
    const order = texts.map((_, at) => (at * 77) % texts.length);
    expect([...order, ...order].map((at) => strings.at(at))).toEqual([...order, ...order].map((at) => texts[at]));
    strings.close();
  });
});
