import { type Choose, Ledger, oneIn, pick, type Value, type World } from "./world.ts";

const tables = {
  transactions:
    "user_id bigint, transaction_type text, merchant_type_code text, amount_cents numeric, currency text, datetime timestamp",
};
const TYPES = [
  ...["PurchaseActivity", "PurchaseActivity", "PurchaseActivity", "ReturnActivity", "ReturnActivity"],
  ...["ChargebackActivity", "ChargebackReversalActivity", "FeeActivity", "FeeReversalActivity"],
];

/** A file or two a day, of days around it: rows twice, the same content under another name, loads that are taken back. */
export function transactionsWorld(choose: Choose, days: number): World {
  const ledger = new Ledger();
  const contents: (readonly Readonly<Record<string, Value>>[])[] = [];
  for (let day = 0; day < days; day++) {
    ledger.day();
    for (let file = 0; file <= choose(3); file++) {
      const again = contents.length > 0 && oneIn(choose, 5);
      const content = again ? choose(contents.length) : contents.push(rowsOf(choose, day)) - 1;
      ledger.add({
        table: "transactions",
        rows: contents[content]!,
        file: { path: `transactions-${day}-${file}.csv`, checksum: `content ${content}` },
        ledger: { source: "transactions", rejected: oneIn(choose, 6) ? 1 : 0 },
      });
    }
    if (ledger.strikes(choose)) ledger.add({ anew: "a load that was wrong is taken back" });
  }
  return { tables, days: ledger.days };
}

function rowsOf(choose: Choose, day: number): Readonly<Record<string, Value>>[] {
  const rows = Array.from({ length: 1 + choose(12) }, () => ({
    user_id: 1 + choose(5),
    transaction_type: pick(choose, TYPES),
    merchant_type_code: pick(choose, ["742", "0742", "5411", "00005411", "123456"]),
    amount_cents: pick(choose, ["0", "1", "100.0", "1e2", "999999999999999", String(choose(100_000))]),
    currency: pick(choose, [null, null, "USD", "EUR", "JPY"]),
    datetime: new Date(Date.UTC(2026, 2, 6 + day - choose(3), pick(choose, [0, 4, 23]), choose(60)))
      .toISOString()
      .replace("T", " ")
      .replace(".000Z", pick(choose, ["", ".000001", ".5", ".999999"])),
  }));
  return oneIn(choose, 3) ? [...rows, rows[0]!] : rows;
}
