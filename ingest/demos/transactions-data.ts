// Card transactions like those of a small bank: a few people and kinds of merchants do most, one in thirty comes back.
import { between, randomFor } from "../demo-api/random.ts";

type TransactionType = "PurchaseActivity" | "ReturnActivity" | "FeeActivity" | "ChargebackActivity";

export interface Transaction {
  readonly userId: number;
  readonly type: TransactionType;
  readonly merchantTypeCode: number;
  readonly cents: number;
  /** UTC, with 4 to 6 digits after the second and no zone. */
  readonly datetime: string;
}

export interface TransactionsOptions {
  readonly seed?: number;
  readonly rows: number;
  /** ISO dates; the last one is not included. */
  readonly from: string;
  readonly until: string;
}

const CODES = [
  5732, 5411, 5812, 5310, 5541, 5912, 5651, 4121, 7832, 5942, 5722, 5200, 5814, 5311, 5331, 5399, 5462, 5499, 5533,
  5611, 5621, 5631, 5641, 5655, 5661, 5691, 5699, 5712, 5714, 5734, 5735, 5811, 5813, 5921, 5941, 5943, 5944, 5945,
  5947, 5977, 4111, 4131, 4511, 4722, 4784, 4814, 4816, 4899, 7011, 7216, 7230, 7298, 7523, 7538, 7542, 7841, 7922,
  7991, 7997, 8011,
];
const USERS = 400;

/** The same for the same options, in the order of time. */
export function transactions({ seed = 1, rows, from, until }: TransactionsOptions): Transaction[] {
  const random = randomFor(seed, `transactions ${from}`);
  const [start, end] = [Date.parse(`${from}T00:00:00Z`), Date.parse(`${until}T00:00:00Z`)];
  // small numbers are the most likely: the square of an even spread
  const often = (count: number) => Math.floor(random() ** 2 * count);
  return Array.from({ length: rows }, () => {
    const userId = 31_000 + often(USERS);
    const merchantTypeCode = CODES[often(CODES.length)]!;
    const cents = Math.round(500 * 10 ** between(random, 0, 3));
    const type = typeOf(random());
    const ms = Math.floor(between(random, start, end));
    const micros = `${new Date(ms).toISOString().slice(0, -1)}${String(Math.floor(random() * 1000)).padStart(3, "0")}`;
    return { userId, type, merchantTypeCode, cents, datetime: micros.replace(/(\.\d{4}\d*?)0+$/, "$1") } as const;
  }).sort((a, b) => (a.datetime < b.datetime ? -1 : 1));
}

/** One in thirty comes back, one in a hundred is a fee, one in four hundred is disputed. */
function typeOf(chance: number): TransactionType {
  if (chance < 1 / 30) return "ReturnActivity";
  if (chance < 1 / 30 + 1 / 100) return "FeeActivity";
  return chance < 1 / 30 + 1 / 100 + 1 / 400 ? "ChargebackActivity" : "PurchaseActivity";
}

export function transactionsCsv(rows: readonly Transaction[]): string {
  const lines = rows.map((row) => [row.userId, row.type, row.merchantTypeCode, row.cents, row.datetime].join());
  return `${["user_id,transaction_type,merchant_type_code,amount_cents,datetime", ...lines].join("\n")}\n`;
}
