import { expect, test } from "vitest";
import { contentKey, detailsAmount, party, text } from "../../src/library/camt.ts";
import { cells, database } from "../support/comparing.ts";
import { expectGolden } from "../support/golden.ts";

// What an entry says of its transactions; test/products/reconciliation-rules.test.ts has whole statements.

const one = (transaction: object) => `select '${JSON.stringify([transaction]).replaceAll("'", "''")}'::jsonb as d`;
const both = (...transactions: object[]) => `select '${JSON.stringify(transactions)}'::jsonb as d`;

test.each([
  ["a text", text("d", "Refs", "EndToEndId"), one({ Refs: { EndToEndId: "it's" } }), "it's"],
  ["the first of several", text("d", "RmtInf", "Ustrd"), one({ RmtInf: { Ustrd: ["first", "second"] } }), "first"],
  ["an element with attributes", text("d", "Amt"), one({ Amt: { "@Ccy": "EUR", "#text": "1.50" } }), "1.50"],
  ["one that is not there", text("d", "Refs", "TxId"), one({}), null],
  ["one of a batch", text("d", "Refs", "TxId"), both({ Refs: { TxId: "a" } }, { Refs: { TxId: "b" } }), null],
  ["who paid a credit", party("d", "'CRDT'"), one({ RltdPties: { Dbtr: { Nm: "Ann" }, Cdtr: { Nm: "Bob" } } }), "Ann"],
  [
    "who was paid by a debit",
    party("d", "'DBIT'"),
    one({ RltdPties: { Dbtr: { Nm: "Ann" }, Cdtr: { Pty: { Nm: "Bob" } } } }),
    "Bob",
  ],
  ["the party of a batch", party("d", "'DBIT'"), both({}, {}), null],
  [
    "the sum, with one against it",
    detailsAmount("d", "5"),
    both({ Amt: "12345678901234567890.12" }, { Amt: { "#text": "1" }, CdtDbtInd: "DBIT" }),
    "12345678901234567889.12",
  ],
  [
    "the sum of a debit, as .02 has it",
    detailsAmount("d", "-5"),
    both({ AmtDtls: { TxAmt: { Amt: { "#text": "2.50" } } } }, { Amt: "1" }),
    "-3.50",
  ],
  ["a sum of which one is missing", detailsAmount("d", "5"), both({ Amt: "1" }, {}), null],
])("%s", async (_, expression, from, expected) => {
  const client = await database();
  expect(await cells(client, `select ${expression} from (${from}) as entries`)).toEqual([[expected]]);
});

test("equal payments have one key, whatever the case, the blanks and the zeros; others have another", async () => {
  const client = await database();
  const key = contentKey({
    account: '"user"',
    bookedOn: "d",
    amount: "a",
    counterparty: "who",
    remittance: "what",
  });
  const rows = await cells(
    client,
    `select ${key} from (values (1, 'A', date '2026-01-01', 1.50, 'Ann B', null), (2, 'A', '2026-01-01', 1.5, 'ANNB ', ''), (3, 'A', '2026-01-01', 1.5, 'Bob', null))
       as p (place, "user", d, a, who, what) order by place`,
  );
  expect(rows[0]).toEqual(rows[1]);
  expect(rows[2]).not.toEqual(rows[1]);
  expect(rows[0]![0]).toBe("content-fc528f4e864b7d4752d55bfb70d3dfe2");
});

test("what is no expression, and no element, is refused", () => {
  expect(() => text("d) || (1", "Refs")).toThrow("camt.text: details is not an SQL expression");
  expect(() => text("d", "Refs}' || '{")).toThrow("camt.text: expected the name of an element");
  const payment = { account: "a", bookedOn: "b", amount: "c", counterparty: "d", remittance: "e" };
  expect(() => contentKey({ ...payment, name: "x" } as never)).toThrow('unknown option "name"');
  expect(() => contentKey({ ...payment, amount: undefined } as never)).toThrow("camt.contentKey: amount is not");
});

test("each function writes what its golden says", () => {
  expectGolden("library/camt/text.sql", text("details", "Refs", "EndToEndId"));
  expectGolden("library/camt/party.sql", party("details", "indicator"));
  expectGolden("library/camt/details-amount.sql", detailsAmount("details", "amount"));
  const payment = {
    account: "account",
    bookedOn: "booked_on",
    amount: "amount",
    counterparty: "name",
    remittance: "text",
  };
  expectGolden("library/camt/content-key.sql", contentKey(payment));
});
