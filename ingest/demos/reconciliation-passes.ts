// An account of which the bank books in batches and sums, and announces what it will book: what the keys leave open, and what
// each pass finds of it.
import type { Reconciliation } from "./reconciliation-data.ts";
import { camt, camt054, type Entry, type Notification, type Payment } from "./reconciliation-xml.ts";

const BATCHED = "NL91ABNA0417164300";

/** A payment that came on a day of March. */
const payment = (reference: string | null, cents: bigint, day: number, counterparty: string): Payment => ({
  reference,
  cents,
  currency: "EUR",
  bookedOn: `2026-03-${String(day).padStart(2, "0")}`,
  counterparty,
  remittance: "",
});

const record = (recordId: string, one: Payment, batch?: string) => ({
  ...one,
  recordId: `D${recordId}`,
  account: BATCHED,
  ...(batch === undefined ? {} : { batch }),
});

const salaries = [
  payment("SAL-01", -210_000n, 25, "A. Jansen"),
  payment("SAL-02", -235_000n, 25, "B. de Vries"),
  payment("SAL-03", -198_000n, 25, "C. Bakker"),
];
const suppliers = [
  payment("SUP-01", -40_000n, 12, "Papierhandel"),
  payment("SUP-02", -60_000n, 12, "Drukkerij"),
  payment("SUP-03", -25_000n, 13, "Koerier"),
];
const sum = (payments: readonly Payment[]) => payments.reduce((total, { cents }) => total + cents, 0n);

/** What we have, in the order of what finds it in the bank's statement. */
const records = [
  // by their keys: the bank books them at once, and says of what
  ...salaries.map((one, index) => record(`${index + 1}`, one)),
  // one reference: we have an invoice in parts
  record("4", payment("INV-D-1", 30_000n, 4, "Van Dijk")),
  record("5", payment("INV-D-1", 12_500n, 5, "Van Dijk")),
  // batch: the bank books a sum, and names our batch
  ...suppliers.map((one, index) => record(`${index + 6}`, one, "PAY-2026-03")),
  // amount and day: somebody mistyped the reference
  record("9", payment("INV-D-77", 44_310n, 17, "Smit")),
  // sum: the bank has two payments of what is one for us
  record("10", payment("INV-D-3", 90_000n, 19, "De Boer")),
  // ambiguous: two of one amount, and one of the bank
  record("11", payment("INV-D-4", 15_000n, 20, "Mulder")),
  record("12", payment("INV-D-5", 15_000n, 20, "Visser")),
  // announced in time
  record("13", payment("INV-D-6", 7_700n, 27, "Bos")),
];

const booked: Entry[] = [
  { ...payment(null, sum(salaries), 25, ""), servicerReference: "BANK-1", parts: salaries },
  payment("INV-D-1", 42_500n, 5, "Van Dijk"),
  { ...payment(null, sum(suppliers), 12, ""), servicerReference: "BANK-2", batch: "PAY-2026-03", parts: [] },
  payment("INV-D-7", 44_310n, 18, "Smit"),
  payment("BOER-1", 50_000n, 18, "De Boer"),
  payment("BOER-2", 40_000n, 20, "De Boer"),
  payment("INVOICE 4", 15_000n, 20, "M"),
  payment("INV-D-6", 7_700n, 27, "Bos"),
  payment("INV-D-8", 5_000n, 30, "Meijer"),
];

const announced = (id: string, day: number, ...entries: Entry[]): Notification => ({
  ...{ id, account: BATCHED, currency: "EUR", day: `2026-03-${String(day).padStart(2, "0")}`, entries },
});

/** What the bank said would come. */
const notifications: Notification[] = [
  announced(
    "N-1",
    24,
    // booked on the next day, as one
    { ...payment(null, sum(salaries), 25, ""), servicerReference: "BANK-1", parts: salaries },
    // booked a day late
    payment("INV-D-6", 7_700n, 26, "Bos"),
  ),
  // booked with another amount
  announced("N-2", 29, payment("INV-D-8", 5_500n, 30, "Meijer")),
  // still to come, and announced twice
  announced("N-3", 30, { ...payment("INV-D-9", 120_000n, 31, "Kok"), servicerReference: "BANK-3", status: "PDNG" }),
  announced("N-4", 31, { ...payment("INV-D-9", 120_000n, 31, "Kok"), servicerReference: "BANK-3", status: "PDNG" }),
  // taken back before it was booked
  announced("N-5", 30, payment("INV-D-10", -8_000n, 31, "Peters")),
  announced("N-6", 31, { ...payment("INV-D-10", 8_000n, 31, "Peters"), reversal: true }),
];

export function batchedData(): Reconciliation {
  const statement = {
    ...{ id: "D-3", account: BATCHED, currency: "EUR", sequenceNo: 3, closedOn: "2026-03-31", opening: 1_000_000n },
    entries: booked,
  };
  return {
    records,
    files: {
      "camt053-batched.xml": camt("08", "MSG-4", [statement]),
      "camt054-march.xml": camt054("08", "MSG-5", notifications),
    },
  };
}
