// Transactions, from docs/products/transactions.md and what columns say of themselves.

import { count, type Exact, minus, moment, number, plus, sum, times, written, ZERO } from "./exact.ts";
import { loadsThatCount } from "./loads.ts";
import { grouped, type Oracle, type Raw, type RawRow, type Row } from "./relation.ts";

/** Which way the money went, for the user. */
const SIGN: Readonly<Record<string, 1 | -1>> = {
  PurchaseActivity: 1,
  ReturnActivity: -1,
  ChargebackActivity: -1,
  ChargebackReversalActivity: 1,
  FeeActivity: 1,
  FeeReversalActivity: -1,
};
const HUNDREDTH: Exact = { over: 1n, under: 100n };

interface Transaction {
  readonly row: RawRow;
  readonly type: string;
  readonly day: string;
  readonly code: bigint;
  readonly currency: string;
  readonly amount: Exact;
  readonly signed: Exact;
}

export const transactions: Oracle = (raw) => {
  const all = transactionsOf(raw);
  return {
    "transactions.by_user": {
      key: ["load_id", "row_no"],
      without: ["added_at"],
      rows: all.map(({ row, type, day, code, currency, amount, signed }) => ({
        user_id: row.user_id!,
        datetime: written(moment(row.datetime!)),
        date: day,
        transaction_type: type,
        merchant_type_code: String(code),
        merchant_code: row.merchant_type_code!,
        currency,
        amount_cents: number(row.amount_cents!),
        amount,
        signed_amount: signed,
        amount_in_dollars: currency === "USD" ? amount : null,
        load_id: row._load_id!,
        row_no: row._row_no!,
      })),
    },
    "transactions.merchant_daily_net": {
      key: ["merchant_type_code", "date", "currency"],
      without: ["computed_from"],
      rows: grouped(all, ({ code, day, currency }) => `${code} ${day} ${currency}`).map(dayOf),
    },
  };
};

function transactionsOf(raw: Raw): Transaction[] {
  const counting = new Set(firstOfEachContent(raw));
  return raw
    .transactions!.filter(({ _load_id }) => counting.has(_load_id!))
    .map((row) => {
      const amount = times(number(row.amount_cents!), HUNDREDTH);
      const type = row.transaction_type!;
      return {
        ...{ row, type, amount },
        day: row.datetime!.slice(0, 10),
        code: BigInt(row.merchant_type_code!),
        currency: row.currency ?? "USD",
        signed: SIGN[type] === 1 ? amount : minus(ZERO, amount),
      };
    });
}

/** Of loads of one content those of the name under which it landed first. */
function firstOfEachContent(raw: Raw): string[] {
  const seen = new Map<string, string>();
  return loadsThatCount(raw, "transactions")
    .filter(({ checksum, name }) => {
      const first = seen.get(checksum) ?? name;
      seen.set(checksum, first);
      return first === name;
    })
    .map(({ load }) => load);
}

function dayOf(all: readonly Transaction[]): Row {
  const { code, day, currency } = all[0]!;
  const of = (...types: string[]) => all.filter(({ type }) => types.includes(type));
  const signed = (some: readonly Transaction[]) => sum(some.map((one) => one.signed));
  const chargebackOf = of("ChargebackActivity", "ChargebackReversalActivity");
  const feeOf = of("FeeActivity", "FeeReversalActivity");
  const purchases = signed(of("PurchaseActivity"));
  const returns = minus(ZERO, signed(of("ReturnActivity")));
  const chargebacks = minus(ZERO, signed(chargebackOf));
  return {
    merchant_type_code: String(code),
    merchant_code: String(code).padStart(4, "0"),
    date: day,
    currency,
    ...{ purchases, returns, chargebacks },
    net_amount: minus(purchases, plus(returns, chargebacks)),
    fees: signed(feeOf),
    purchase_count: count(of("PurchaseActivity").length),
    return_count: count(of("ReturnActivity").length),
    chargeback_count: count(chargebackOf.length),
    fee_count: count(feeOf.length),
  };
}
