import { type Choose, type Landed, Ledger, oneIn, pick, type Value, type World } from "./world.ts";

const envelope =
  "_event_id text, _write_key text, _occurred_at timestamptz, _sent_at timestamptz, _received_at timestamptz, _event_at timestamptz, _load_date date, _extra jsonb";
const tables = {
  events_page_viewed: `visitor_id text, url text, title text, referrer text, campaign_id text, is_bot boolean, ${envelope}`,
  events_signed_up: `visitor_id text, user_id text, plan text, ${envelope}`,
  events_purchased: `visitor_id text, user_id text, order_id text, amount numeric(18,2), currency text, ${envelope}`,
};
type Type = "page_viewed" | "signed_up" | "purchased";

const VISITORS = ["v1", "v2", "v3", "v4", "v5"];
const MINUTE = 60_000;
/** A Saturday: weeks end in the first days. */
const BEGIN = Date.UTC(2026, 2, 7);

/** Loads of a collector, which are open for a while, end, and are taken back: late events, bots, clocks that are off. */
export function eventsWorld(choose: Choose, days: number): World {
  const ledger = new Ledger();
  let loads = 0;
  let open: number[] = [];
  let events = 0;
  const some = (type: Type, day: number, most: number) =>
    Array.from({ length: choose(most) }, () => eventOf(choose, type, day, ++events));
  for (let day = 0; day < days; day++) {
    ledger.day();
    for (const load of open) ledger.add({ end: load });
    open = [];
    ledger.strikes(choose);
    for (const [type, most] of MOST) {
      const isOpen = oneIn(choose, 3);
      ledger.add(landed(type, some(type, day, most), isOpen));
      loads++;
      if (isOpen) open.push(loads);
    }
  }
  return { tables, partitioned: PARTITIONED, days: ledger.days };
}

const MOST: readonly (readonly [Type, number])[] = [
  ["page_viewed", 25],
  ["signed_up", 4],
  ["purchased", 6],
];
const PARTITIONED = Object.fromEntries(Object.keys(tables).map((table) => [table, "_load_date"]));

const landed = (type: Type, rows: Landed["rows"], isOpen: boolean): Landed => ({
  table: `events_${type}`,
  rows,
  ledger: { source: "events", stream: type, ...(isOpen && { status: "loading", finished_at: null }) },
});

function eventOf(choose: Choose, type: Type, day: number, number: number): Readonly<Record<string, Value>> {
  const at = BEGIN + (day - (oneIn(choose, 6) ? choose(9) : 0)) * 1440 * MINUTE + momentOf(choose);
  const moment = (milliseconds: number) => new Date(milliseconds).toISOString();
  // A clock that is off is moved.
  const off = oneIn(choose, 4) ? pick(choose, [-600, 7, 90]) * MINUTE : 0;
  return {
    visitor_id: pick(choose, VISITORS),
    ...DATA[type](choose, number),
    ...{ _event_id: `e${number}`, _write_key: "web", _extra: null, _load_date: moment(BEGIN).slice(0, 10) },
    ...{ _occurred_at: moment(at + off), _sent_at: moment(at + off), _event_at: moment(at) },
    _received_at: moment(at + 5 * MINUTE),
  };
}

/** In the hours before and after midnight, so far apart that visits begin, end and meet. */
const momentOf = (choose: Choose): number =>
  pick(choose, [0, 1, 2, 22, 23]) * 60 * MINUTE + choose(12) * 5 * MINUTE + pick(choose, [0, 0, 1, MINUTE - 1, 30_000]);

const DATA: Readonly<Record<Type, (choose: Choose, number: number) => Readonly<Record<string, Value>>>> = {
  page_viewed: (choose) => ({
    url: pick(choose, ["/", "/", "/prices", "/prices?from=mail", "/Über"]),
    ...{ title: null, referrer: null, campaign_id: null, is_bot: pick(choose, [true, false, false, null]) },
  }),
  signed_up: (_, number) => ({ user_id: `u${number}`, plan: null }),
  purchased: (choose, number) => ({
    ...{ user_id: null, order_id: `o${number}`, amount: pick(choose, ["0", "9.99", "120.50"]) },
    currency: pick(choose, ["EUR", "USD"]),
  }),
};
