// Exchange rates, from docs/products/ads.md and what columns say of themselves.

import { loaded } from "./ads-reports.ts";
import { byLoad } from "./changes.ts";
import { count, type Exact, number, order, ratio } from "./exact.ts";
import { type Expected, grouped, type Raw, type RawRow } from "./relation.ts";

const NONE = count(0);

/** What was loaded last of each currency and day: units of it for one euro, if it is above 0. */
function told(raw: Raw): { readonly currency: string; readonly date: string; readonly value: Exact }[] {
  const counting = new Set(loaded(raw, "exchange_rates").map(({ load }) => load.load_id));
  const own = raw.exchange_rates!.filter((row) => counting.has(row._load_id!));
  return grouped(own, (row) => `${row.CURRENCY} ${row.TIME_PERIOD}`).flatMap((all) => {
    const [latest] = [...all].sort((a, b) => byLoad(placeOf(b), placeOf(a)));
    const value = number(latest!.OBS_VALUE!);
    return order(value, NONE) > 0 ? [{ currency: latest!.CURRENCY!, date: latest!.TIME_PERIOD!, value }] : [];
  });
}

const placeOf = (row: RawRow) => ({ load: row._load_id!, row: row._row_no! });

/** Dollars for one unit, by the last rates on or before the day. */
export function rateOf(raw: Raw, currency: string, day: string): { rate: Exact | null; rateDate: string } {
  if (currency === "USD") return { rate: count(1), rateDate: day };
  const all = told(raw).filter(({ date }) => date <= day);
  const perEuro = (of: string) => {
    if (of === "EUR") return { date: day, value: count(1) };
    const own = all.filter((one) => one.currency === of).sort((a, b) => (a.date < b.date ? -1 : 1));
    return own.at(-1) ?? null;
  };
  const [own, dollar] = [perEuro(currency), perEuro("USD")];
  if (!own || !dollar) return { rate: null, rateDate: day };
  return { rate: ratio(dollar.value, own.value), rateDate: [own.date, dollar.date].sort()[0]! };
}

export const rateDays = (raw: Raw): Expected => ({
  key: ["currency", "rate_date"],
  rows: told(raw).map(({ currency, date, value }) => ({ currency, rate_date: date, per_euro: value })),
});
