import { type Choose, Ledger, oneIn, pick, type World } from "./world.ts";

const tables = { blog_snapshots: "blog_id bigint, views bigint, clicks bigint, taken_on date" };

/** A snapshot a day: late, again, missing, with rejects, of blogs that come, go and start again. */
export function blogWorld(choose: Choose, days: number): World {
  const ledger = new Ledger();
  const totals = new Map<number, [views: number, clicks: number]>();
  for (let day = 0; day < days; day++) {
    ledger.day();
    for (const of of [day, ...(oneIn(choose, 3) ? [day - choose(4)] : [])]) {
      if (oneIn(choose, 6)) continue;
      for (const id of [1, 2, 3, 4, 5]) {
        const [views, clicks] = totals.get(id) ?? [choose(100), choose(20)];
        totals.set(
          id,
          oneIn(choose, 10) ? [choose(9), choose(9)] : [views + choose(50), Math.max(clicks + choose(9) - 1, 0)],
        );
      }
      const asOf = new Date(Date.UTC(2026, 2, 6 + of)).toISOString().slice(0, 10);
      const where = pick(choose, ["file", "file", "record"]);
      const here = [...totals].filter(() => !oneIn(choose, 6));
      const rows = [...here, ...(oneIn(choose, 6) ? here.slice(0, 1) : [])].map(
        ([blog_id, [views, clicks]], index) => ({
          blog_id,
          views: views + (index >= here.length ? 1 : 0),
          clicks,
          taken_on: where === "record" ? asOf : null,
        }),
      );
      ledger.add({
        table: "blog_snapshots",
        rows,
        ledger: { batch: "full", as_of: where === "file" ? asOf : null, rejected: oneIn(choose, 6) ? 1 : 0 },
      });
    }
    ledger.strikes(choose);
  }
  return { tables, days: ledger.days };
}
