// What the bank has announced, from docs/products/reconciliation.md (what is announced) and what columns say of themselves. In its
// worlds each announcement has references of its own.

import type { Closed } from "./bank-rows.ts";
import { count, dayNumber, type Exact, minus, order, sum, ZERO } from "./exact.ts";
import { type Expected, grouped, type Row } from "./relation.ts";
import { accountOf, type Details, type Entry, partyOf, referenceOf, SOURCES, signed } from "./statement-entries.ts";

interface Announced {
  readonly entry: Entry;
  readonly transaction: number;
  readonly references: readonly (string | null)[];
  readonly amount: Exact;
  readonly due: string;
  readonly counterparty: string | null;
}

/**
 * @param entries of notifications that count
 * @param booked entries of statements that count
 * @param told the days until which the bank has told
 */
export function announcements(
  entries: readonly Entry[],
  booked: readonly Entry[],
  told: readonly Closed[],
): Record<string, Expected> {
  const all = entries.filter(({ status }) => status !== "INFO").flatMap(partsOf);
  const once = grouped(all, sameness).map((own) => {
    const [last] = [...own].sort((a, b) => Number(b.entry.row._load_id) - Number(a.entry.row._load_id));
    return { ...last!, times: own.length };
  });
  const states = once.map((one) => ({ one, ...stateOf(one, booked, once) }));
  const place = ({ entry: { row }, transaction }: Announced): Row => ({
    ...{ load_id: row._load_id!, row_no: row._row_no!, transaction_no: count(transaction), account: accountOf(row) },
  });
  const key = ["load_id", "row_no", "transaction_no"];
  return {
    "history.reconciliation_announcements": {
      ...{ key, without: ["booked_by"] },
      rows: states.map(({ one, ...state }) => ({
        ...{ ...place(one), amount: one.amount, currency: one.entry.row.currency!, ...state },
      })),
    },
    "reconciliation.announced_items": {
      key,
      rows: states
        .filter(({ state }) => state !== "booked")
        .map(({ one, ...state }) => {
          const { row, file } = one.entry;
          const mine = told.filter(({ account }) => account === accountOf(row)).map(({ day }) => day);
          const until = mine.sort().at(-1) ?? null;
          const at = one.references.findIndex((reference) => reference !== null);
          return {
            ...{ ...place(one), ...state, reference: one.references[at]!, key_source: SOURCES[at]! },
            ...{ due_on: one.due, told_until: until, amount: one.amount, currency: row.currency! },
            overdue_days: until && count(Math.max(dayNumber(until) - dayNumber(one.due), 0)),
            ...{ counterparty: one.counterparty, remittance: null, times_announced: count(one.times) },
            ...{ notification_id: row.notification_id!, path: file.path },
          };
        }),
    },
  };
}

/** An entry, or the transactions that make it up. */
function partsOf(entry: Entry): Announced[] {
  const { row, amount, references } = entry;
  const details = JSON.parse(row.details ?? "[]") as Details[];
  const due = row.booked_on ?? row.value_on ?? row.announced_at!.slice(0, 10);
  const amounts = details.flatMap(({ Amt }) =>
    Amt?.["@Ccy"] === row.currency ? [signed({ ...row, amount: Amt!["#text"] })] : [],
  );
  const isWhole = details.length > 1 && amounts.length === details.length && same(sum(amounts), amount);
  if (!isWhole) {
    const counterparty = details.length === 1 ? partyOf(row, details[0]!) : null;
    return [{ entry, transaction: 0, references, amount, due, counterparty }];
  }
  return details.map((one, index) => ({
    ...{ entry, transaction: index + 1, amount: amounts[index]!, due, counterparty: partyOf(row, one) },
    references: [null, null, one.Refs?.EndToEndId ?? null, one.Refs?.TxId ?? null, one.Refs?.UETR ?? null],
  }));
}

const same = (a: Exact, b: Exact) => order(a, b) === 0;

/** What two notifications say alike is one; the day plays no part for the bank's own reference. */
function sameness({ entry: { row }, references, amount }: Announced): string {
  const first = references.findIndex((one) => one !== null);
  const days = first === 0 ? [] : [row.booked_on, row.value_on];
  return JSON.stringify([
    accountOf(row),
    first,
    references[first],
    `${amount.over}/${amount.under}`,
    row.currency,
    ...days,
  ]);
}

function stateOf(
  one: Announced,
  booked: readonly Entry[],
  all: readonly Announced[],
): Row & { readonly state: string } {
  const { entry, amount, due } = one;
  const none = { amount_booked: null, currency_booked: null };
  const found = booked.filter(
    (other) =>
      accountOf(other.row) === accountOf(entry.row) &&
      referencesOf(other).some((reference) => one.references.includes(reference)) &&
      (one.references[0] !== null || dayNumber(other.row.booked_on!) >= dayNumber(due) - 3),
  );
  const isPart = one.transaction > 0;
  if (found.some((other) => isPart || (same(other.amount, amount) && other.row.currency === entry.row.currency)))
    return { state: "booked", ...none };
  const [only] = found.length === 1 ? found : [];
  const told = only ? { amount_booked: only.amount, currency_booked: only.row.currency! } : none;
  if (found.length) return { state: "booked_otherwise", ...told };
  const other = all.find(
    (that) =>
      that !== one &&
      accountOf(that.entry.row) === accountOf(entry.row) &&
      referenceOf(that.entry) === referenceOf(entry) &&
      same(that.amount, minus(ZERO, amount)),
  );
  if (!other) return { state: "to_come", ...none };
  return { state: entry.row.reversal === "true" ? "takes_back" : "taken_back", ...none };
}

/** All of an entry's own, with those of its transactions. */
function referencesOf({ row, references }: Entry): string[] {
  const details = JSON.parse(row.details ?? "[]") as Details[];
  const inside = details.flatMap(({ Refs: refs = {} }) => [refs.EndToEndId, refs.TxId, refs.UETR]);
  return [...references, ...inside].flatMap((one) => (one && one !== "NOTPROVIDED" ? [one] : []));
}
