// Our records against what counts of the bank's, from docs/products/reconciliation.md: who could have told of them, which finds
// which, and how long what is open has been.

import { corrections } from "./bank-corrections.ts";
import { bankResults, outcomesOf } from "./bank-results.ts";
import { count, dayNumber, type Exact, number } from "./exact.ts";
import { type PassRow, passesFound } from "./passes.ts";
import { type Expected, grouped, type Raw, type RawRow, type Row } from "./relation.ts";

/** What counts of the bank's: an entry. */
export interface Booked {
  readonly account: string;
  readonly reference: string;
  readonly amount: Exact;
  readonly currency: string;
  readonly statementCurrency: string;
  readonly day: string;
  readonly counterparty: string | null;
  /** References and amounts of its transactions, where it has several, of which one without an amount in its currency has none. */
  readonly transactions: readonly {
    readonly reference: string;
    readonly amount: Exact | null;
    readonly counterparty: string | null;
  }[];
}

/** The last day of a closing balance. */
export interface Closed {
  readonly account: string;
  readonly currency: string;
  readonly day: string;
}

export interface Own {
  readonly row: RawRow;
  readonly account: string;
  readonly reference: string;
  readonly amount: Exact;
  readonly currency: string;
  readonly day: string;
  readonly counterparty: string | null;
  readonly notDue: string | null;
  readonly setAside: string | null;
}

const NAMES: Readonly<Record<string, string>> = { parts: "one reference", amount: "amount and day" };
const BOUNDS = { days: 3, most: 4, candidates: 16 };
const accountOf = (account: string) => account.replaceAll(" ", "").toUpperCase();
const latest = (days: readonly string[]) => [...days].sort().at(-1);
const isEqual = (a: Exact, b: Exact) => a.over === b.over && a.under === b.under;
const thousandths = ({ over, under }: Exact) => Number((over * 1000n) / under);

export function bankRows(
  raw: Raw,
  booked: readonly Booked[],
  closed: readonly Closed[],
  heads: readonly Pick<Closed, "account" | "currency">[],
): Record<string, Expected> {
  const told = [
    ...closed,
    ...booked.map(({ account, statementCurrency, day }) => ({ account, currency: statementCurrency, day })),
  ];
  const own = ownRecords(raw, booked, told, heads);
  const counting = own.filter(({ setAside }) => setAside === null);
  const theirs = booked.flatMap((one) => countedAs(one, own));
  const found = grouped([...counting, ...theirs], ({ account }) => account).map((all) => rowsOf(all, counting));
  const rows = found.flatMap((one) => one.rows);
  const notDue = new Set(
    rows.filter(({ row }) => row.status === "not_due").map(({ row }) => `${row.account} ${row.reference}`),
  );
  const results = bankResults(
    rows,
    found.flatMap(({ groups }) => groups),
  );
  return {
    "history.reconciliation_own_records": {
      key: ["record_id"],
      without: [
        "account_given",
        "reference_given",
        "key_source",
        "counterparty",
        "remittance",
        "batch",
        "load_id",
        "row_no",
      ],
      rows: own.map(({ row, account, reference, amount, day, notDue: why, setAside }) => ({
        ...{ record_id: row.record_id!, account, reference, amount, currency: row.currency!, booked_on: day },
        ...{ not_due: why, set_aside: setAside },
      })),
    },
    ...results,
    ...corrections(raw, results["reconciliation.bank_proposals"]!.rows, counting),
    "reconciliation.open_items": {
      key: ["account", "reference"],
      without: ["amount_ours", "amount_theirs"],
      rows: rows
        .filter(({ row }) => ["missing_in_ours", "missing_in_theirs", "mismatched"].includes(String(row.status)))
        .map((one) =>
          aged(one, latest(told.filter(({ account }) => account === one.row.account).map(({ day }) => day))),
        ),
    },
    "ours aside": {
      key: [],
      rows: grouped(
        own.filter(
          (one) => one.setAside !== null || (one.notDue !== null && notDue.has(`${one.account} ${one.reference}`)),
        ),
        ({ notDue: why, account, row }) => JSON.stringify([why, account, row.currency]),
      ).map((some) => ({
        ...{
          side: "ours",
          reason: some[0]!.notDue,
          account: some[0]!.account,
          path: null,
          row_count: count(some.length),
        },
        ...{ currency: some[0]!.row.currency!, amount: some.map(({ amount }) => amount).reduce(plus) },
      })),
    },
  };
}

const plus = (a: Exact, b: Exact): Exact => number(decimal(thousandths(a) + thousandths(b)));
const decimal = (of: number) => (of / 1000).toFixed(3);

function ownRecords(
  raw: Raw,
  booked: readonly Booked[],
  told: readonly Closed[],
  heads: readonly Pick<Closed, "account" | "currency">[],
): Own[] {
  const loads = raw._load!.filter(({ source, status }) => source === "reconciliation_records" && status === "loaded");
  const newest = loads
    .map(({ load_id }) => Number(load_id))
    .sort((a, b) => a - b)
    .at(-1);
  const known = new Set(
    booked.flatMap(({ account, reference, transactions }) =>
      [reference, ...transactions.map((one) => one.reference)].map((one) => `${account} ${one}`),
    ),
  );
  const all = raw
    .reconciliation_records!.filter(({ _load_id }) => Number(_load_id) === newest)
    .map((row) => {
      const [account, reference] = [accountOf(row.account!), row.reference!.trim()];
      const days = told.filter((one) => one.account === account);
      const stated = [...days, ...heads.filter((one) => one.account === account)];
      const isSeveral = new Set(stated.map(({ currency }) => currency)).size > 1;
      const mine = isSeveral ? days.filter(({ currency }) => currency === row.currency!.trim().toUpperCase()) : days;
      const until = latest(mine.map(({ day }) => day));
      let notDue: string | null = null;
      if (!days.length) notDue = "no statement of the account";
      else if (until === undefined) notDue = "no statement of the account in this currency";
      else if (row.booked_on! > until) notDue = "after the last statement";
      return { row, account, reference, notDue, isTold: days.length > 0 };
    });
  return all.map(({ row, account, reference, notDue, isTold }) => {
    const isOnly = all.filter((other) => other.account === account && other.reference === reference).length === 1;
    const isTried = known.has(`${account} ${reference}`) || (isTold && isOnly);
    return {
      ...{ row, account, reference, amount: number(row.amount!), currency: row.currency!, day: row.booked_on! },
      ...{ counterparty: row.counterparty!, notDue },
      setAside: isTried ? null : notDue,
    };
  });
}

/** An entry, or the transactions that make up all of it where we have no record of the whole. */
function countedAs(entry: Booked, own: readonly Own[]): Omit<Booked, "transactions">[] {
  const amounts = entry.transactions.flatMap(({ amount }) => amount ?? []);
  const isWhole =
    amounts.length === 0 ||
    amounts.length < entry.transactions.length ||
    !isEqual(amounts.reduce(plus), entry.amount) ||
    own.some(({ account, reference }) => account === entry.account && reference === entry.reference);
  if (isWhole) return [entry];
  return entry.transactions.map(({ reference, amount, counterparty }) => ({
    ...{ ...entry, reference, amount: amount!, counterparty },
  }));
}

/** The result of a key, and the rows that have it. */
export interface Found {
  readonly row: Row;
  readonly ours: readonly Side[];
  readonly theirs: readonly Side[];
  readonly days: readonly string[];
  readonly currency: string;
}

/** What a pass put together. */
export interface Group {
  readonly pass: string;
  readonly outcome: string;
  readonly ours: readonly Side[];
  readonly theirs: readonly Side[];
}

export type Side = Own | Omit<Booked, "transactions">;

function rowsOf(all: readonly Side[], own: readonly Own[]): { rows: readonly Found[]; groups: readonly Group[] } {
  const isOurs = (one: Side): one is Own => own.includes(one as Own);
  const passRows = all.map(
    (one): PassRow => ({
      ...{ id: one.reference, isOurs: isOurs(one), amount: thousandths(one.amount), currency: one.currency },
      ...{ day: dayNumber(one.day), batch: null },
    }),
  );
  const told = passesFound(passRows, BOUNDS);
  const rows = told.rows.map((line) => {
    const [, reference, n_ours, n_theirs, told, pass, confidence, note] =
      /^(.*) (\d+)\|(\d+) (\S+) (\S+) (\S+) (\S+)$/.exec(line)!;
    const mine = all.filter((one) => one.reference === reference);
    const ours = mine.filter(isOurs);
    const theirs = mine.filter((one) => !isOurs(one));
    const status = told === "paired" ? compared(ours[0]!, theirs[0]!) : told!;
    return {
      ...{ ours, theirs, days: mine.map(({ day }) => day), currency: (theirs[0] ?? ours[0]!).currency },
      row: {
        ...{ account: mine[0]!.account, reference: reference! },
        status: status === "missing_in_theirs" && ours[0]!.notDue !== null ? "not_due" : status,
        ...{ n_ours: n_ours!, n_theirs: n_theirs! },
        ...{ match_pass: dash(NAMES[pass!] ?? pass!), confidence: dash(confidence!), match_note: dash(note!) },
      },
    };
  });
  const groups = told.made.map(({ pass, outcome, members }) => {
    const sides = members.map((member) => all[passRows.indexOf(member)]!);
    return {
      ...{ pass: NAMES[pass] ?? pass, outcome },
      ...{ ours: sides.filter(isOurs), theirs: sides.filter((one) => !isOurs(one)) },
    };
  });
  return { rows, groups };
}

const dash = (text: string) => (text === "-" ? null : text);

function compared(ours: Side, theirs: Side): string {
  const outcomes = outcomesOf(ours, theirs).filter(({ isBlocking }) => isBlocking);
  if (outcomes.some(({ isFit }) => !isFit)) return "mismatched";
  return outcomes.some(({ outcome }) => outcome === "w") ? "matched_within_tolerance" : "matched";
}

function aged({ row, days, currency }: Found, until: string | undefined): Row {
  const [first] = [...days].sort();
  const age = until === undefined ? null : Math.max(dayNumber(until) - dayNumber(first!), 0);
  const named = (of: number) =>
    of <= 7 ? "0 to 7 days" : of <= 30 ? "8 to 30 days" : of <= 90 ? "31 to 90 days" : "over 90 days";
  return {
    ...{
      account: row.account!,
      reference: row.reference!,
      status: row.status!,
      booked_on: first!,
      told_until: until ?? null,
    },
    ...{ age_days: age === null ? null : count(age), age: age === null ? "no day" : named(age), currency },
  };
}
