import { describe, expect, test } from "vitest";
import type { XmlOptions } from "../../../src/model/declarations.ts";
import { readXml } from "../../../src/sources/formats/xml.ts";
import { failureOf, memoryOf, readAll, readEveryPrefix, readTexts } from "./reading.ts";

const xml = (fields: Record<string, string>, record = "r", maxSize?: number) =>
  readXml({ record, fields } satisfies XmlOptions, maxSize);

const statement = `<?xml version="1.0" encoding="UTF-8"?>
<c:Document xmlns:c="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08">
  <c:BkToCstmrStmt>
    <c:GrpHdr><c:MsgId>M-1</c:MsgId></c:GrpHdr>
    <c:Stmt>
      <c:Id>S-1</c:Id>
      <c:Acct><c:Id><c:IBAN> DE89370400440532013000 </c:IBAN></c:Id></c:Acct>
      <c:Ntry>
        <c:Amt Ccy="EUR">12345678901234567890.10</c:Amt>
        <c:AddtlNtryInf>two
 lines &amp; more &#x20AC;</c:AddtlNtryInf>
        <c:NtryDtls>
          <c:TxDtls><c:Refs><c:EndToEndId>E-1</c:EndToEndId></c:Refs><c:Amt Ccy="EUR">1</c:Amt></c:TxDtls>
          <c:TxDtls><c:Refs/></c:TxDtls>
        </c:NtryDtls>
      </c:Ntry>
      <c:Ntry><c:Amt Ccy="USD">2</c:Amt><c:AddtlNtryInf><![CDATA[<raw> & ]]>text</c:AddtlNtryInf></c:Ntry>
    </c:Stmt>
    <c:Stmt><c:Id>S-2</c:Id><c:Ntry><c:Amt>3</c:Amt><c:Ntry/></c:Ntry></c:Stmt>
  </c:BkToCstmrStmt>
</c:Document>
`;
const entry = {
  amount: "Amt",
  currency: "Amt/@Ccy",
  info: "AddtlNtryInf",
  iban: "../Acct/Id/IBAN",
  statement: "../Id",
  message: "../../GrpHdr/MsgId",
  details: "NtryDtls/TxDtls[]",
};

describe("records of a statement", () => {
  test("have fields of their own and of what surrounds them, by local name", async () => {
    for (const chunk of [1, 7, 65536]) {
      const { records, rejected } = await readAll(xml(entry, "Ntry"), statement, chunk);
      expect(rejected).toEqual([]);
      expect(records.map((record) => JSON.parse(record.text()))).toEqual([
        {
          amount: "12345678901234567890.10",
          currency: "EUR",
          info: "two\n lines & more €",
          iban: "DE89370400440532013000",
          statement: "S-1",
          message: "M-1",
          details: [{ Refs: { EndToEndId: "E-1" }, Amt: { "@Ccy": "EUR", "#text": "1" } }, { Refs: "" }],
        },
        {
          amount: "2",
          currency: "USD",
          info: "<raw> & text",
          iban: "DE89370400440532013000",
          statement: "S-1",
          message: "M-1",
        },
        { amount: "3", statement: "S-2", message: "M-1" },
      ]);
      expect(records.map(({ position }) => position)).toEqual([
        "record 1, line 8",
        "record 2, line 17",
        "record 3, line 19",
      ]);
      expect(records[2]).toMatchObject({ line: 19, value: { amount: "3" } });
      expect(records[2]!.fieldText("amount")).toBe('"3"');
      expect(records[2]!.fieldText("iban")).toBeUndefined();
    }
  });

  test("are found by a path from the root, too", async () => {
    const read = xml({ amount: "Amt" }, "Document/BkToCstmrStmt/Stmt/Ntry");
    expect(await readTexts(read, statement)).toHaveLength(3);
    expect(await readTexts(xml({ amount: "Amt" }, "Document/Stmt/Ntry"), statement)).toEqual([]);
  });

  test("come in pages", async () => {
    const bytes = async function* () {
      yield Buffer.from(`<l>${"<r><a>1</a></r>".repeat(20_000)}</l>`);
    };
    const sizes: number[] = [];
    for await (const page of xml({ a: "a" })(bytes())) sizes.push(page.records.length);
    expect(sizes.length).toBeGreaterThan(3);
    expect(sizes.reduce((sum, size) => sum + size)).toBe(20_000);
  });
});

describe("fields", () => {
  test("that are missing are absent, that are empty are empty", async () => {
    expect(await readTexts(xml({ a: "a", b: "b", c: "@c", l: "l[]" }), "<l><r><a/></r></l>")).toEqual(['{"a":""}']);
  });

  test("may be attributes or the text of the record itself", async () => {
    const read = xml({ id: "@id", text: ".", of: "../@of", top: "../../@of" });
    expect(await readTexts(read, '<t of="0"><l of="1"><r id="7"> x </r></l><l of="2"><r>y</r></l></t>')).toEqual([
      '{"id":"7","text":"x","of":"1","top":"0"}',
      '{"text":"y","of":"2","top":"0"}',
    ]);
  });

  test("that lead to elements with children are objects", async () => {
    const read = xml({ a: "a", up: "../h" });
    expect(await readTexts(read, '<l><h><x>1</x><x>2</x></h><r><a k="v">t<b/>u</a></r></l>')).toEqual([
      '{"a":{"@k":"v","b":"","#text":"tu"},"up":{"x":["1","2"]}}',
    ]);
  });

  test("that are lists gather every value", async () => {
    const read = xml({ t: "d/t[]", k: "d/t/@k[]", up: "../h[]" });
    expect(
      await readTexts(read, '<l><h>1</h><h>2</h><r><d><t k="a">x</t></d><d><t>y</t><t k="b">z</t></d></r></l>'),
    ).toEqual(['{"t":[{"@k":"a","#text":"x"},"y",{"@k":"b","#text":"z"}],"k":["a","b"],"up":["1","2"]}']);
  });

  test("that occur twice without being a list reject their record alone", async () => {
    const { records, rejected } = await readAll(xml({ a: "a" }), "<l><r><a>1</a><a>2</a></r><r><a>3</a></r></l>");
    expect(records.map((record) => record.text())).toEqual(['{"a":"3"}']);
    expect(rejected).toEqual([
      {
        position: "record 1, line 1",
        line: 1,
        reason: "a: a occurs more than once (a[] makes a list)",
        text: '{"a":["1","2"]}',
      },
    ]);
    expect((await readAll(xml({ a: "../a" }), "<l><a>1</a><a>2</a><r/></l>")).rejected).toHaveLength(1);
  });

  test("fault 58: elements called __proto__ and constructor are fields like others", async () => {
    const read = xml({ o: "o", __proto__x: "__proto__" });
    expect(
      await readTexts(
        read,
        "<l><r><o><__proto__><x>1</x></__proto__><constructor>2</constructor></o><__proto__>3</__proto__></r></l>",
      ),
    ).toEqual(['{"o":{"__proto__":{"x":"1"},"constructor":"2"},"__proto__x":"3"}']);
  });

  test("that surround a record but come after it fail the file, for the record lacks them", async () => {
    const error = await failureOf(xml({ total: "../total" }), "<l><r/><total>3</total></l>");
    expect(error.message).toBe('../total comes after records that it belongs to (field "total")');
    expect((await failureOf(xml({ all: "../../l" }), "<t><l><r/></l></t>")).message).toContain("holds the records");
  });

  test("with a path that is none are refused before anything is read", () => {
    for (const path of ["", "..", "a//b", "a/../b", "a[]/b", "../.", "a/@", "@a/b", "a b"])
      expect(() => xml({ a: path }), path).toThrow("is not a path to a field");
  });
});

describe("encodings", () => {
  test("come from the byte order mark or the declaration", async () => {
    const document = (encoding: string) => `<?xml version="1.0" encoding='${encoding}'?>\n<l><r><a>é€</a></r></l>`;
    const read = xml({ a: "a" });
    const expected = ['{"a":"é€"}'];
    expect(await readTexts(read, `\ufeff${document("UTF-8")}`, 1)).toEqual(expected);
    const utf16 = Buffer.from(`\ufeff${document("UTF-16")}`, "utf16le");
    expect(await readTexts(read, utf16, 3)).toEqual(expected);
    expect(await readTexts(read, utf16.subarray(2), 3)).toEqual(expected);
    expect(await readTexts(read, utf16.swap16(), 3)).toEqual(expected);
    const latin = (name: string) => Buffer.from(document(name).replace("€", "\x80"), "latin1");
    expect(await readTexts(read, latin("windows-1252"))).toEqual(expected);
    expect(await readTexts(read, latin("ISO-8859-1"))).toEqual(expected);
  });

  test("that are wrong or unknown fail the file", async () => {
    const read = xml({ a: "a" });
    const latin = Buffer.from("<l><r><a>é</a></r></l>", "latin1");
    expect((await failureOf(read, latin)).message).toBe("the file is not in the encoding utf-8");
    expect((await failureOf(read, '<?xml version="1.0" encoding="klingon"?><l/>')).message).toContain("klingon");
    expect((await failureOf(read, '<?xml version="1.0" encoding="utf-16"?><l/>')).message).toContain("utf-16");
  });

  test("fault 50: NUL characters and lone surrogates are not XML", async () => {
    for (const text of ["\0", "&#0;", "&#xD800;"])
      expect((await failureOf(xml({ a: "a" }), `<l><r><a>${text}</a></r></l>`)).message).toContain("not well-formed");
  });
});

describe("fault 61: hostile documents", () => {
  const refused = async (document: string, message: string, fields = { a: "a" }) =>
    expect((await failureOf(xml(fields, "r", 10_000), document)).message).toContain(message);
  const record = "<l><r><a>&x;</a></r></l>";

  test("an external entity (XXE) is refused", () =>
    refused(`<!DOCTYPE l [<!ENTITY x SYSTEM "file:///etc/passwd">]>${record}`, "DOCTYPE"));

  test("a parameter entity is refused", () =>
    refused(`<!DOCTYPE l [<!ENTITY % p SYSTEM "http://127.0.0.1:1/x.dtd"> %p;]>${record}`, "DOCTYPE"));

  test("billion laughs are refused", () => {
    const entities = Array.from({ length: 9 }, (_, n) => `<!ENTITY x${n + 1} "${`&x${n};`.repeat(10)}">`).join("");
    return refused(`<!DOCTYPE l [<!ENTITY x0 "ha">${entities}]><l><r><a>&x9;</a></r></l>`, "DOCTYPE");
  });

  test("a DOCTYPE without entities, and one that does not end, are refused", async () => {
    await refused("<!DOCTYPE html><l/>", "DOCTYPE");
    await refused(`<!DOCTYPE l [ ${"<!-- x -->".repeat(10_000)}`, "longer than");
    await refused("<!DOCTYPE l [ ", "not whole");
  });

  test("an entity that XML does not have is refused, the five it has are read", async () => {
    await refused("<l><r><a>&nbsp;</a></r></l>", "not well-formed");
    expect(await readTexts(xml({ a: "a" }), "<l><r><a>&lt;&gt;&amp;&quot;&apos;</a></r></l>")).toEqual([
      '{"a":"<>&\\"\'"}',
    ]);
  });

  test("a flood of numeric entities is text, and too much of it is refused", async () => {
    const flood = (count: number) => `<l><r><a>${"&#65;".repeat(count)}</a></r></l>`;
    const [record] = (await readAll(xml({ a: "a" }), flood(100_000))).records;
    expect(record!.fieldText("a")).toBe(`"${"A".repeat(100_000)}"`);
    await refused(flood(100_000), "longer than");
  });

  test("a huge attribute, text, comment, name or instruction is refused", async () => {
    const huge = "x".repeat(200_000);
    await refused(`<l><r a="${huge}"/></l>`, "longer than");
    await refused(`<l><r><a>${huge}</a></r></l>`, "longer than");
    await refused(`<l><!--${huge}--></l>`, "longer than");
    await refused(`<l><${huge}/></l>`, "longer than");
    await refused(`<l><?p ${huge}?></l>`, "longer than");
    await refused(`<l>&${huge};</l>`, "longer than");
  });

  test("a namespace bomb and other crowds of attributes are refused", async () => {
    const declarations = Array.from({ length: 1000 }, (_, n) => `xmlns:n${n}="urn:${n}"`).join(" ");
    await refused(`<l><r ${declarations}/></l>`, "more than 256 attributes");
  });

  test("nothing but white space and comments before the root is refused at last", async () => {
    expect((await failureOf(xml({ a: "a" }), "<!-- x -->".repeat(200_000))).message).toContain("no element");
  });

  test("fault 60: elements that nest 100,000 deep are refused", async () => {
    await refused(`<l><r>${"<a>".repeat(100_000)}`, "nested deeper than 200 levels");
    await refused("<a>".repeat(100_000), "nested deeper than 200 levels");
  });
});

describe("fault 51: long records", () => {
  test("are rejected with their beginning, and the ones around them are read", async () => {
    const long = `<r><a>x</a>${"<b>0123456789</b>".repeat(1000)}</r>`;
    const read = xml({ a: "a" }, "r", 5000);
    const { records, rejected } = await readAll(read, `<l><r><a>1</a></r>\n${long}<r><a>2</a></r></l>`);
    expect(records.map((record) => record.text())).toEqual(['{"a":"1"}', '{"a":"2"}']);
    expect(records[1]!.position).toBe("record 3, line 2");
    expect(rejected).toMatchObject([{ position: "record 2, line 2", line: 2, reason: "is longer than 16 MB" }]);
    expect(rejected[0]!.text).toMatch(/^\{"a":"x","b":\["0123456789",.*…$/);
    expect(rejected[0]!.text.length).toBeLessThan(1100);
  });

  test("of 160 MB do not fill the memory", async () => {
    const piece = Buffer.from(`<b>${"0123456789".repeat(1600)}</b>`.repeat(10));
    const read = xml({ a: "a" }, "r", 1_000_000);
    const reasons: string[] = [];
    const megabytes = await memoryOf(async (measure) => {
      const bytes = async function* () {
        yield Buffer.from("<l><r>");
        for (let count = 0; count < 1000; count++) {
          yield piece;
          measure();
        }
        yield Buffer.from("</r></l>");
      };
      for await (const page of read(bytes())) reasons.push(...page.rejected!.map(({ reason }) => reason));
    });
    expect(reasons).toEqual(["is longer than 16 MB"]);
    expect(megabytes).toBeLessThan(100);
  });

  test("what surrounds records is limited, too", async () => {
    const read = xml({ h: "../h[]" }, "r", 1000);
    expect((await failureOf(read, `<l>${"<h>0123456789</h>".repeat(200)}<r/></l>`)).message).toContain("longer than");
    const nested = `<l><h>${"<x>0123456789</x>".repeat(200)}</h><r/></l>`;
    expect((await failureOf(read, nested)).message).toContain("longer than");
  });
});

describe("a document that is cut or broken", () => {
  test("cut at every byte: is read only when its root element has ended", async () => {
    const whole = Buffer.from(statement);
    const complete = await readEveryPrefix(xml({ ...entry }, "Ntry"), whole);
    expect(complete).toEqual(new Map([[whole.length - 1, 3]]));
    expect((await failureOf(xml({ a: "a" }), whole.subarray(0, 500))).message).toContain("the file is not whole");
    expect((await failureOf(xml({ a: "a" }), "")).message).toContain("the file is not whole");
  });

  test("is shown with the place", async () => {
    expect(await failureOf(xml({ a: "a" }), "<l>\n<r></l>")).toMatchObject({
      message: "the file is not well-formed XML",
      found: expect.stringMatching(/^line 2, column \d+: /),
    });
    await failureOf(xml({ a: "a" }), "<l/><l/>");
    await failureOf(xml({ a: "a" }), "no XML");
    await failureOf(xml({ a: "a" }), '<l><r a="1" a="2"/></l>');
  });
});
