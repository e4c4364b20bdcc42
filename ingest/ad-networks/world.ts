import { around, between, randomFor } from "../demo-api/random.ts";
import { planted } from "./planted.ts";

export type Network = "google" | "meta" | "tiktok" | "linkedin";

export interface Campaign {
  readonly id: string;
  readonly name: string;
}

export interface AdGroup {
  readonly id: string;
  readonly name: string;
  readonly campaign: string;
}

export interface Ad {
  readonly id: string;
  readonly name: string;
  readonly adGroup: string;
  readonly campaign: string;
}

/** A day of an ad, or of a campaign, on a device. */
export interface Fact {
  readonly day: string;
  readonly daysAgo: number;
  readonly campaign: string;
  readonly adGroup?: string;
  readonly ad?: string;
  readonly device: string;
  readonly spend: number;
  readonly impressions: number;
  readonly clicks: number;
  readonly conversions: number;
  readonly value: number;
}

interface Account {
  readonly id: string;
  readonly name: string;
  readonly currency: string;
  readonly timezone: string;
  /** As the network spells them. */
  readonly devices: readonly string[];
  readonly campaigns: readonly Campaign[];
  readonly adGroups: readonly AdGroup[];
  readonly ads: readonly Ad[];
}

/** Days with figures, today included. */
const DAYS = 45;
const DAY_MS = 86_400_000;

const campaign = (id: string, name: string): Campaign => ({ id, name });
const group = (id: string, name: string, of: string): AdGroup => ({ id, name, campaign: of });
const ad = (id: string, name: string, adGroup: string, of: string): Ad => ({ id, name, adGroup, campaign: of });

export const accounts: Readonly<Record<Network, Account>> = {
  google: {
    id: "1234567890",
    name: "Shop (Google)",
    currency: "USD",
    timezone: "America/New_York",
    devices: ["MOBILE", "DESKTOP", "TABLET"],
    campaigns: [
      campaign("1001", planted.renamedCampaign.from),
      campaign("1002", "Brand Search"),
      campaign("1003", "Shoes Display"),
      campaign(planted.campaignWithoutAds.id, "Performance Max"),
    ],
    adGroups: [
      group("2001", "Spring", "1001"),
      group("2002", "Brand exact", "1002"),
      group("2003", "Brand broad", "1002"),
      group("2004", "Shoes", "1003"),
    ],
    ads: [
      ad("3001", "Spring headline A", "2001", "1001"),
      ad("3002", "Spring headline B", "2001", "1001"),
      ad("3003", "Brand headline", "2002", "1002"),
      ad("3003", "Brand headline", "2003", "1002"),
      ad("3004", "Shoes banner", "2004", "1003"),
    ],
  },
  meta: {
    id: "4455667788",
    name: "Shop (Meta)",
    currency: planted.newCurrency.after,
    timezone: "Europe/Berlin",
    devices: ["iphone", "android_smartphone", "desktop", "ipad"],
    campaigns: [
      campaign("23830001", "Prospecting"),
      campaign("23830002", "Retargeting"),
      campaign("23830003", "Catalogue"),
    ],
    adGroups: [
      group("23840001", "Broad", "23830001"),
      group("23840002", "Visitors of 30 days", "23830002"),
      group("23840003", "All products", "23830003"),
    ],
    ads: [
      ad("23850001", "Carousel", "23840001", "23830001"),
      ad("23850002", "Video", "23840001", "23830001"),
      ad("23850003", "Reminder", "23840002", "23830002"),
      ad("23850004", "Catalogue", "23840003", "23830003"),
    ],
  },
  tiktok: {
    id: "7011223344",
    name: "Shop (TikTok)",
    currency: "GBP",
    timezone: "Asia/Tokyo",
    devices: ["ANDROID", "IPHONE", "PC"],
    campaigns: [campaign("1001", "Challenge"), campaign("17700002", "Creators"), campaign("17700003", "Spark")],
    adGroups: [
      group("17800001", "Dancers", "1001"),
      group("17800002", "Reviewers", "17700002"),
      group("17800003", "Teasers", "17700003"),
      group(planted.deletedAdGroup.id, "Old teasers", "17700003"),
    ],
    ads: [
      ad("17900001", "Dance", "17800001", "1001"),
      ad("17900002", "Unboxing", "17800002", "17700002"),
      ad("17900003", "Review", "17800002", "17700002"),
      ad(planted.unmeasuredAd.id, "Teaser", "17800003", "17700003"),
      ad(planted.deletedAd.id, "Old teaser", planted.deletedAdGroup.id, "17700003"),
    ],
  },
  linkedin: {
    id: "510001",
    name: "Shop (LinkedIn)",
    currency: "EUR",
    timezone: "UTC",
    devices: [""],
    campaigns: [campaign("701", "Hiring managers"), campaign("702", "Buyers")],
    adGroups: [
      group(planted.renamedAdGroup.id, planted.renamedAdGroup.from, "701"),
      group("802", "Large companies", "702"),
    ],
    ads: [
      ad("901", "White paper", "801", "701"),
      ad("902", "Webinar", "801", "701"),
      ad("903", "Case study", "802", "702"),
    ],
  },
};

/** The networks as they are today, and as they are after having restated. */
export class World {
  readonly today: string;
  readonly #seed: number;
  #reading = 1;

  constructor({ seed = 1, today = new Date().toISOString().slice(0, 10) } = {}) {
    this.#seed = seed;
    this.today = today;
  }

  restate(): void {
    this.#reading = 2;
  }

  get isRestated(): boolean {
    return this.#reading > 1;
  }

  day(daysAgo: number): string {
    return new Date(Date.parse(this.today) - daysAgo * DAY_MS).toISOString().slice(0, 10);
  }

  campaigns(network: Network): readonly Campaign[] {
    const { network: of, id, to } = planted.renamedCampaign;
    return accounts[network].campaigns.map((one) =>
      this.isRestated && network === of && one.id === id ? { ...one, name: to } : one,
    );
  }

  adGroups(network: Network): readonly AdGroup[] {
    const { deletedAdGroup: deleted, renamedAdGroup: renamed } = planted;
    if (!this.isRestated) return accounts[network].adGroups;
    return accounts[network].adGroups
      .filter((one) => !(network === deleted.network && one.id === deleted.id))
      .map((one) => (network === renamed.network && one.id === renamed.id ? { ...one, name: renamed.to } : one));
  }

  ads(network: Network): readonly Ad[] {
    const { network: of, id } = planted.deletedAd;
    return accounts[network].ads.filter((one) => !(this.isRestated && network === of && one.id === id));
  }

  /** Rows without anything in them are not reported. */
  adFacts(network: Network, start: string, end: string): readonly Fact[] {
    const { orphan } = planted;
    const all = [...accounts[network].ads];
    if (network === orphan.network) all.push(ad(orphan.ad, "", orphan.adGroup, orphan.campaign));
    return this.#daysBetween(start, end).flatMap((daysAgo) =>
      all.flatMap((one) =>
        accounts[network].devices
          .map((device) => this.#adFact(network, one, device, daysAgo))
          .filter((fact) => fact !== undefined),
      ),
    );
  }

  /** What the network says of whole campaigns: also of those without ads, and of clicks that belong to no ad. */
  campaignFacts(network: Network, start: string, end: string): readonly Fact[] {
    const sums = new Map<string, Fact>();
    for (const fact of this.adFacts(network, start, end)) {
      const { adGroup: _, ad: __, ...own } = fact;
      const key = JSON.stringify([fact.day, fact.campaign, fact.device]);
      const before = sums.get(key);
      sums.set(key, before ? added(before, own) : own);
    }
    const { network: of, id } = planted.campaignWithoutAds;
    const alone =
      network !== of ? [] : this.#daysBetween(start, end).filter((daysAgo) => !this.#isGone(network, daysAgo));
    return [
      ...sums.values(),
      ...alone.map((daysAgo) => this.#fact(network, id, { campaign: id, device: "MOBILE", daysAgo })),
    ];
  }

  /** The account's currency on a day. */
  currency(network: Network, daysAgo: number): string {
    const { network: of, before, daysAgo: until } = planted.newCurrency;
    return network === of && daysAgo > until ? before : accounts[network].currency;
  }

  #daysBetween(start: string, end: string): readonly number[] {
    const days = Array.from({ length: DAYS }, (_, index) => DAYS - 1 - index);
    return days.filter((daysAgo) => this.day(daysAgo) >= start && this.day(daysAgo) <= end);
  }

  #isGone(network: Network, daysAgo: number): boolean {
    return this.isRestated && network === planted.vanishedDay.network && daysAgo === planted.vanishedDay.daysAgo;
  }

  #adFact(network: Network, one: Ad, device: string, daysAgo: number): Fact | undefined {
    const { vanishedRow, restatedUp, restatedDown, restatedWithoutCurrency, viewThrough } = planted;
    const first = device === accounts[network].devices[0];
    const is = (case_: { network: string; ad: string; daysAgo: number }) =>
      first && case_.network === network && case_.ad === one.id && case_.daysAgo === daysAgo;
    if (this.#isGone(network, daysAgo) || (this.isRestated && is(vanishedRow))) return undefined;
    const place = { campaign: one.campaign, adGroup: one.adGroup, ad: one.id, device, daysAgo };
    const fact = this.#fact(network, `${one.adGroup}/${one.id}`, place);
    for (const restated of [restatedUp, restatedDown, restatedWithoutCurrency]) {
      if (is(restated)) return { ...fact, conversions: Number(this.isRestated ? restated.after : restated.before) };
    }
    return is(viewThrough) ? { ...fact, clicks: 0, conversions: 2 } : fact;
  }

  #fact(
    network: Network,
    entity: string,
    place: Pick<Fact, "campaign" | "adGroup" | "ad" | "device" | "daysAgo">,
  ): Fact {
    const random = randomFor(this.#seed, `${network}/${entity}/${place.device}/${place.daysAgo}`);
    const impressions = 200 + around(random, 600);
    const clicks = Math.min(impressions, around(random, impressions * 0.03));
    const conversions = around(random, clicks * 0.15);
    return {
      ...place,
      day: this.day(place.daysAgo),
      spend: cents(clicks * between(random, 0.4, 1.6)),
      impressions,
      clicks,
      conversions,
      value: cents(conversions * between(random, 15, 60)),
    };
  }
}

function added(one: Fact, other: Fact): Fact {
  return {
    ...one,
    spend: cents(one.spend + other.spend),
    impressions: one.impressions + other.impressions,
    clicks: one.clicks + other.clicks,
    conversions: one.conversions + other.conversions,
    value: cents(one.value + other.value),
  };
}

function cents(amount: number): number {
  return Math.round(amount * 100) / 100;
}
