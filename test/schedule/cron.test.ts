import { readFileSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
import { duesBetween, lastDue, nextDue, shortestGap } from "../../src/schedule/cron/dues.ts";
import { readCron } from "../../src/schedule/cron/line.ts";
import { type AskedDues, type DuesHash, hashOfDues, lineOf as line } from "../support/dues-hash.ts";
import { isWhole } from "../support/proof.ts";
import { openThreads } from "../support/threads.ts";

/** Dues in UTC, without the year and the seconds. */
function dues(text: string, zone: string, after: string, until: string): string {
  const all = duesBetween(line(text, zone), new Date(after), new Date(until), 50);
  return all.map((due) => due.toISOString().slice(5, 16)).join(" ");
}

const NY = "America/New_York";
const HOWE = "Australia/Lord_Howe";

test.each([
  ["30 2 * * *", NY, "2026-03-07T12:00Z", "2026-03-09T12:00Z", "03-08T07:00 03-09T06:30"],
  ["0,30 2 * * *", NY, "2026-03-07T12:00Z", "2026-03-08T12:00Z", "03-08T07:00"],
  ["*/30 * * * *", NY, "2026-11-01T05:00Z", "2026-11-01T07:00Z", "11-01T05:30 11-01T06:00 11-01T06:30 11-01T07:00"],
  ["30 1 * * *", NY, "2026-11-01T04:00Z", "2026-11-02T04:00Z", "11-01T05:30"],
  // A line with seconds is fixed by the same rule.
  ["15 30 1 * * *", NY, "2026-11-01T04:00Z", "2026-11-02T04:00Z", "11-01T05:30"],
  // So is a list in which `*` stands behind another item.
  ["5,*/30 2 * * *", NY, "2026-03-07T12:00Z", "2026-03-09T12:00Z", "03-08T07:00 03-09T06:00 03-09T06:05 03-09T06:30"],
  ["0,*/30 1 * * *", NY, "2026-11-01T00:00Z", "2026-11-02T00:00Z", "11-01T05:00 11-01T05:30"],
  ["30 1,*/12 * * *", NY, "2026-11-01T00:00Z", "2026-11-02T00:00Z", "11-01T04:30 11-01T05:30 11-01T17:30"],
  ["15 2 * * *", HOWE, "2026-10-03T00:00Z", "2026-10-04T00:00Z", "10-03T15:30"],
  ["45 1 * * *", HOWE, "2026-04-04T00:00Z", "2026-04-05T00:00Z", "04-04T14:45"],
  ["0 0 * * *", "America/Santiago", "2026-09-05T12:00Z", "2026-09-06T12:00Z", "09-06T04:00"],
  ["@daily", "America/Santiago", "2026-09-05T12:00Z", "2026-09-06T12:00Z", "09-06T04:00"],
])("%s in %s goes through a change of the clocks as Debian's cron does", (text, zone, after, until, expected) => {
  expect(dues(text, zone, after, until)).toBe(expected);
});

test.each([
  [
    "0 22-2 * * *",
    "2026-11-01T12:00Z",
    "2026-11-02T12:00Z",
    "11-01T22:00 11-01T23:00 11-02T00:00 11-02T01:00 11-02T02:00",
  ],
  ["0 0 * * FRI-MON", "2026-11-02T12:00Z", "2026-11-10T12:00Z", "11-06T00:00 11-07T00:00 11-08T00:00 11-09T00:00"],
  ["0 0 13 * 5", "2026-11-01T12:00Z", "2026-11-21T12:00Z", "11-06T00:00 11-13T00:00 11-20T00:00"],
  ["0 0 */2 * 5", "2026-11-01T12:00Z", "2026-11-30T12:00Z", "11-13T00:00 11-27T00:00"],
  ["0 0 15W * ?", "2026-11-01T12:00Z", "2026-12-31T12:00Z", "11-16T00:00 12-15T00:00"],
  ["0 0 LW * *", "2026-11-01T12:00Z", "2027-02-01T12:00Z", "11-30T00:00 12-31T00:00 01-29T00:00"],
  ["0 0 * * 5L", "2026-11-01T12:00Z", "2026-12-31T12:00Z", "11-27T00:00 12-25T00:00"],
  ["0 0 * * MON#2", "2026-11-01T12:00Z", "2026-12-31T12:00Z", "11-09T00:00 12-14T00:00"],
  ["0 0 1 JAN,JUL *", "2026-11-01T12:00Z", "2027-08-01T12:00Z", "01-01T00:00 07-01T00:00"],
])("%s means what docs/schedule.md says", (text, after, until, expected) => {
  expect(dues(text, "UTC", after, until)).toBe(expected);
});

test.each([
  ["0 0 31 2 *", "this line is never due"],
  ["0 0 30 FEB *", "this line is never due"],
  ["5/15 * * * *", "minute: a step needs a range"],
  ["60 * * * *", "minute: 60 is none"],
  ["* * * * MOON", "day of week: MOON is none"],
  ["* * 0 * *", "day of month: 0 is none"],
  ["*/0 * * * *", "minute: a step is a whole number"],
  ["* * * * * * 2026", "a cron line has 5 fields, or 6 with seconds in front; this one has 7"],
  ["* * * *", "a cron line has 5 fields, or 6 with seconds in front; this one has 4"],
  ["@fortnightly", "there is no @fortnightly"],
  ["1,,2 * * * *", "minute: an item is empty"],
  ["H * * * *", "minute: H is none"],
  ["* * L-2 * *", "day of month: L-2 is none"],
])("%s is refused, and says why", (text, message) => {
  expect(readCron(text, "UTC")).toMatchObject({ message });
});

test("the last due is found however long ago it was, and the shortest time between two", () => {
  const [from, now] = [new Date("2000-01-01"), new Date("2026-11-01")];
  expect(lastDue(line("0 0 29 2 *"), from, now)).toEqual(new Date("2024-02-29"));
  expect(lastDue(line("* * * * *"), from, now)).toEqual(now);
  expect(lastDue(line("0 0 29 2 *"), new Date("2025-01-01"), now)).toBeUndefined();
  expect(nextDue(line("0 0 29 2 *"), now)).toEqual(new Date("2028-02-29"));
  expect(shortestGap(line("0 0 * * 1,5"))).toBe(3 * 86_400_000);
});

describe("against cronsim, another implementation by other people", () => {
  type Judged = readonly DuesHash[];
  interface Oracle {
    readonly lines: readonly string[];
    readonly zones: readonly {
      readonly zone: string;
      readonly offset: number;
      readonly changes: readonly (readonly [at: number, before: number, after: number])[];
      readonly dues: Judged;
    }[];
    readonly plainYear: readonly { readonly zone: string; readonly dues: Judged }[];
    readonly lostDay: { readonly zone: string; readonly dues: Judged };
  }
  const oracle = JSON.parse(readFileSync(new URL("oracle/cronsim.json", import.meta.url), "utf8")) as Oracle;
  const DAY = 86_400;

  /** Seconds that a zone is ahead of UTC. */
  function offsetOf(zone: string, seconds: number): number {
    const format = new Intl.DateTimeFormat("en-US", { timeZone: zone, timeZoneName: "longOffset" });
    const name = format.formatToParts(seconds * 1000).find(({ type }) => type === "timeZoneName")!.value;
    const [, sign, hours = "0", minutes = "0", rest = "0"] = /GMT(?:([+-])(\d+):(\d+)(?::(\d+))?)?/.exec(name)!;
    return (sign === "-" ? -1 : 1) * (Number(hours) * 3600 + Number(minutes) * 60 + Number(rest));
  }

  const threads = isWhole ? openThreads<AskedDues, DuesHash>("dues-child.ts") : undefined;
  afterAll(async () => (await threads)?.end());

  /** Each line has the dues that the oracle has: none missed, none doubled. */
  const expectSameDues = async (zone: string, windows: AskedDues["windows"], dues: Judged) => {
    const found = lines.map(async ([, text]) => {
      const asked = { text, zone, windows };
      return [text, ...(threads ? await (await threads).ask(asked) : hashOfDues(asked))];
    });
    expect(await Promise.all(found)).toEqual(lines.map(([index, text]) => [text, ...dues[index]!]));
  };

  const windowsOf = ({ changes }: Oracle["zones"][number]) =>
    changes.length
      ? changes.map(([at]) => [at - DAY, at + DAY] as const)
      : [[Date.UTC(2026, 5, 1) / 1000, Date.UTC(2026, 5, 3) / 1000] as const];
  /** Data differ before programs do: a zone whose offsets are others here says nothing of the program. */
  const isSame = ({ zone, offset, changes }: Oracle["zones"][number]) =>
    offsetOf(zone, Date.UTC(2026, 0, 1) / 1000) === offset &&
    changes.every(([at, before, after]) => offsetOf(zone, at - 1) === before && offsetOf(zone, at) === after);
  const same = oracle.zones.filter(isSame);

  test("most zones have the offsets that the oracle had", () => {
    expect(oracle.lines).toHaveLength(40);
    expect(oracle.zones.length).toBeGreaterThan(55);
    expect(oracle.zones.map(({ zone }) => zone)).toEqual(expect.arrayContaining(inSmall));
    expect(oracle.zones.length - same.length).toBeLessThan(6);
  });

  // Of a line of every minute all is asked by `npm run proof:schedule`.
  const lines = [...oracle.lines.entries()].filter(([, text]) => isWhole || !/^(?:\*|\*\/[57]) \*/.test(text));
  // As the oracle calls them: of zones with the same clocks it has the first by name, Detroit's for New York's.
  // Those whose changes are over midnight, within an hour, of half an hour and of two are among them.
  const inSmall = [
    ...["America/Detroit", "America/Santiago", "America/Godthab", "Africa/Casablanca", "Antarctica/Troll"],
    ...["Australia/LHI", "Pacific/Chatham"],
  ];
  const zones = isWhole ? same : same.filter(({ zone }) => inSmall.includes(zone));

  test.concurrent.each(zones.map((one) => [one.zone, one] as const))(
    "%s: none missed, none doubled",
    { timeout: 7_200_000 },
    (_, one) => expectSameDues(one.zone, windowsOf(one), one.dues),
  );

  test("Samoa had no 30 December 2011: its fixed times are at the first instant after, as those of every gap", async () => {
    const window = [[Date.UTC(2011, 11, 28) / 1000, Date.UTC(2012, 0, 2) / 1000]] as const;
    await expectSameDues("Pacific/Apia", window, oracle.lostDay.dues);
    expect(dues("30 2 * * *", "Pacific/Apia", "2011-12-28T00:00Z", "2012-01-02T00:00Z")).toBe(
      "12-28T12:30 12-29T12:30 12-30T10:00 12-30T12:30 12-31T12:30 01-01T12:30",
    );
  });

  test.runIf(isWhole).concurrent.each(oracle.plainYear.map((one) => [one.zone, one] as const))(
    "%s: a plain year",
    { timeout: 7_200_000 },
    (zone, one) => expectSameDues(zone, [[Date.UTC(2027, 0, 1) / 1000, Date.UTC(2028, 0, 1) / 1000]], one.dues),
  );
});
