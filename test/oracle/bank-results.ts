// What a comparison says beside its rows, from docs/products/reconciliation.md and what columns say of themselves: which columns
// differ and by how much, what repeated keys say, what belongs together, how much money is where, and what to correct.

import type { Found, Group, Side } from "./bank-rows.ts";
import { count, dayNumber, type Exact, minus, number, order, sum, ZERO } from "./exact.ts";
import { type Cell, type Expected, grouped, type Row } from "./relation.ts";

interface Outcome {
  readonly column: "amount" | "currency" | "booked_on" | "counterparty";
  /** As in `outcomes` of a row. */
  readonly outcome: string;
  readonly isBlocking: boolean;
  readonly isFit: boolean;
}

const COLUMNS = ["amount", "currency", "booked_on", "counterparty"] as const;
const KINDS = { amount: "money", currency: "text", booked_on: "date", counterparty: "text" };
/** The name as it is compared: without case and double blanks. */
const form = (name: string | null) => name?.replace(/ +/g, " ").toUpperCase() ?? null;
const same = (a: Exact, b: Exact) => order(a, b) === 0;

/** How two rows of one key compare, column by column. */
export function outcomesOf(ours: Side, theirs: Side): readonly Outcome[] {
  const apart = Math.abs(dayNumber(ours.day) - dayNumber(theirs.day));
  const isOne = ours.currency === theirs.currency;
  const found = {
    amount: isOne && same(ours.amount, theirs.amount) ? "e" : "d",
    currency: isOne ? "e" : "d",
    booked_on: apart === 0 ? "e" : apart <= 3 ? "w" : "d",
    counterparty: named(form(ours.counterparty), form(theirs.counterparty)),
  };
  return COLUMNS.map((column) => {
    const outcome = found[column];
    return { column, outcome, isBlocking: column !== "counterparty", isFit: "ebw".includes(outcome) };
  });
}

function named(ours: string | null, theirs: string | null): string {
  if (ours === null) return theirs === null ? "b" : "o";
  if (theirs === null) return "t";
  return ours === theirs ? "e" : "d";
}

const isPair = ({ ours, theirs }: Found) => ours.length === 1 && theirs.length === 1;
const isRepeated = ({ ours, theirs }: Found) => ours.length > 1 || theirs.length > 1;
const total = (own: readonly Side[]) => sum(own.map(({ amount }) => amount));
const size = (value: Exact) => (order(value, ZERO) < 0 ? minus(ZERO, value) : value);
const isOpen = ({ row }: Found) => row.status === "missing_in_ours" || row.status === "missing_in_theirs";

export function bankResults(all: readonly Found[], groups: readonly Group[]): Record<string, Expected> {
  return {
    "reconciliation.bank_rows": {
      key: ["account", "reference"],
      without: ["match_group", "our_row_hash", "their_row_hash", "ours", "theirs"],
      rows: all.map((one) => ({ ...one.row, ...valuesOf(one) })),
    },
    "reconciliation.bank_columns": { key: ["column_name"], rows: columns(all.filter(isPair)) },
    "reconciliation.bank_summary": { key: ["status", "currency"], rows: summary(all) },
    "reconciliation.bank_duplicates": {
      key: ["account", "reference", "ours", "theirs"],
      without: ["row_hash"],
      rows: all.filter(isRepeated).flatMap(contents),
    },
    "reconciliation.bank_groups": {
      key: ["match_pass", "outcome", "ours", "theirs"],
      without: ["match_group"],
      rows: groups.map(sums),
    },
    "reconciliation.bank_proposals": {
      key: ["account", "reference", "column_name"],
      without: ["proposal_id"],
      rows: all.flatMap(proposals),
    },
  };
}

function valuesOf(one: Found): Row {
  const [ours, theirs] = isRepeated(one) ? [] : [one.ours[0], one.theirs[0]];
  const outcomes = ours && theirs ? outcomesOf(ours, theirs) : [];
  const list = (isOf: (outcome: Outcome) => boolean) => `{${outcomes.filter(isOf).map(({ column }) => column)}}`;
  return {
    ...{ amount_ours: ours?.amount ?? null, amount_theirs: theirs?.amount ?? null },
    ...{ currency_ours: ours?.currency ?? null, currency_theirs: theirs?.currency ?? null },
    amount_diff: ours && theirs && ours.currency === theirs.currency ? minus(theirs.amount, ours.amount) : null,
    diff_columns: list(({ isBlocking, isFit }) => isBlocking && !isFit),
    within_tolerance_columns: list(({ outcome }) => outcome === "w"),
    outcomes: ours && theirs ? outcomes.map(({ outcome }) => outcome).join("") : null,
  };
}

function columns(pairs: readonly Found[]): Row[] {
  const outcomes = pairs.map(({ ours, theirs }) => outcomesOf(ours[0]!, theirs[0]!));
  const currencies = new Set(pairs.flatMap(({ ours, theirs }) => [ours[0]!.currency, theirs[0]!.currency]));
  const isOne = currencies.size === 1;
  return COLUMNS.map((column_name, index) => {
    const of = (letters: string) => outcomes.filter((one) => letters.includes(one[index]!.outcome)).length;
    const isMoney = column_name === "amount" && isOne;
    const [ours, theirs] = [total(pairs.map((one) => one.ours[0]!)), total(pairs.map((one) => one.theirs[0]!))];
    const diffs = pairs.map((one) => size(minus(one.theirs[0]!.amount, one.ours[0]!.amount)));
    return {
      ...{ position: count(index + 1), column_name, kind: KINDS[column_name], compared: count(pairs.length) },
      ...{ equal: count(of("e")), both_null: count(of("b")), null_in_ours: count(of("o")) },
      ...{ null_in_theirs: count(of("t")), within_tolerance: count(of("w")), different: count(of("d")) },
      match_pct: percentage(of("ebw"), pairs.length),
      currency: isMoney ? [...currencies][0]! : null,
      ...{ sum_ours: isMoney ? ours : null, sum_theirs: isMoney ? theirs : null },
      ...{ sum_diff: isMoney ? minus(theirs, ours) : null, max_abs_diff: isMoney ? diffs.sort(order).at(-1)! : null },
    };
  });
}

/** With 4 digits, rounded down: 100 is all of them. */
const percentage = (part: number, all: number) =>
  all === 0 ? null : number(`${(BigInt(part) * 1_000_000n) / BigInt(all)}e-4`);

function summary(all: readonly Found[]): Row[] {
  return grouped(all, ({ row }) => String(row.status)).flatMap((own) => {
    const sides = own.flatMap(({ ours, theirs }) => [...ours, ...theirs]);
    return [...new Set(sides.map(({ currency }) => currency))].map((currency): Row => {
      const of = (rows: readonly Side[]) => rows.filter((one) => one.currency === currency);
      const [ours, theirs] = [of(own.flatMap((one) => one.ours)), of(own.flatMap((one) => one.theirs))];
      return {
        ...{ status: own[0]!.row.status!, currency },
        keys: count(own.filter((one) => countedIn(one) === currency).length),
        ...{ rows_ours: count(ours.length), rows_theirs: count(theirs.length) },
        ...{ amount_ours: total(ours), amount_theirs: total(theirs), amount_diff: minus(total(theirs), total(ours)) },
      };
    });
  });
}

/** The currency of a key among the keys: theirs, or ours where they have no row; of a repeated one the first by its code. */
const countedIn = (one: Found) =>
  isRepeated(one) ? [...one.ours, ...one.theirs].map(({ currency }) => currency).sort()[0]! : one.currency;

/** Of a repeated key: a row for each content of the compared columns, as it came. */
function contents({ row, ours, theirs }: Found): Row[] {
  const content = ({ amount, currency, day, counterparty }: Side) =>
    [amount.over, amount.under, currency, day, counterparty].join("|");
  return grouped([...ours, ...theirs], content).map((own) => {
    const [mine, others] = [ours, theirs].map((side) => own.filter((one) => side.includes(one)));
    return {
      ...{ account: row.account!, reference: row.reference!, ours: said(...mine!), theirs: said(...others!) },
      ...{ n_ours: count(mine!.length), n_theirs: count(others!.length) },
      n_equal: count(Math.min(mine!.length, others!.length)),
      ...{ amount: own[0]!.amount, currency: own[0]!.currency },
    };
  });
}

const CONFIDENCE: Readonly<Record<string, string>> = { "amount and day": "medium", sum: "low" };

function sums({ pass, outcome, ours, theirs }: Group): Row {
  return {
    ...{ match_pass: pass, outcome, confidence: outcome === "matched" ? (CONFIDENCE[pass] ?? "high") : null },
    ...{ n_ours: count(ours.length), n_theirs: count(theirs.length), currency: [...ours, ...theirs][0]!.currency },
    ...{ sum_ours: total(ours), sum_theirs: total(theirs), sum_diff: minus(total(theirs), total(ours)) },
    ...{ ours: said(...ours), theirs: said(...theirs) },
  };
}

function proposals(one: Found): Row[] {
  const { account, reference, status, match_note } = one.row;
  const key = { account: account!, reference: reference!, status: status! };
  const [ours, theirs] = [one.ours[0], one.theirs[0]];
  if (status === "mismatched")
    return (
      outcomesOf(ours!, theirs!)
        .filter(({ isBlocking, isFit }) => isBlocking && !isFit)
        // The figure is not other than it should be where the currency is.
        .filter(({ column }) => column !== "amount" || !same(ours!.amount, theirs!.amount))
        .map(({ column }) => ({
          ...{ ...key, column_name: column, proposed_action: "update" },
          ...{ our_value: cellOf(ours!, column), their_value: cellOf(theirs!, column) },
        }))
    );
  if (!isOpen(one)) return [];
  const isKnown = theirs !== undefined && match_note !== "ambiguous" && match_note !== "sum_differs";
  return [
    {
      ...{ ...key, column_name: null, proposed_action: isKnown ? "insert" : "investigate" },
      ...{ our_value: ours ? said(ours) : null, their_value: theirs ? said(theirs) : null },
    },
  ];
}

const cellOf = (side: Side, column: Outcome["column"]): Cell =>
  column === "amount" ? side.amount : column === "booked_on" ? side.day : side[column];

/** What is shown of a row, of all that is. */
const whole = ({ account, reference, amount, currency, day, counterparty }: Side) => ({
  ...{ account, reference, amount, currency, booked_on: day, counterparty },
});
const said = (...sides: readonly Side[]) => ({ said: sides.map(whole) });
