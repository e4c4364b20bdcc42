import { type Choose, type Landed, Ledger, oneIn, pick, type Value, type World } from "./world.ts";

const tables = {
  marketing_campaigns:
    "id text, account_id text, time_zone text, name text, status text, objective text, currency text, daily_budget numeric, deleted boolean, created_at timestamptz, updated_at timestamptz",
  marketing_creatives:
    "id text, campaign_id text, name text, format text, landing_url text, deleted boolean, created_at timestamptz, updated_at timestamptz",
  marketing_stats:
    "creative_id text, campaign_id text, device text, measured_at timestamptz, reported_at timestamptz, currency text, spend numeric, impressions bigint, clicks bigint, conversions bigint, conversion_value numeric",
};

/** Clocks that change in these weeks, at midnight too (Beirut), and one that no server knows. */
const ZONES = [null, null, "America/New_York", "Asia/Beirut", "Asia/Kathmandu", "Pacific/Auckland", "Mars/Olympus"];
const CAMPAIGNS = ["c1", "c2", "c3", "c4"];
const DEVICES = ["desktop", "mobile", "tablet", "connected_tv", "Mobile"];

/** A counter at the source: what it stands on. */
interface Meter {
  readonly creative: string;
  readonly device: string;
  currency: string;
  totals: [cents: number, impressions: number, clicks: number, conversions: number];
}

/** Before a change of clocks: of New York and Auckland, of Beirut at midnight, and back. */
const BEGINNINGS = ["2026-03-06", "2026-03-26", "2026-04-02", "2026-10-22", "2026-10-29"];

type At = (day: number, hours?: number) => string;

/** Days around a change of clocks: reports, restated, late, missing, restarted, corrected. */
export function marketingWorld(choose: Choose, days: number): World {
  const begin = Date.parse(pick(choose, BEGINNINGS));
  /** Midnight of a day in UTC, some hours later. */
  const at: At = (day, hours = 0) => new Date(begin + (24 * day + hours) * 3_600_000).toISOString();
  const meters: Meter[] = [];
  const ledger = new Ledger();
  const zones = new Map(CAMPAIGNS.map((id) => [id, pick(choose, ZONES)]));
  let hasMoved = false;
  for (let day = 0; day < days; day++) {
    ledger.day();
    if (oneIn(choose, 10)) {
      zones.set(pick(choose, CAMPAIGNS), pick(choose, ZONES));
      hasMoved = true;
    }
    if (day === 0 || oneIn(choose, 2)) {
      ledger.add(campaigns(choose, at, day, zones));
      if (hasMoved) ledger.add({ anew: "an account has moved" });
    }
    if (day === 0 || oneIn(choose, 2)) ledger.add(creatives(choose, at, day));
    if (day === 0 || oneIn(choose, 2)) meters.push(...newMeters(choose));
    if (!oneIn(choose, 8)) ledger.add(stats(choose, at, day, meters));
    if (oneIn(choose, 3)) ledger.add(stats(choose, at, Math.max(day - 1 - choose(3), 0), meters));
    if (ledger.strikes(choose) === "marketing_campaigns") {
      ledger.add({ anew: "a time zone may not be told any more" });
      hasMoved = true;
    }
  }
  return { tables, days: ledger.days };
}

function campaigns(choose: Choose, at: At, day: number, zones: ReadonlyMap<string, string | null>): Landed {
  // The first load has all of them: a time zone that is told after the readings is not followed.
  const rows = CAMPAIGNS.filter(() => day === 0 || oneIn(choose, 2)).map((id) => ({
    id,
    account_id: pick(choose, ["a", "b", null]),
    time_zone: zones.get(id)!,
    name: pick(choose, [`${id} spring`, `${id} autumn`, 'O\'Neill "ä"']),
    status: pick(choose, ["active", "paused"]),
    objective: pick(choose, ["sales", null]),
    currency: "USD",
    daily_budget: pick(choose, ["10", "10.00", "25.5", null]),
    deleted: oneIn(choose, 5),
    ...times(choose, at, day),
  }));
  return { table: "marketing_campaigns", rows: oneIn(choose, 4) ? [...rows, ...rows.slice(0, 1)] : rows };
}

function creatives(choose: Choose, at: At, day: number): Landed {
  const rows = [1, 2, 3, 4, 5, 6]
    .filter(() => oneIn(choose, 3))
    .map((n) => ({
      id: `x${n}`,
      campaign_id: pick(choose, CAMPAIGNS),
      name: pick(choose, [`x${n}`, `x${n} new`]),
      format: pick(choose, ["image", "video", null]),
      landing_url: pick(choose, ["https://a.example", null]),
      deleted: oneIn(choose, 5),
      ...times(choose, at, day),
      created_at: at((n - 3) * 2, n),
    }));
  return { table: "marketing_creatives", rows };
}

function times(choose: Choose, at: At, day: number): Record<string, Value> {
  const updated = pick(choose, [at(day, 9), at(day, 9), at(day, 17), at(day - 2, 9), null]);
  return { created_at: at(oneIn(choose, 20) ? -2 : -1, 8), updated_at: updated };
}

function newMeters(choose: Choose): Meter[] {
  const creative = `x${1 + choose(7)}`;
  return DEVICES.filter(() => oneIn(choose, 2)).map((device) => ({
    creative,
    device,
    // A counter has one currency, mostly, a creative several.
    currency: ["USD", "USD", "EUR", "JPY"][(creative.charCodeAt(1) + device.length) % 4]!,
    totals: [choose(500), choose(300), choose(90), choose(9)],
  }));
}

/** What the source reports of a day: most meters, each at one of a few moments, some twice. */
function stats(choose: Choose, at: At, day: number, meters: readonly Meter[]): Landed {
  const seen = new Map(meters.map((meter) => [`${meter.creative} ${meter.device}`, meter]));
  const rows = [...seen.values()]
    .filter(() => !oneIn(choose, 5))
    .flatMap((meter) => {
      goOn(choose, meter);
      const row = report(choose, at, day, meter);
      return oneIn(choose, 8) ? [row, { ...row, clicks: meter.totals[2] + 1 }] : [row];
    });
  return { table: "marketing_stats", rows };
}

function goOn(choose: Choose, meter: Meter): void {
  const [cents, impressions, clicks, conversions] = meter.totals;
  const step = (most: number) => choose(most);
  if (oneIn(choose, 40)) meter.currency = pick(choose, ["USD", "EUR"]);
  if (oneIn(choose, 12)) meter.totals = [step(50), step(20), step(9), step(3)];
  else if (oneIn(choose, 10))
    meter.totals = [cents, impressions + step(20), Math.max(clicks - step(3), 0), Math.max(conversions - 1, 0)];
  else meter.totals = [cents + step(400), impressions + step(400), clicks + step(90), conversions + step(5)];
}

function report(
  choose: Choose,
  at: At,
  day: number,
  { creative, device, currency, totals }: Meter,
): Record<string, Value> {
  const [cents, impressions, clicks, conversions] = totals;
  return {
    creative_id: creative,
    campaign_id: pick(choose, [...CAMPAIGNS, "c1", "c1", "nobody", null]),
    device,
    // a clock that is wrong says long ago, or a day to come
    measured_at: oneIn(choose, 60)
      ? at(pick(choose, [-2000, 400]), 0)
      : at(day + 1, pick(choose, [0, 0, 0, 4, 5, 12, 22])),
    reported_at: pick(choose, [at(day + 1, 6), at(day + 2, 6), null]),
    currency,
    spend: `${cents / 100}`,
    ...{ impressions, clicks, conversions },
    // one that the source sometimes does not know, of some devices never
    conversion_value: device === "Mobile" || oneIn(choose, 3) ? null : `${conversions * 7.5}`,
  };
}
