/**
 * What happens in a shop, day by day, and what its tables have to hold: the same for everybody, computed here and nowhere else.
 * Money is in cents.
 */

export interface Order {
  readonly order_id: number;
  /** Where the file does not say. */
  readonly customer_id: number | null;
  readonly country: string;
  readonly product: string;
  readonly qty: string;
  readonly cents: number;
  readonly status: "open" | "paid" | "cancelled";
  /** "2026-03-01 09:05" */
  readonly ordered_at: string;
  readonly coupon?: string;
}

export interface Product {
  readonly product: string;
  readonly name: string;
  readonly cents: number;
}

export interface Customer {
  readonly customer_id: number;
  readonly name: string;
  readonly tier: string;
  readonly updated_at: string;
}

export interface AdDay {
  readonly day: string;
  readonly ad: string;
  readonly cents: number;
  readonly clicks: number;
}

const FIRST = Date.UTC(2026, 2, 1);
const countries = ["DE", "FR", "NL", "PL"] as const;

/** Day 1 is 2026-03-01; 0 and less are the days before. */
export const dateOf = (day: number): string => new Date(FIRST + (day - 1) * 86_400_000).toISOString().slice(0, 10);
export const momentOf = (day: number, time: string): Date => new Date(`${dateOf(day)}T${time}Z`);

/** A number that is odd enough, the same each time. */
const mixed = (...numbers: number[]) =>
  numbers.reduce((sum, number) => (Math.imul(sum ^ number, 2_654_435_761) >>> 0) % 1_000_003, 7);

const ORDERS = 30;

export function ordersOf(day: number): Order[] {
  return Array.from({ length: ORDERS }, (_, k) => {
    const pick = mixed(day + 100, k);
    return {
      order_id: (day + 100) * 1000 + k,
      customer_id: 1 + (pick % 40),
      country: countries[pick % countries.length]!,
      product: `P${1 + (pick % 12)}`,
      qty: String(1 + (pick % 5)),
      cents: 199 + (pick % 90_000),
      status: k % 7 ? "paid" : "open",
      ordered_at: `${dateOf(day)} ${String(6 + (k % 14)).padStart(2, "0")}:${String(pick % 60).padStart(2, "0")}`,
    };
  });
}

/** All products of a day: some change their price, P12 comes and goes. */
export function productsOf(day: number): Product[] {
  return Array.from({ length: 12 }, (_, k) => k + 1)
    .filter((number) => number !== 12 || day % 5 !== 3)
    .map((number) => ({
      product: `P${number}`,
      name: `Product ${number}${number === 5 && day > 9 ? " (new recipe)" : ""}`,
      cents: number * 500 + (mixed(number, Math.floor((day + number) / 4)) % 7) * 100,
    }));
}

/** What the customers' system knows at the end of a day: each record as it is now. */
export function customersAt(day: number): Customer[] {
  return Array.from({ length: 40 }, (_, k) => k + 1).map((number) => ({
    customer_id: number,
    name: `Customer ${number}`,
    ...tierAt(number, day),
  }));
}

function tierAt(customer: number, day: number): { readonly tier: string; readonly updated_at: string } {
  const since = lastChange(customer, day);
  return {
    tier: ["basic", "silver", "gold"][mixed(customer, since) % 3]!,
    updated_at: `${dateOf(since)}T05:${String(customer).padStart(2, "0")}:00Z`,
  };
}

/** The last day on which this customer was changed. */
function lastChange(customer: number, day: number): number {
  for (let back = day; back > 1; back--) if (mixed(customer, back, 3) % 9 === 0) return back;
  return 1;
}

/** What the ads' system says on a day of another: clicks are counted for two more days. */
export function adsOf(day: number, saidOn: number): AdDay[] {
  const late = Math.min(2, saidOn - day);
  return ["brand", "search", "video"].map((ad, k) => {
    const pick = mixed(day + 50, k, 11);
    return { day: dateOf(day), ad, cents: 1000 + (pick % 5000), clicks: 100 + (pick % 50) + late * (1 + (pick % 3)) };
  });
}

export const money = (cents: number): string => `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, "0")}`;
const german = (cents: number): string => money(cents).replace(".", ",");
const germanTime = (text: string): string => text.replace(/^(\d+)-(\d+)-(\d+)/, "$3.$2.$1");

/** The file as the shop's system writes it, for Excel in Germany. */
export function ordersCsv(orders: readonly Order[], { coupons = false, header = HEADER } = {}): string {
  const names = coupons ? [...header, "coupon"] : header;
  const lines = orders.map((one) => [
    one.order_id,
    one.customer_id,
    one.country,
    one.product,
    one.qty.replace(".", ","),
    german(one.cents),
    one.status,
    germanTime(one.ordered_at),
    ...(coupons ? [one.coupon ?? ""] : []),
  ]);
  return [names, ...lines].map((cells) => `${cells.join(";")}\n`).join("");
}

export const HEADER = ["order_id", "customer_id", "country", "product", "qty", "amount", "status", "ordered_at"];

/** Versions of a thing from snapshots of all things there are, in the order of their moments: [key, values, from, to]. */
export function versionsOf<T>(
  snapshots: readonly { readonly at: string; readonly rows: readonly T[] }[],
  key: (row: T) => string,
  values: (row: T) => string,
): string[][] {
  const open = new Map<string, { readonly values: string; readonly from: string }>();
  const done: string[][] = [];
  const end = (name: string, at: string) => {
    const version = open.get(name)!;
    open.delete(name);
    done.push([name, version.values, version.from, at]);
  };
  for (const { at, rows } of snapshots) {
    const now = new Map(rows.map((row) => [key(row), values(row)]));
    for (const [name, version] of [...open]) if (now.get(name) !== version.values) end(name, at);
    for (const [name, value] of now) if (!open.has(name)) open.set(name, { values: value, from: at });
  }
  for (const [name, version] of open) done.push([name, version.values, version.from, ""]);
  return done.sort();
}
