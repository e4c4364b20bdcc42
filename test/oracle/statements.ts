// Statements of a bank, from docs/products/reconciliation.md and what columns say of themselves: what counts, why the rest does
// not, and what every statement is checked for.

import { announcements } from "./bank-announced.ts";
import { type Booked, bankRows, type Closed } from "./bank-rows.ts";
import { count, type Exact, minus, number, order, plus, sum, ZERO } from "./exact.ts";
import { grouped, type Oracle, type Raw, type RawRow, type Row } from "./relation.ts";
import {
  accountOf,
  type Details,
  type Entry,
  entriesIn,
  type File,
  filesIn,
  headOf,
  partyOf,
  referenceOf,
  SOURCES,
  signed,
} from "./statement-entries.ts";

const RETAKEN = "the load was taken back";
const REPLACED = "a newer version of the file has landed";
const ANNOUNCED = "announced";
const AGAIN = "the statement was delivered again";

/** A page of a statement, as one file has it; a statement without pages is one. */
interface Page {
  readonly head: RawRow;
  readonly file: File;
  readonly of: string;
  readonly opening: Exact | null;
  readonly closing: Exact | null;
  readonly closedOn: string | null;
  readonly toldOn: string;
  readonly currency: string;
  /** Those that are booked. */
  readonly entries: readonly Entry[];
  readonly deliveries: number;
  readonly counts: boolean;
}

export const statements: Oracle = (raw) => {
  const entries = entriesIn(raw);
  const notified = entriesIn(raw, "notifications");
  const pages = pagesIn(raw, entries);
  const aside = (entry: Entry) => setAside(entry, pages);
  const counting = entries.filter((entry) => aside(entry) === null);
  const { "ours aside": oursAside, ...ours } = bankRows(raw, counting.map(bookedOf), closedIn(pages), headsIn(pages));
  const told = [
    ...entries.map((entry) => ({ entry, why: aside(entry) })),
    ...notified.map((entry) => ({ entry, why: announcedAside(entry) })),
  ];
  const until = [
    ...closedIn(pages),
    ...counting.map(({ row }) => ({ account: accountOf(row), currency: row.currency!, day: row.booked_on! })),
  ];
  const checked = pages.flatMap((page) => checksOf(page, pages, raw));
  return {
    "history.reconciliation_bank_entries": {
      key: ["load_id", "row_no"],
      without: [
        ...["origin", "path", "checksum", "account_given", "statement_id", "account_currency", "sequence_no", "period"],
        ...["page_no", "statement_currency", "counterparty", "remittance", "details_amount", "is_reversal"],
      ],
      rows: told.map(({ entry, why }) => ({
        load_id: entry.row._load_id!,
        row_no: entry.row._row_no!,
        account: accountOf(entry.row),
        reference: referenceOf(entry),
        key_source: SOURCES[entry.references.findIndex((one) => one !== null)]!,
        amount: entry.amount,
        currency: entry.row.currency!,
        booked_on: entry.row.booked_on!,
        set_aside: why,
      })),
    },
    "reconciliation.set_aside": {
      key: ["side", "reason", "account", "path", "currency"],
      rows: grouped(
        told.filter(({ why }) => why !== null),
        ({ entry: { row, file }, why }) => JSON.stringify([why, accountOf(row), file.path, row.currency]),
      )
        .map((own) => ({
          side: "theirs",
          reason: own[0]!.why,
          account: accountOf(own[0]!.entry.row),
          path: own[0]!.entry.file.path,
          row_count: count(own.length),
          currency: own[0]!.entry.row.currency!,
          amount: sum(own.map(({ entry }) => entry.amount)),
        }))
        .concat(oursAside!.rows as never[]),
    },
    ...ours,
    ...announcements(
      notified.filter(({ file }) => !file.isStruck && file.isNewest),
      counting,
      until,
    ),
    "reconciliation.statement_checks": {
      key: ["path", "account", "statement_id", "account_currency", "sequence_no", "page_no", "check_name"],
      without: ["statement_key", "period"],
      rows: checked,
    },
    "reconciliation.inputs": { key: ["load_id"], rows: inputs(raw) },
    "reconciliation.reversals": {
      key: ["load_id", "row_no"],
      without: ["counterparty"],
      rows: reversals(entries.filter((entry) => aside(entry) === null)),
    },
  };
};

function bookedOf({ row, amount, references }: Entry): Booked {
  const details = JSON.parse(row.details ?? "[]") as Details[];
  return {
    ...{ account: accountOf(row), reference: references.find((one) => one !== null)!, amount },
    ...{ currency: row.currency!, statementCurrency: row.account_currency!, day: row.booked_on! },
    // Of one transaction: who is on the other side of several, each of them says.
    counterparty: details.length === 1 ? partyOf(row, details[0]!) : null,
    // Of several; of one the entry has the reference.
    transactions: (details.length > 1 ? details : []).map(({ Refs: refs = {}, Amt, RltdPties }) => ({
      counterparty: partyOf(row, { RltdPties }),
      reference: (refs.EndToEndId === "NOTPROVIDED" ? undefined : refs.EndToEndId) ?? refs.TxId ?? refs.UETR!,
      amount: Amt?.["@Ccy"] === row.currency ? signed({ ...row, amount: Amt!["#text"] }) : null,
    })),
  };
}

const headsIn = (pages: readonly Page[]) =>
  pages.filter(({ counts }) => counts).map(({ head, currency }) => ({ account: accountOf(head), currency }));

const closedIn = (pages: readonly Page[]): Closed[] =>
  pages.flatMap(({ counts, closedOn, head, currency }) =>
    counts && closedOn !== null ? [{ account: accountOf(head), currency, day: closedOn }] : [],
  );

const same = (a: Exact | null, b: Exact | null) => (a && b ? order(a, b) === 0 : a === b);

function pagesIn(raw: Raw, entries: readonly Entry[]): Page[] {
  const files = filesIn(raw, "balances");
  const found = grouped(raw.reconciliation_balances!, (row) => `${row._load_id} ${headOf(row)}`).map((own) => {
    const file = files.get(own[0]!._load_id!)!;
    const of = (...codes: string[]) => own.find(({ code }) => codes.includes(code!));
    const [opening, closing] = [of("OPBD", "PRCD"), of("CLBD")];
    const told = own.map(({ balance_on }) => balance_on!).sort();
    // The loads of a file land one after the other: balances, totals, entries.
    const read = entries.filter((entry) => entry.file.path === file.path && headOf(entry.row) === headOf(own[0]!));
    return {
      ...{ file, head: own[0]!, of: headOf(own[0]!) },
      opening: opening ? signed(opening) : null,
      closing: closing ? signed(closing) : null,
      closedOn: closing?.balance_on ?? null,
      toldOn: told.at(-1)!,
      currency: own[0]!.account_currency ?? (opening ?? closing ?? own[0]!).currency!,
      entries: read.filter((entry) => entry.status === "BOOK" && entry.file.isNewest),
    };
  });
  const newest = found.filter(({ file }) => file.isNewest);
  return newest.map((page) => {
    const alike = newest.filter((other) => other.of === page.of && other.toldOn === page.toldOn);
    const equal = alike.filter(
      (other) =>
        same(other.opening, page.opening) && same(other.closing, page.closing) && saidBy(other) === saidBy(page),
    );
    const isCopy = ({ head }: { head: RawRow }) => Number(head.copy_indicator !== null);
    const [first] = equal.sort((a, b) => isCopy(a) - isCopy(b) || Number(b.file.load) - Number(a.file.load));
    return { ...page, deliveries: alike.length, counts: first!.file === page.file };
  });
}

/** What tells the booked entries of one delivery from those of another. */
function saidBy({ entries }: { readonly entries: readonly Entry[] }): string {
  const said = entries.map(({ references, amount, row }) =>
    [...references, amount.over, amount.under, row.currency, row.booked_on].join("|"),
  );
  return said.sort().join("\n");
}

function asideOf({ file, status }: Entry): string | null {
  if (file.isStruck) return RETAKEN;
  if (!file.isNewest) return REPLACED;
  return status === "BOOK" ? null : `not booked: ${status}`;
}

/** Of a notification: any status but INFO announces. */
const announcedAside = (entry: Entry) =>
  asideOf({ ...entry, status: entry.status === "INFO" ? entry.status : "BOOK" }) ?? ANNOUNCED;

function setAside(entry: Entry, pages: readonly Page[]): string | null {
  const { file, row } = entry;
  const why = asideOf(entry);
  if (why !== null) return why;
  const page = pages.find((one) => one.file.path === file.path && one.of === headOf(row));
  return page && !page.counts ? AGAIN : null;
}

function checksOf(page: Page, pages: readonly Page[], raw: Raw): Row[] {
  const { head, file, entries, counts } = page;
  const credits = entries.filter(({ amount }) => order(amount, ZERO) >= 0);
  const debits = entries.filter(({ amount }) => order(amount, ZERO) < 0);
  const total = (own: readonly Entry[]) => sum(own.map(({ amount }) => amount));
  const totals = new Set(
    [...filesIn(raw, "totals").values()].filter(({ isNewest }) => isNewest).map(({ load }) => load),
  );
  const said = raw.reconciliation_totals!.find(
    (row) =>
      totals.has(row._load_id!) &&
      raw._load!.some(({ load_id, file: path }) => load_id === row._load_id && path === file.path) &&
      headOf(row) === page.of,
  );
  const saidOf = (column: string) => (said?.[column] == null ? null : number(said[column]!));
  const others = entries.filter(({ row }) => row.currency !== page.currency);
  const { opening, closing, amount } = wholeOf(page, pages);
  const before = counts && isHead(page, pages) ? beforeOf(page, pages) : {};
  const found = opening && plus(opening, amount);
  const checks: [name: string, expected: Exact | null, found: Exact | null, isMade?: boolean][] = [
    ["opening and entries make closing", closing, found, counts || (opening !== null && closing !== null)],
    ["transactions make entries", ZERO, count(entries.filter(differs).length)],
    ["entries are in the currency of the account", ZERO, count(others.length ? 1 : 0)],
    ["delivered once", count(1), count(page.deliveries)],
    ["is the original", ZERO, count(head.copy_indicator === null ? 0 : 1)],
    ["number of entries", saidOf("entry_count"), count(entries.length)],
    ["number of credits", saidOf("credit_count"), count(credits.length)],
    ["sum of credits", saidOf("credit_sum"), total(credits)],
    ["number of debits", saidOf("debit_count"), count(debits.length)],
    ["sum of debits", saidOf("debit_sum"), minus(ZERO, total(debits))],
    [
      "follows the statement before",
      before.number ?? null,
      head.sequence_no === null ? null : number(head.sequence_no!),
    ],
    ["opens where the one before closed", before.closing ?? null, opening],
  ];
  return checks
    .filter(([, expected, , isMade = expected !== null]) => isMade)
    .map(([check_name, expected, actual]) => ({
      path: file.path,
      account: accountOf(head),
      statement_id: head.statement_id!,
      account_currency: head.account_currency!,
      sequence_no: head.sequence_no!,
      page_no: head.page_no ?? "1",
      ...{ check_name, expected, found: actual },
      is_ok: expected !== null && actual !== null && order(expected, actual) === 0,
    }));
}

/** Whether the transactions of an entry have amounts in its currency, all of them, that do not add up to it. */
function differs({ row, amount }: Entry): boolean {
  const amounts = (JSON.parse(row.details ?? "[]") as Details[]).map(({ Amt }) => Amt);
  if (!amounts.length || amounts.some((one) => one?.["@Ccy"] !== row.currency)) return false;
  const added = sum(amounts.map((one) => number(one!["#text"])));
  return order(row.indicator === "DBIT" ? minus(ZERO, added) : added, amount) !== 0;
}

const statementOf = ({ head }: Page) =>
  JSON.stringify([accountOf(head), head.statement_id, head.account_currency, head.sequence_no]);

/** The pages that count and have account, currency, `Id` and number in common are one statement, if they are several. */
function pagesOf(page: Page, pages: readonly Page[]): readonly Page[] {
  const alike = pages.filter((other) => other.counts === page.counts && statementOf(other) === statementOf(page));
  if (!page.counts) return alike.filter(({ file }) => file === page.file);
  return new Set(alike.map(({ head }) => head.page_no ?? "1")).size > 1 ? alike : [page];
}

function wholeOf(page: Page, pages: readonly Page[]) {
  const own = pagesOf(page, pages);
  const highest = (values: readonly (Exact | null)[]) =>
    values.filter((one) => one !== null).reduce<Exact | null>((a, b) => (a && order(a, b) > 0 ? a : b), null);
  return {
    opening: highest(own.map(({ opening }) => opening)),
    closing: highest(own.map(({ closing }) => closing)),
    amount: sum(own.flatMap(({ entries }) => entries.map(({ amount }) => amount))),
    endedOn:
      own
        .flatMap(({ closedOn }) => closedOn ?? [])
        .sort()
        .at(-1) ??
      own
        .map(({ toldOn }) => toldOn)
        .sort()
        .at(-1)!,
  };
}

const isHead = (page: Page, pages: readonly Page[]) =>
  pagesOf(page, pages).every(({ head }) => Number(head.page_no ?? 1) >= Number(page.head.page_no ?? 1));

/** What the statement before says of this one: its number and the closing balance. */
function beforeOf(page: Page, pages: readonly Page[]): { readonly number?: Exact; readonly closing?: Exact } {
  const heads = pages
    .filter((other) => other.counts && isHead(other, pages))
    .filter(({ head, currency }) => accountOf(head) === accountOf(page.head) && currency === page.currency)
    .map((other) => ({ page: other, no: other.head.sequence_no, ...wholeOf(other, pages) }));
  const own = heads.find((other) => other.page === page)!;
  if (own.no !== null && own.no !== undefined) {
    const rank = (one: typeof own): [string, number] => [one.endedOn.slice(0, 4), Number(one.no)];
    const sorted = heads
      .filter(({ no }) => no !== null)
      .sort((a, b) => (rank(a)[0] < rank(b)[0] ? -1 : rank(a)[0] > rank(b)[0] ? 1 : rank(a)[1] - rank(b)[1]));
    const last = sorted[sorted.indexOf(own) - 1];
    if (!last) return {};
    const beginsAnew = own.no === "1" && last.endedOn.slice(0, 4) !== own.endedOn.slice(0, 4);
    return { number: beginsAnew ? count(1) : count(Number(last.no) + 1), closing: last.closing! };
  }
  const unnumbered = heads.filter(({ no }) => no === null);
  const isOf = (day: string | undefined) => (one: typeof own) => one.endedOn === day;
  const dayBefore = unnumbered
    .map(({ endedOn }) => endedOn)
    .filter((day) => day < own.endedOn)
    .sort()
    .at(-1);
  const follows = (one: typeof own) =>
    unnumbered.some(
      (other) =>
        other !== one && (isOf(one.endedOn)(other) || isOf(dayBefore)(other)) && same(other.closing, one.opening),
    );
  if (follows(own)) return { closing: own.opening! };
  const loaded = (one: typeof own) => Number(one.page.file.load);
  const begin = unnumbered
    .filter((one) => isOf(own.endedOn)(one) && !follows(one))
    .sort((a, b) => loaded(a) - loaded(b));
  if (dayBefore === undefined && begin[0] === own) return {};
  const others = unnumbered.filter(isOf(dayBefore ?? own.endedOn)).filter((one) => one !== own);
  const closings = others.flatMap(({ closing }) => closing ?? []);
  return closings.length ? { closing: closings.sort(order).at(-1)! } : {};
}

/** The loads of the files that count, and the last one of our records. */
function inputs(raw: Raw): Row[] {
  const counting = ["balances", "totals", "entries", "notifications"].flatMap((stream) =>
    [...filesIn(raw, stream).values()].filter(({ isNewest }) => isNewest).map(({ load }) => load),
  );
  const own = raw._load!.filter(({ source, status }) => source === "reconciliation_records" && status === "loaded");
  const last = own.map(({ load_id }) => Number(load_id)).sort((a, b) => b - a)[0];
  return raw
    ._load!.filter(({ load_id }) => counting.includes(load_id!) || Number(load_id) === last)
    .map((load) => ({
      side: load.source === "reconciliation" ? "theirs" : "ours",
      ...{ stream: load.stream!, path: load.file!, load_id: load.load_id!, landed_at: load.finished_at! },
      checksum: raw._file!.find(({ load_id }) => load_id === load.load_id)?.checksum ?? null,
      ...{ row_count: number(load.rows!), rejected: number(load.rejected!) },
    }));
}

/** Who is on the other side, where it is one transaction. */
function partyIn({ row }: Entry): string | null {
  const details = JSON.parse(row.details ?? "[]") as Details[];
  return details.length === 1 ? partyOf(row, details[0]!) : null;
}

function reversals(entries: readonly Entry[]): Row[] {
  const isReversal = ({ row }: Entry) => row.reversal === "true";
  return entries.filter(isReversal).map((entry) => {
    const opposite = entries.filter(
      (other) =>
        !isReversal(other) &&
        accountOf(other.row) === accountOf(entry.row) &&
        other.row.currency === entry.row.currency &&
        same(other.amount, minus(ZERO, entry.amount)) &&
        other.row.booked_on! <= entry.row.booked_on!,
    );
    const ofReference = opposite.filter((other) => referenceOf(other) === referenceOf(entry));
    const ofParty = opposite.filter((other) => partyIn(entry) !== null && partyIn(other) === partyIn(entry));
    const possible = ofReference.length ? ofReference : ofParty;
    const [only] = possible.length === 1 ? possible : [];
    return {
      load_id: entry.row._load_id!,
      row_no: entry.row._row_no!,
      account: accountOf(entry.row),
      reference: referenceOf(entry),
      amount: entry.amount,
      currency: entry.row.currency!,
      booked_on: entry.row.booked_on!,
      candidates: count(possible.length),
      found_by: ofReference.length ? "reference" : ofParty.length ? "counterparty" : null,
      original_reference: only ? referenceOf(only) : null,
      original_booked_on: only?.row.booked_on ?? null,
    };
  });
}
