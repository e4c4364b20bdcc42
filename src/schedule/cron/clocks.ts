/**
 * A time in which the clocks of a zone are not put forward or back. Moments are milliseconds since 1970; what clocks show is the
 * moment at which those of UTC show it.
 */
export interface Span {
  readonly from: number;
  /** No part of it. */
  readonly until: number;
  /** How far its clocks are ahead of UTC. */
  readonly ahead: number;
  /** How far they were just before it. */
  readonly before: number;
}

/** The one that has a moment, and those after it, without an end. */
export function* spansFrom(zone: string, moment: number): Generator<Span> {
  for (let year = new Date(moment).getUTCFullYear(); ; year++)
    for (const span of spansOf(zone, year)) if (span.until > moment) yield span;
}

const DAY = 86_400_000;
const known = new Map<string, readonly Span[]>();

/** Those of a year of UTC: no clocks are put forward and back within one day. */
function spansOf(zone: string, year: number): readonly Span[] {
  const key = `${zone} ${year}`;
  const found = known.get(key);
  if (found) return found;
  const ahead = aheadOf(zone);
  const spans: Span[] = [];
  let from = Date.UTC(year, 0, 1);
  let before = ahead(from - 1);
  let now = ahead(from);
  const end = Date.UTC(year + 1, 0, 1);
  for (let day = from; day < end; day += DAY)
    while (ahead(day + DAY) !== now) {
      const until = changeBetween(ahead, Math.max(from, day), day + DAY);
      spans.push({ from, until, ahead: now, before });
      before = now;
      from = until;
      now = ahead(until);
    }
  if (from < end) spans.push({ from, until: end, ahead: now, before });
  known.set(key, spans);
  return spans;
}

/** The first moment of other clocks than `from` has, at or before `until`: to the second, as zones have it. */
function changeBetween(ahead: (moment: number) => number, from: number, until: number): number {
  let [low, high] = [from, until];
  while (high - low > 1_000) {
    const middle = Math.floor((low + high) / 2_000) * 1_000;
    if (ahead(middle) === ahead(from)) low = middle;
    else high = middle;
  }
  return high;
}

function aheadOf(zone: string): (moment: number) => number {
  const format = new Intl.DateTimeFormat("en-US", { timeZone: zone, timeZoneName: "longOffset", year: "numeric" });
  return (moment) => {
    const [, sign, hours, minutes, seconds = "0"] =
      /GMT([+-])(\d+):(\d+)(?::(\d+))?$/.exec(format.format(moment)) ?? [];
    if (sign === undefined) return 0;
    return (sign === "-" ? -1_000 : 1_000) * (Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds));
  };
}

/**
 * The moments at which clocks of the zone show a time: the first, and the last where it exists twice. One that does not exist is the
 * first moment after the gap.
 */
export function momentsOf(zone: string, shown: number): { readonly first: number; readonly last: number } {
  let first: number | undefined;
  let last = 0;
  // No clock is further from UTC than a day.
  for (const { from, until, ahead } of spansFrom(zone, shown - DAY)) {
    if (first !== undefined && from + ahead > shown) break;
    if (shown >= until + ahead) continue;
    last = Math.max(from, shown - ahead);
    first ??= last;
  }
  return { first: first!, last };
}
