// All networks day by day and in one currency, from what columns say of themselves and docs/products/ads.md.

import { ads } from "./ads.ts";
import { rateOf } from "./ads-rates.ts";
import { count, type Exact, known, ratio, rounded, times } from "./exact.ts";
import { marketing } from "./marketing.ts";
import { grouped, type Oracle, type Row } from "./relation.ts";

const FIGURES = ["impressions", "clicks", "conversions"] as const;
type Figure = (typeof FIGURES)[number];

/** What one campaign did on a day, in one currency. */
type Part = Readonly<Record<Figure | "spend" | "reported", Exact | null>> & {
  readonly platform: string;
  readonly day: string;
  readonly currency: string | null;
};

export const networks: Oracle = (raw) => {
  const ofAds = ads(raw)["ads_history.fct_campaign_daily"]!.rows.map(
    (row): Part => ({ ...partOf(row, String(row.platform)), reported: row.spend_reporting as Exact | null }),
  );
  const ofMarketing = marketing(raw)["marketing.campaign_daily"]!.rows.map((row): Part => {
    const part = partOf(row, "marketing");
    const { rate } = rateOf(raw, part.currency!, part.day);
    return { ...part, reported: part.spend && rate && rounded(times(part.spend, rate), 6) };
  });
  return {
    "networks.all_networks_daily": {
      key: ["platform", "day"],
      rows: grouped([...ofAds, ...ofMarketing], ({ platform, day }) => `${platform} ${day}`).map(dayOf),
    },
  };
};

const partOf = (row: Row, platform: string) => ({
  ...{ platform, day: String(row.day), currency: row.currency as string | null, spend: row.spend as Exact | null },
  ...(Object.fromEntries(FIGURES.map((figure) => [figure, row[figure]])) as Record<Figure, Exact | null>),
});

function dayOf(parts: readonly Part[]): Row {
  const of = (figure: Figure) => known(parts.map((part) => part[figure]));
  const [impressions, clicks, conversions] = FIGURES.map(of) as [Exact | null, Exact | null, Exact | null];
  const spent = parts.filter(({ spend }) => spend !== null);
  const isMissing = spent.some(({ reported }) => reported === null);
  const spend = isMissing ? null : known(spent.map(({ reported }) => reported));
  return {
    ...{ platform: parts[0]!.platform, day: parts[0]!.day, reporting_currency: "USD", spend_reporting: spend },
    ...{ has_missing_rate: isMissing, impressions, clicks, conversions },
    has_unmeasured: parts.some((part) => part.conversions === null),
    ...{ ctr: ratio(clicks, impressions), conversion_rate: ratio(conversions, clicks) },
    spend_per_conversion: ratio(spend, conversions),
    currencies: count(new Set(spent.flatMap(({ currency }) => currency ?? [])).size),
  };
}
