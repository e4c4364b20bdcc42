import { at, date } from "./calendar.ts";

/**
 * The cases put into the demonstration data on purpose, by name, so that tests and documentation can point at them.
 * They are the same for every seed. Days count from 0, the first day.
 */
export const planted = {
  renamedCampaign: { id: "cmp-0003", to: "Winter Clearance (Final Days)", at: at(20, "09:15:00") },
  /** Paused, then renamed twice while paused: from that day its counters stand still. */
  pausedCampaign: {
    id: "cmp-0007",
    pausedAt: at(30, "08:00:00"),
    renames: [
      { to: "Brand Search v2", at: at(35, "10:00:00") },
      { to: "Brand Search 2026", at: at(50, "10:00:00") },
    ],
  },
  /** The campaign and its creatives end with a tombstone; the last statistics are those of the day before. */
  deletedCampaign: { id: "cmp-0011", at: at(45, "12:00:00"), lastDay: date(44) },
  /** The counter goes on; the campaign of its statistics changes from this day. */
  movedCreative: { id: "cre-00042", from: "cmp-0042", to: "cmp-0006", at: at(40, "06:30:00"), firstDay: date(40) },
  /** Invalid traffic taken back: days 30 to 35 are sent again, lower, and later days go on from there. */
  restatedCreative: {
    id: "cre-00062",
    lowered: { from: 30, to: 32 },
    resent: { from: 30, to: 35 },
    reportedAt: at(36, "15:30:00"),
  },
  /** All counters fall to 0 at the start of this day and count again. */
  resetCreative: { id: "cre-00077", day: 50, date: date(50) },
  /** No snapshot on these days; the next one covers them. */
  gaps: [
    { creative: "cre-00015", from: 10, to: 12 },
    { creative: "cre-00122", from: 25, to: 25 },
    { creative: "cre-00121", from: 60, to: 69 },
  ],
  /** Existed before the first day: its first snapshot already holds the past. */
  oldCreative: { id: "cre-00001" },
  /** Created inside the window: its first snapshot starts from 0. */
  newCreative: { id: "cre-00310" },
  /** Spends, never converts: cost per conversion is NULL, not 0. */
  withoutConversions: { id: "cre-00033" },
  /** A change of this creative arrives without its required `name`. */
  brokenCreativeRecord: { id: "cre-00200", missing: "name", at: at(55, "11:00:00") },
  /** One snapshot arrives without its required `impressions`. */
  brokenStatsRecord: { creative: "cre-00201", device: "desktop", missing: "impressions", day: 40, measuredAt: at(41) },
  /** The fourth page of statistics is served twice in a row. */
  duplicatedPage: { endpoint: "stats", page: 4 },
} as const;
