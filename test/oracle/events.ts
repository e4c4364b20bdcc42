// Events of a shop's visitors, from docs/events.md (marts), docs/live.md and what columns say of themselves.

import { count, dayNamed, dayNumber, type Moment, moment, number, sum, written } from "./exact.ts";
import { grouped, type Oracle, type Raw, type Row } from "./relation.ts";

interface Happened {
  readonly event: string;
  readonly visitor: string;
  readonly at: Moment;
  readonly day: string;
  readonly week: string;
  readonly row: Raw[string][number];
}

const TYPES = ["page_viewed", "signed_up", "purchased"];
const HALF_AN_HOUR = 1_800_000_000n;

export const events: Oracle = (raw) => {
  const all = happened(raw);
  const visitors = grouped(all, ({ visitor }) => visitor).map(firsts);
  const viewed = all.filter(({ event }) => event === "page_viewed");
  const bought = all.filter(({ event }) => event === "purchased");
  const weeks = grouped(all, ({ visitor, week }) => `${visitor} ${week}`);
  return {
    "events.event_minutes": {
      key: ["event", "minute"],
      rows: grouped(all, ({ event, at }) => `${event} ${minuteOf(at)}`).map((own) => ({
        ...{ event: own[0]!.event, minute: written(minuteOf(own[0]!.at)), events: count(own.length) },
      })),
    },
    "events.page_days": {
      key: ["url", "day"],
      rows: grouped(viewed, ({ row, day }) => `${row.url} ${day}`).map((own) => ({
        ...{ url: own[0]!.row.url!, day: own[0]!.day, views: count(own.length), visitors: people(own) },
      })),
    },
    "events.visitor_days": {
      key: ["day"],
      rows: grouped(all, ({ day }) => day).map((own) => ({
        ...{ day: own[0]!.day, events: count(own.length), visitors: people(own) },
      })),
    },
    "events.purchase_days": {
      key: ["currency", "day"],
      rows: grouped(bought, ({ row, day }) => `${row.currency} ${day}`).map((own) => ({
        ...{ currency: own[0]!.row.currency!, day: own[0]!.day, purchases: count(own.length) },
        revenue: sum(own.map(({ row }) => number(row.amount!))),
      })),
    },
    "events.visits": {
      key: ["visitor_id", "started_at"],
      rows: grouped(all, ({ visitor }) => visitor).flatMap(visits),
    },
    "events.visitors": { key: ["visitor_id"], rows: visitors.map(({ cells }) => cells) },
    "events.visitor_weeks": {
      key: ["visitor_id", "week"],
      rows: weeks.map((own) => ({ visitor_id: own[0]!.visitor, week: own[0]!.week, events: count(own.length) })),
    },
    "events.funnel": { key: ["week"], rows: funnel(visitors) },
    "events.retention": {
      key: ["first_week", "weeks_since"],
      rows: grouped(weeks, ([one]) => {
        const { firstWeek } = visitors.find(({ cells }) => cells.visitor_id === one!.visitor)!;
        return `${firstWeek} ${(dayNumber(one!.week) - dayNumber(firstWeek)) / 7}`;
      }).map((own) => {
        const { firstWeek } = visitors.find(({ cells }) => cells.visitor_id === own[0]![0]!.visitor)!;
        return {
          first_week: firstWeek,
          weeks_since: count((dayNumber(own[0]![0]!.week) - dayNumber(firstWeek)) / 7),
          visitors: count(own.length),
        };
      }),
    },
  };
};

/** What is committed counts, its load open or closed; not what was taken back, and not what programs do. */
function happened(raw: Raw): Happened[] {
  const counting = new Set(
    raw._load!.filter(({ status }) => status === "loaded" || status === "loading").map(({ load_id }) => load_id),
  );
  return TYPES.flatMap((event) =>
    raw[`events_${event}`]!.filter((row) => counting.has(row._load_id!) && row.is_bot !== "t").map((row) => {
      const day = row._event_at!.slice(0, 10);
      const week = dayNamed(dayNumber(day) - ((dayNumber(day) + 3) % 7));
      return { event, visitor: row.visitor_id!, at: moment(row._event_at!), day, week, row };
    }),
  );
}

const minuteOf = (at: Moment): Moment => at - (at % 60_000_000n);
const people = (own: readonly Happened[]) => count(new Set(own.map(({ visitor }) => visitor)).size);
const byTime = (a: Happened, b: Happened) => Number(a.at - b.at);

function firsts(own: readonly Happened[]) {
  const sorted = [...own].sort(byTime);
  const of = (event: string) => sorted.filter((one) => one.event === event).map(({ at }) => at);
  const [viewed, signedUp, bought] = TYPES.map(of) as [Moment[], Moment[], Moment[]];
  const told = (at: Moment | undefined) => (at === undefined ? null : written(at));
  return {
    firstWeek: sorted[0]!.week,
    viewedWeek: sorted.find(({ event }) => event === "page_viewed")?.week,
    ...{ viewed, signedUp, bought },
    cells: {
      visitor_id: sorted[0]!.visitor,
      first_at: written(sorted[0]!.at),
      ...{ viewed_at: told(viewed[0]), signed_up_at: told(signedUp[0]), purchased_at: told(bought[0]) },
      last_purchased_at: told(bought.at(-1)),
    } as Row,
  };
}

/** Saw a page, then made their first account, then bought. */
function funnel(visitors: readonly ReturnType<typeof firsts>[]): Row[] {
  const saw = visitors.filter(({ viewedWeek }) => viewedWeek !== undefined);
  return grouped(saw, ({ viewedWeek }) => viewedWeek!).map((own) => {
    const signed = own.filter(({ viewed, signedUp: [first] }) => first !== undefined && first >= viewed[0]!);
    const bought = signed.filter(({ signedUp, bought: all }) => all.some((at) => at >= signedUp[0]!));
    return {
      ...{ week: own[0]!.viewedWeek!, viewed: count(own.length), signed_up: count(signed.length) },
      purchased: count(bought.length),
    };
  });
}

/** Events that follow each other within less than half an hour. */
function visits(own: readonly Happened[]): Row[] {
  const found: Happened[][] = [];
  for (const one of [...own].sort(byTime)) {
    const last = found.at(-1);
    if (last && one.at - last.at(-1)!.at < HALF_AN_HOUR) last.push(one);
    else found.push([one]);
  }
  return found.map((visit) => ({
    ...{ visitor_id: visit[0]!.visitor, started_at: written(visit[0]!.at), ended_at: written(visit.at(-1)!.at) },
    events: count(visit.length),
    pages: count(visit.filter(({ event }) => event === "page_viewed").length),
    has_purchase: visit.some(({ event }) => event === "purchased"),
  }));
}
