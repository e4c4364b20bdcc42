// What is odd about the networks on purpose. Days count back from today; the second reading is what the networks say
// after `restate()`.
export const planted = {
  /** Google, second reading: late conversions arrived. */
  restatedUp: { network: "google", ad: "3001", daysAgo: 3, before: "1.5", after: "2.75" },
  /** Meta, second reading: conversions were taken back. */
  restatedDown: { network: "meta", ad: "23850003", daysAgo: 4, before: "4", after: "3" },
  /** LinkedIn, whose report names no currency, second reading: a conversion more. */
  restatedWithoutCurrency: { network: "linkedin", ad: "903", daysAgo: 8, before: "1", after: "2" },
  /** Google, second reading: the metrics of one row fell to zero, and such rows are not sent. */
  vanishedRow: { network: "google", ad: "3002", daysAgo: 5 },
  /** Google, second reading: all rows of a day are gone. */
  vanishedDay: { network: "google", daysAgo: 7 },
  renamedCampaign: { network: "google", id: "1001", from: "Spring Search", to: "Spring Search EU" },
  /** A campaign of LinkedIn, which is an ad group here. */
  renamedAdGroup: { network: "linkedin", id: "801", from: "Europe", to: "Europe and UK" },
  /** Not among the ad groups of the second reading, as its only ad is not among the ads. */
  deletedAdGroup: { network: "tiktok", id: "17800004" },
  /** Not among the ads of the second reading; its figures stay. */
  deletedAd: { network: "tiktok", id: "17900005" },
  /** In no list of ads or campaigns, for the network leaves out what was deleted. */
  orphan: { network: "meta", ad: "23850099", adGroup: "23840099", campaign: "23830099" },
  /** One ad in two ad groups. */
  sharedAd: { network: "google", id: "3003", adGroups: ["2002", "2003"] },
  /** Has figures as a campaign and no ads. */
  campaignWithoutAds: { network: "google", id: "1009" },
  /** A campaign of another network has the same id. */
  sameId: { networks: ["google", "tiktok"], id: "1001" },
  /** Meta's account was paid in euros until this many days ago, and in dollars since. */
  newCurrency: { network: "meta", before: "EUR", after: "USD", daysAgo: 20 },
  /** TikTok: conversions of this ad are "-". */
  unmeasuredAd: { network: "tiktok", id: "17900004" },
  /** LinkedIn: conversions after a view, without a click. */
  viewThrough: { network: "linkedin", ad: "901", daysAgo: 6 },
  /** Google no longer accepts its first access token after so many requests, long before the end it told. */
  endedToken: { network: "google", requests: 5 },
  /** The answers that refuse: Google by 429, TikTok by a code in HTTP 200, Meta by a report that takes its time. */
  throttled: { googleRequest: 3, tiktokRequest: 4, metaReport: 1 },
} as const;
