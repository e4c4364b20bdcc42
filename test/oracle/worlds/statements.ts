import { type Asked, type Choose, type Landed, Ledger, oneIn, pick, type Value, type World } from "./world.ts";

const statement =
  "statement_id text, iban text, other_account text, account_currency text, sequence_no bigint, period_from text, period_to text, page_no bigint, message_page_no bigint";
const entry =
  "entry_reference text, amount numeric, currency text, indicator text, reversal text, status jsonb, booked_on date, booked_at text, value_on date, servicer_reference text, info text, details jsonb, batches jsonb";
const tables = {
  reconciliation_balances: `message_id text, copy_indicator text, ${statement}, code text, amount numeric, currency text, indicator text, balance_on date, balance_at text`,
  reconciliation_totals: `${statement}, entry_count bigint, credit_count bigint, credit_sum numeric, debit_count bigint, debit_sum numeric`,
  reconciliation_entries: `${statement}, ${entry}`,
  reconciliation_notifications: `notification_id text, announced_at text, iban text, other_account text, account_currency text, ${entry}`,
  reconciliation_payments:
    "payment_id text, account text, amount numeric, currency text, booked_on date, counterparty text, remittance text",
  reconciliation_records:
    "record_id text, account text, reference text, amount numeric, currency text, booked_on date, counterparty text, remittance text, batch text",
  reconciliation_decisions:
    "proposal_id text, account text, reference text, status text, column_name text, our_value text, their_value text, proposed_action text, decision text, decided_by text, decided_on date, comment text",
};

type Row = Readonly<Record<string, Value>>;

/** One page as a file has it. */
interface Page {
  readonly balances: readonly Row[];
  readonly totals: readonly Row[];
  readonly entries: readonly Row[];
}

/** What the bank knows of an account. */
interface Account {
  readonly head: Row;
  readonly isNumbered: boolean;
  balance: number;
  number: number;
  nth: number;
}

const money = (cents: number) => `${Math.abs(cents)}`.padStart(3, "0").replace(/(\d\d)$/, ".$1");
const sided = (cents: number) => ({ amount: money(cents), indicator: cents < 0 ? "DBIT" : "CRDT" });

/** Over the turn of a year: statements in pages, missing, delivered again as they were or with other entries, taken back. */
export function statementsWorld(choose: Choose, days: number): World {
  const ledger = new Ledger();
  const files: { name: string; version: number; pages: readonly Page[] }[] = [];
  const accounts = accountsOf();
  const begin = Date.UTC(2025, 11, 29);
  const struck = new Set<number>();
  const filed: number[][] = [];
  const announcements: Row[] = [];
  let loads = 0;
  const land = (name: string, version: number, pages: readonly Page[]) => {
    const file = { path: name, version, checksum: `${name} ${version}` };
    const source = { source: "reconciliation", batch: "log" };
    filed.push([loads + 1, loads + 2, loads + 3]);
    loads += 3;
    for (const stream of ["balances", "totals", "entries"] as const)
      ledger.add({
        table: `reconciliation_${stream}`,
        rows: pages.flatMap((page) => page[stream]),
        ...{ file, ledger: { ...source, stream } },
      });
  };
  for (let day = 0; day < days; day++) {
    ledger.day();
    const on = new Date(begin + day * 86_400_000).toISOString().slice(0, 10);
    const pages = accounts.filter(() => !oneIn(choose, 5)).flatMap((account) => told(choose, account, on));
    const name = `camt053-${day}.xml`;
    land(name, 1, pages);
    files.push({ name, version: 1, pages });
    if (day === 0 || !oneIn(choose, 3)) {
      const rows = ownRecords(
        choose,
        files.flatMap((file) => file.pages),
        on,
      );
      ledger.add({
        table: "reconciliation_records",
        rows,
        ledger: { source: "reconciliation_records", stream: "records", batch: "full" },
      });
      loads++;
    }
    if (oneIn(choose, 3)) {
      const { pages: old, name: first } = pick(choose, files);
      const again = old.map((page) => changed(choose, page));
      if (oneIn(choose, 2)) land(`camt053-${day}-again.xml`, 1, again);
      else {
        const newest = files.find((one) => one.name === first)!;
        newest.version++;
        land(first, newest.version, again);
      }
    }
    if (oneIn(choose, 2)) {
      const entries = files.flatMap((file) => file.pages).flatMap((one) => one.entries);
      ledger.add(announced(choose, announcements, entries, on));
      filed.push([++loads]);
    }
    if (day > 0 && !oneIn(choose, 3)) {
      ledger.add(decisions(choose, on));
      loads++;
    }
    if (oneIn(choose, 4)) {
      // a file is taken back, or counts again, with all of its loads
      const file = choose(filed.length);
      const again = struck.delete(file);
      if (!again) struck.add(file);
      for (const load of filed[file]!) ledger.add(again ? { undo: load } : { strike: load });
    }
  }
  return { tables, days: ledger.days };
}

function accountsOf(): Account[] {
  const account = (iban: string | null, other: string | null, currency: string, isNumbered: boolean): Account => ({
    head: { iban, other_account: other, account_currency: currency },
    ...{ isNumbered, balance: 10_000, number: 361, nth: 0 },
  });
  return [
    account("DE00 1", null, "EUR", true),
    account(null, "nl 2", "EUR", false),
    account("MULTI", null, "EUR", true),
    account("MULTI", null, "USD", true),
    account("REUSED", null, "EUR", false),
  ];
}

/** The statement of a day, in one page or two. */
function told(choose: Choose, account: Account, on: string): Page[] {
  if (account.isNumbered) {
    account.number = on.startsWith("2026") && account.number > 300 ? 1 : account.number + 1;
    if (oneIn(choose, 8)) account.number++;
  }
  account.nth++;
  const { head, balance: opening } = account;
  const entries = Array.from({ length: choose(4) }, (_, index) =>
    entryOf(choose, account, `${account.nth}-${index}`, on),
  );
  const booked = entries.filter(({ status }) => status === '{"Cd": "BOOK"}');
  const cents = booked.map(centsOf);
  account.balance += cents.reduce((total, one) => total + one, 0);
  const closing = account.balance + (oneIn(choose, 8) ? 5 : 0);
  // Pages of statements that have one name are told apart by nothing: a limit that the page states.
  const isPaged = entries.length > 1 && head.iban !== "REUSED" && oneIn(choose, 3);
  const named = {
    ...head,
    statement_id: head.iban === "REUSED" ? "SAME" : `S-${account.nth}`,
    sequence_no: account.isNumbered ? account.number : null,
    ...{ period_from: null, period_to: null, message_page_no: null },
  };
  const balance = (page: Row, code: string, value: number): Row => ({
    ...page,
    ...{ message_id: "M", copy_indicator: null, code, currency: head.account_currency!, balance_on: on },
    ...{ balance_at: null, ...sided(value) },
  });
  if (!isPaged) {
    const page = { ...named, page_no: null };
    return [
      {
        balances: [balance(page, "OPBD", opening), balance(page, "CLBD", closing)],
        totals: oneIn(choose, 2) ? [totalsOf(choose, page, booked)] : [],
        entries: entries.map((one) => ({ ...page, ...one })),
      },
    ];
  }
  const [first, last] = [1, 2].map((page_no) => ({ ...named, page_no }));
  const interim = opening + (booked.includes(entries[0]!) ? centsOf(entries[0]!) : 0);
  return [
    {
      balances: [balance(first!, "OPBD", opening), balance(first!, "ITBD", interim)],
      totals: [],
      entries: [{ ...first!, ...entries[0]! }],
    },
    {
      balances: [balance(last!, "ITBD", interim), balance(last!, "CLBD", closing)],
      totals: [],
      entries: entries.slice(1).map((one) => ({ ...last!, ...one })),
    },
  ].filter((_, index) => index === 0 || !oneIn(choose, 8));
}

const centsOf = (one: Row) => Math.round(Number(one.amount) * 100) * (one.indicator === "DBIT" ? -1 : 1);

function totalsOf(choose: Choose, page: Row, booked: readonly Row[]): Row {
  const of = (indicator: string) => booked.filter((one) => one.indicator === indicator);
  const total = (own: readonly Row[]) => money(own.reduce((all, one) => all + Math.abs(centsOf(one)), 0));
  return {
    ...page,
    entry_count: booked.length + (oneIn(choose, 6) ? 1 : 0),
    credit_count: oneIn(choose, 4) ? null : of("CRDT").length,
    credit_sum: total(of("CRDT")),
    debit_count: of("DBIT").length,
    debit_sum: total(of("DBIT")),
  };
}

function entryOf(choose: Choose, { head }: Account, id: string, on: string): Row {
  const cents = (choose(2) ? 1 : -1) * (100 + choose(5) * 50);
  const [servicer, own] = pick(choose, [
    [`B-${id}`, null],
    [`B-${id}`, `N-${id}`],
    [null, `N-${id}`],
    [null, null],
    ["SAME", null],
  ]);
  const amount = { "@Ccy": head.account_currency, "#text": money(cents + (oneIn(choose, 5) ? 1 : 0)) };
  const refs = pick<Readonly<Record<string, string>>>(choose, [
    { EndToEndId: `E-${id}`, TxId: `T-${id}` },
    { EndToEndId: "NOTPROVIDED", TxId: `T-${id}` },
    { UETR: `U-${id}` },
  ]);
  const details = oneIn(choose, 5)
    ? inParts(id, head, cents, oneIn(choose, 5) ? 1 : 0)
    : [{ Refs: refs, ...(oneIn(choose, 2) ? { Amt: amount } : {}), ...partiesOf(choose) }];
  return {
    // A batch is named: what is named nothing is known by its content.
    ...{ entry_reference: own!, servicer_reference: servicer ?? (own || details.length === 1 ? null : `B-${id}`) },
    ...sided(cents),
    currency: oneIn(choose, 12) ? "CHF" : head.account_currency!,
    reversal: pick(choose, ["true", "false", null]),
    status: `{"Cd": "${pick(choose, ["BOOK", "BOOK", "BOOK", "BOOK", "PDNG", "INFO"])}"}`,
    booked_on: on,
    ...{ booked_at: null, value_on: null, info: null, batches: "[]", details: JSON.stringify(details) },
  };
}

/** Who pays whom, sometimes: of the two one is we. */
function partiesOf(choose: Choose) {
  const name = pick(choose, [null, "Muster AG", "ACME  ltd"]);
  return name && { RltdPties: { Cdtr: { Nm: name }, Dbtr: { Nm: pick(choose, [name, "We"]) } } };
}

/** A batch of two transactions, which make up the entry unless they are off. */
function inParts(id: string, head: Row, cents: number, off: number) {
  const [first, second] = [Math.trunc(cents / 3), cents - Math.trunc(cents / 3) + off];
  return [first, second].map((part, index) => ({
    Refs: { EndToEndId: `P-${id}-${index}` },
    Amt: { "@Ccy": head.account_currency!, "#text": money(part) },
  }));
}

/** The same page again: as it was, as a copy, or with another entry. */
function changed(choose: Choose, page: Page): Page {
  const copy = oneIn(choose, 3) ? "DUPL" : null;
  return {
    ...page,
    balances: page.balances.map((row) => ({ ...row, copy_indicator: copy })),
    entries: oneIn(choose, 3) ? page.entries.map((row) => ({ ...row, servicer_reference: "OTHER" })) : page.entries,
  };
}

/** What we have of it: most, some of it booked on another day or with another amount, some that the bank does not know yet, or never. */
function ownRecords(choose: Choose, pages: readonly Page[], today: string): Row[] {
  const known = pages
    .flatMap(({ entries }) => entries)
    .filter(() => !oneIn(choose, 4))
    .map((entry) => {
      const cents = centsOf(entry) + (oneIn(choose, 8) ? 7 : 0);
      const reference = (entry.servicer_reference ?? entry.entry_reference ?? pick(choose, [null, "E-1"])) as
        | string
        | null;
      const account = `${entry.iban ?? entry.other_account}`;
      return {
        account: oneIn(choose, 2) ? account.toLowerCase() : account,
        reference: oneIn(choose, 6) ? `O${reference}` : oneIn(choose, 6) ? ` ${reference} ` : (reference ?? "none"),
        amount: `${cents < 0 ? "-" : ""}${money(cents)}`,
        currency: pick(choose, [entry.currency!, entry.currency!, "GBP"]),
        booked_on: dayAfter(String(entry.booked_on), pick(choose, [0, 0, 0, 1, 2, 5])),
      };
    });
  const own = ["DE001", "MULTI", "NOWHERE"].map((account, index) => ({
    ...{ account, reference: pick(choose, [`NEW-${index}`, "TWICE"]), amount: "9.99", currency: "EUR" },
    booked_on: dayAfter(today, choose(6) - 3),
  }));
  return [...known, ...own, ...own.slice(choose(3))].map((row, index) => ({
    ...{ record_id: `R${index}`, ...row, counterparty: pick(choose, [null, "muster ag", "ACME ltd", "We"]) },
    ...{ remittance: null, batch: null },
  }));
}

/** A notification: of what is booked, or was with another amount, of what never is, of what was announced before, and taken back. */
function announced(choose: Choose, before: Row[], entries: readonly Row[], on: string): Landed {
  const told = new Set(before.map(nameOf));
  const unique = entries.filter((one) => nameOf(one) !== "SAME" && nameOf(one) !== "null" && !told.has(nameOf(one)));
  const of = new Map(unique.map((one) => [nameOf(one), one]));
  const fresh = [...of.values()].filter(() => oneIn(choose, 4)).map((one) => announcing(choose, one, on));
  const never = oneIn(choose, 2) ? madeUp(choose, on, before.length) : [];
  const again = before.filter(() => oneIn(choose, 6));
  before.push(...fresh, ...never);
  return {
    table: "reconciliation_notifications",
    rows: [...fresh, ...never, ...again].map((row) => ({ notification_id: `N-${on}`, ...row })),
    file: { path: `camt054-${on}.xml`, checksum: `camt054 ${on}` },
    ledger: { source: "reconciliation", stream: "notifications", batch: "log" },
  };
}

const nameOf = ({ iban, other_account, servicer_reference, entry_reference }: Row) =>
  servicer_reference === "SAME"
    ? "SAME"
    : `${servicer_reference ?? entry_reference} ${iban ?? other_account}`.replace(/^null .*/, "null");

const OF_AN_ENTRY = [
  ...["iban", "other_account", "account_currency", "entry_reference", "servicer_reference", "amount", "currency"],
  ...["indicator", "details", "batches", "booked_at", "info"],
];

function announcing(choose: Choose, entry: Row, on: string): Row {
  const isOne = (JSON.parse(String(entry.details)) as unknown[]).length === 1;
  const day = dayAfter(String(entry.booked_on), choose(6) - 2);
  const [booked_on, value_on] = pick(choose, [
    [day, null],
    [null, day],
    [null, null],
  ]);
  return {
    ...Object.fromEntries(OF_AN_ENTRY.map((column) => [column, entry[column]!])),
    ...(isOne && oneIn(choose, 5) ? { amount: money(Math.abs(centsOf(entry)) + 7) } : {}),
    ...{ reversal: null, status: `{"Cd": "${pick(choose, ["BOOK", "PDNG", "FUTR", "INFO"])}"}`, booked_on, value_on },
    announced_at: `${booked_on === null && value_on === null ? dayAfter(String(entry.booked_on), -1) : on}T09:00:00Z`,
  };
}

/** What is never booked, and sometimes its reversal. */
function madeUp(choose: Choose, on: string, number: number): Row[] {
  const row = {
    ...{ iban: pick(choose, ["DE00 1", "NOWHERE"]), other_account: null, account_currency: "EUR", currency: "EUR" },
    ...{ entry_reference: null, servicer_reference: `X-${number}`, amount: "7.00", indicator: "CRDT" },
    details: JSON.stringify([{ Refs: { EndToEndId: `XE-${number}` }, ...partiesOf(choose) }]),
    ...{ batches: "[]", booked_at: null, info: null, reversal: null, status: '{"Cd": "PDNG"}' },
    ...{ booked_on: dayAfter(on, choose(5) - 2), value_on: null, announced_at: `${on}T09:00:00Z` },
  };
  return oneIn(choose, 2) ? [row, { ...row, indicator: "DBIT", reversal: "true" }] : [row];
}

/** Somebody decides some of what is proposed. */
function decisions(choose: Choose, on: string): Asked {
  return {
    ask: "reconciliation.bank_proposals",
    by: ["account", "reference", "column_name", "proposal_id"],
    land: (proposals) => ({
      table: "reconciliation_decisions",
      rows: proposals
        .filter(() => oneIn(choose, 3))
        .map((proposal) => ({
          ...proposal,
          ...{ decision: pick(choose, ["accept", "accept", "reject"]), decided_by: "Ada", decided_on: on },
          comment: pick(choose, [null, "told by the bank"]),
        })),
      ledger: { source: "reconciliation_decisions", stream: "decisions" },
    }),
  };
}

const dayAfter = (day: string, days: number) =>
  new Date(Date.parse(`${day}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);
