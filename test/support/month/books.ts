import {
  type AdDay,
  adsOf,
  type Customer,
  customersAt,
  dateOf,
  money,
  type Order,
  type Product,
  versionsOf,
} from "./world.ts";

/** What has come so far, by somebody who was told and never looked into the database. */
export interface Books {
  /** The last version of each file of orders, without the records that did not land. */
  readonly orders: Map<string, readonly Order[]>;
  /** Accepted exports, by their day. */
  readonly products: Map<string, readonly Product[]>;
  /** Each record of a customer that was fetched. */
  readonly customers: Customer[];
  /** What the ads' system said last of a day. */
  readonly ads: Map<string, AdDay[]>;
  /** The region of each country, as the seed says. */
  readonly regions: Map<string, string>;
  /** Whether orders have a column for their coupons by now. */
  hasCoupons: boolean;
}

export const emptyBooks = (): Books => ({
  orders: new Map(),
  products: new Map(),
  customers: [],
  ads: new Map(),
  regions: new Map([
    ["DE", "Central"],
    ["FR", "West"],
    ["NL", "West"],
    ["PL", "East"],
  ]),
  hasCoupons: false,
});

/** The API of customers was read to its end. */
export function customersFetched({ customers }: Books, day: number): void {
  const known = new Set(customers.map((one) => JSON.stringify(one)));
  customers.push(...customersAt(day).filter((one) => !known.has(JSON.stringify(one))));
}

/** The API of ads was asked for these days. */
export function adsFetched({ ads }: Books, { from, to }: { readonly from: number; readonly to: number }): void {
  for (let day = from; day <= to; day++) ads.set(dateOf(day), adsOf(day, to));
}

export interface Check {
  readonly name: string;
  /** A select of texts without NULL, in any order. */
  readonly select: string;
  readonly rows: readonly string[][];
}

/** Every table of the project, and what it has to hold. */
export function checksOf(books: Books): Check[] {
  const orders = [...books.orders.values()].flat();
  return [
    {
      name: "orders",
      select: `select order_id::text, coalesce(customer_id::text, ''), country, product, coalesce(qty::text, ''), amount::text, status,
        to_char(ordered_at, 'YYYY-MM-DD HH24:MI') from shop.orders`,
      rows: orders.map((one) => [
        String(one.order_id),
        String(one.customer_id ?? ""),
        one.country,
        one.product,
        one.qty,
        money(one.cents),
        one.status,
        one.ordered_at,
      ]),
    },
    {
      name: "stg_orders",
      select: `select order_id::text, amount::text, status, ${books.hasCoupons ? "coalesce(coupon, '')" : "''"}
        from shop.stg_orders`,
      rows: orders.map((one) => [
        String(one.order_id),
        money(one.cents),
        one.status,
        books.hasCoupons ? (one.coupon ?? "") : "",
      ]),
    },
    {
      name: "revenue",
      select: "select day::text, country, orders::text, revenue::text from shop.revenue",
      rows: revenueOf(orders, ({ ordered_at, country }) => [ordered_at.slice(0, 10), country]),
    },
    {
      name: "revenue_by_region",
      select: "select region, revenue::text from shop.revenue_by_region",
      rows: revenueOf(orders, ({ country }) => [books.regions.get(country)!]).map(([region, , sum]) => [region!, sum!]),
    },
    {
      name: "products",
      select: `select product, name || ' ' || price, to_char(valid_from at time zone 'UTC', 'YYYY-MM-DD'),
        coalesce(to_char(valid_to at time zone 'UTC', 'YYYY-MM-DD'), '') from shop.products`,
      rows: versionsOf(
        [...books.products].sort(([a], [b]) => a.localeCompare(b)).map(([at, rows]) => ({ at, rows })),
        ({ product }) => product,
        ({ name, cents }) => `${name} ${money(cents)}`,
      ),
    },
    {
      name: "customers",
      select: `select customer_id::text, name || ' ' || tier,
        to_char(valid_from at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
        coalesce(to_char(valid_to at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), '') from shop.customers`,
      rows: customerVersions(books.customers),
    },
    {
      name: "ads",
      select: "select day::text, ad, cents::text, clicks::text from shop.ads where is_current",
      rows: [...books.ads.values()].flat().map((one) => [one.day, one.ad, String(one.cents), String(one.clicks)]),
    },
  ];
}

/** For each group its parts, the number of its paid orders and their money. */
function revenueOf(orders: readonly Order[], group: (order: Order) => readonly string[]): string[][] {
  const sums = new Map<string, { readonly parts: readonly string[]; orders: number; cents: number }>();
  for (const order of orders) {
    if (order.status !== "paid") continue;
    const parts = group(order);
    const sum = sums.get(parts.join()) ?? { parts, orders: 0, cents: 0 };
    sums.set(parts.join(), { parts, orders: sum.orders + 1, cents: sum.cents + order.cents });
  }
  return [...sums.values()].map(({ parts, ...sum }) => [...parts, String(sum.orders), money(sum.cents)]);
}

/** One version after the other for each customer; one that says the same again is none. */
function customerVersions(records: readonly Customer[]): string[][] {
  const versions: string[][] = [];
  const last = new Map<number, string[]>();
  for (const one of [...records].sort((a, b) => a.updated_at.localeCompare(b.updated_at))) {
    const before = last.get(one.customer_id);
    const values = `${one.name} ${one.tier}`;
    if (before?.[1] === values) continue;
    if (before) before[3] = one.updated_at;
    const version = [String(one.customer_id), values, one.updated_at, ""];
    last.set(one.customer_id, version);
    versions.push(version);
  }
  return versions;
}
