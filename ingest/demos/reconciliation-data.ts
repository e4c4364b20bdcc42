// A month of payments as we recorded them and as the bank tells them, with differences planted: the same for the same seed.
import { literal, type Sql, sql } from "dataform-postgres";
import { camt, decimal, type Entry, type Payment, paymentsXml, type Statement } from "./reconciliation-xml.ts";

export const accounts = {
  /** camt.053.001.02 */
  old: "DE89370400440532013000",
  /** camt.053.001.08 */
  new: "FR1420041010050500013M02606",
  /** plain XML, in yen */
  plain: "JP-7001-0042",
} as const;

/** What differs on purpose, by reference. */
export const planted = {
  amount: "INV-A-0010",
  nullInTheirs: "INV-A-0012",
  late: "INV-A-0020",
  tooLate: "INV-A-0021",
  otherCase: "INV-A-0030",
  twiceInTheirs: "INV-A-0040",
  missingInOurs: "INV-A-9001",
  missingInTheirs: "INV-A-9002",
  pending: "INV-B-9003",
  reversal: "INV-B-0050",
  afterLastStatement: "INV-B-9004",
  currency: "INV-B-0060",
  yen: "INV-C-0007",
  formula: "INV-A-0033",
} as const;

export interface OwnRecord extends Payment {
  readonly recordId: string;
  readonly account: string;
  /** The batch that it was ordered with. */
  readonly batch?: string;
}

export interface Reconciliation {
  readonly records: readonly OwnRecord[];
  /** Name and content. */
  readonly files: Readonly<Record<string, string>>;
}

const parties = ["Stadtwerke Köln", "O'Neill & Sons", "Kowalski sp. z o.o.", "Café Amélie", "Nagoya Precision"];

export function reconciliationData({ payments = 120 } = {}): Reconciliation {
  const old = paymentsOf("A", "EUR", payments);
  const fresh = paymentsOf("B", "EUR", payments);
  const plain = paymentsOf("C", "JPY", payments);
  const own = (account: string, letter: string, list: readonly Payment[]): OwnRecord[] =>
    list.map((payment, index) => ({ ...payment, account, recordId: `${letter}${index + 1}` }));
  const extra = (reference: string | null, bookedOn = "2026-03-10"): Payment => ({
    reference,
    cents: 4_200n,
    currency: "EUR",
    bookedOn,
    counterparty: "Café Amélie",
    remittance: "Catering",
  });
  return {
    records: [
      ...own(accounts.old, "A", [...old, extra(planted.missingInTheirs), extra(null)]),
      ...own(accounts.new, "B", [...fresh, extra(planted.afterLastStatement, "2026-04-02")]),
      ...own(accounts.plain, "C", plain),
    ],
    files: {
      "camt053-old.xml": camt("02", "MSG-1", [
        statementOf("A-3", accounts.old, 3, [
          ...old.flatMap(asTheBankTellsA),
          { ...extra(planted.missingInOurs), cents: 4_300n },
          extra(null),
        ]),
      ]),
      "camt053-new.xml": camt("08", "MSG-2", newStatements(fresh, extra(planted.pending))),
      "camt053-new-again.xml": camt(
        "08",
        "MSG-3",
        newStatements(fresh, extra(planted.pending))
          .slice(0, 1)
          .map((one) => ({ ...one, copy: "DUPL" as const })),
      ),
      "payments-plain.xml": paymentsXml(
        accounts.plain,
        plain.map((one) => (one.reference === planted.yen ? { ...one, cents: one.cents + 1n } : one)),
      ),
    },
  };
}

function paymentsOf(letter: string, currency: string, count: number): Payment[] {
  return Array.from({ length: count }, (_, index) => {
    const number = index + 1;
    const cents = BigInt(1_000 + ((number * 7_919) % 900_000));
    return {
      reference: `INV-${letter}-${String(number).padStart(4, "0")}`,
      cents: number % 3 ? cents : -cents,
      currency,
      bookedOn: `2026-03-${String(1 + (number % 20)).padStart(2, "0")}`,
      counterparty: parties[number % parties.length]!,
      remittance: `Invoice ${number}`,
    };
  });
}

function asTheBankTellsA(one: Payment): Entry[] {
  switch (one.reference) {
    case planted.amount:
      return [{ ...one, cents: one.cents + 1_000n }];
    case planted.late:
      return [{ ...one, bookedOn: later(one.bookedOn, 2) }];
    case planted.tooLate:
      return [{ ...one, bookedOn: later(one.bookedOn, 5) }];
    case planted.otherCase:
      return [{ ...one, counterparty: ` ${one.counterparty.toUpperCase()} ` }];
    case planted.formula:
      return [{ ...one, cents: one.cents - 500n, counterparty: "=HYPERLINK(1)" }];
    case planted.nullInTheirs:
      return [{ ...one, counterparty: "" }];
    case planted.twiceInTheirs:
      return [one, one];
    default:
      return [one];
  }
}

/** The second follows after a number that is missing, does not foot, and has an entry whose transactions do not add up. */
function newStatements(payments: readonly Payment[], pending: Payment): Statement[] {
  const half = payments.length / 2;
  const told = payments.map((one): Entry => {
    if (one.reference === planted.reversal) return { ...one, reversal: true };
    if (one.reference === planted.currency) return { ...one, currency: "USD" };
    return one;
  });
  const first = statementOf("B-7", accounts.new, 7, told.slice(0, half));
  const second = told.slice(half);
  const entries: Entry[] = [
    { ...second[0]!, details: [second[0]!.cents - 1_000n] },
    ...second.slice(1),
    { ...pending, status: "PDNG" },
  ];
  const wrong = statementOf("B-9", accounts.new, 9, entries);
  return [first, { ...wrong, closing: 0n }];
}

function statementOf(id: string, account: string, sequenceNo: number, entries: readonly Entry[]): Statement {
  return { id, account, currency: "EUR", sequenceNo, closedOn: "2026-03-31", opening: 1_000_000n, entries };
}

function later(day: string, days: number): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);
}

/** Statements that make the table that ingest/reconciliation_records.yaml reads. */
export function ownRecordsSql(records: readonly OwnRecord[]): Sql {
  const rows = records.map((one) => {
    const { recordId, account, reference, currency, bookedOn, counterparty, remittance } = one;
    const values = [
      recordId,
      account,
      reference,
      decimal(one.cents, currency),
      currency,
      bookedOn,
      counterparty,
      remittance,
      one.batch ?? null,
    ];
    return sql`(${values.map((value) => literal(value))})`;
  });
  return sql`
    create table ledger_payments (
      record_id varchar(40) primary key default (gen_random_uuid()),
      account varchar(40) not null,
      reference varchar(80),
      amount decimal(18, 5) not null,
      currency char(3) not null,
      booked_on date not null,
      counterparty varchar(140),
      remittance varchar(140),
      batch varchar(35)
    );
    insert into ledger_payments values
      ${rows}`;
}
