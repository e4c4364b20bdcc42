import { cpSync } from "node:fs";
import { join, resolve } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { compile } from "../../src/compile/compile.ts";
import { run } from "../../src/run/run.ts";
import { makeLedger } from "../support/history.ts";
import { warehouse } from "../support/warehouse.ts";

// Snapshots in any order, loaded again, with rejects, struck out of the ledger. Few days, blogs and values: they often meet.
interface Snapshot {
  readonly day: number;
  readonly loaded: number;
  readonly isWhole: boolean;
  readonly blogs: readonly { readonly id: number; readonly views: number; readonly clicks: number }[];
  /** The snapshot before which is struck out together with this one's arrival. */
  readonly strikes: number | null;
}

const SNAPSHOTS = 5;
const count = fc.integer({ min: 0, max: 5 });
const snapshot: fc.Arbitrary<Snapshot> = fc.record({
  day: fc.integer({ min: 1, max: 6 }),
  loaded: fc.integer({ min: 1, max: 9 }),
  isWhole: fc.constantFrom(true, true, true, false),
  blogs: fc.array(fc.record({ id: fc.integer({ min: 1, max: 4 }), views: count, clicks: count }), { maxLength: 5 }),
  strikes: fc.option(fc.integer({ min: 1, max: SNAPSHOTS }), { freq: 4 }),
});

/** The rules of docs/products/blog.md once more, as a walk along the days of each blog. */
function naive(all: readonly Snapshot[]): string[] {
  const struck = new Set(all.map(({ strikes }, index) => (strikes !== null && strikes <= index ? strikes : 0)));
  const standing = all
    .map((one, index) => ({ ...one, id: index + 1 }))
    .filter(({ id }) => !struck.has(id))
    .sort((a, b) => a.day - b.day || a.loaded - b.loaded || a.id - b.id)
    .filter(({ day }, index, sorted) => sorted[index + 1]?.day !== day);
  const lines: string[] = [];
  for (const blog of [1, 2, 3, 4]) {
    let before: { day: number; views: number; clicks: number } | undefined;
    let whole: number | undefined;
    const total = { views: 0, clicks: 0 };
    for (const { day, blogs, isWhole } of standing) {
      const found = blogs.findLast(({ id }) => id === blog);
      if (found) {
        const { views, clicks } = found;
        const restarts = before !== undefined && views < before.views;
        const isReset = before !== undefined && (restarts || clicks < before.clicks);
        const viewsDelta = !before || restarts ? views : views - before.views;
        const clicksDelta = !before || isReset ? clicks : clicks - before.clicks;
        total.views += viewsDelta;
        total.clicks += clicksDelta;
        const since = before ? before.day : whole;
        const delta = since === undefined ? "baseline" : `+${viewsDelta} +${clicksDelta} in ${day - since}`;
        lines.push(`${blog} ${day}: ${delta}, ${total.views} ${total.clicks}${isReset ? " reset" : ""}`);
        before = { day, views, clicks };
      }
      if (isWhole) whole = day;
    }
  }
  return lines;
}

function landing(id: number, { day, loaded, isWhole, blogs, strikes }: Snapshot): string {
  const rows = blogs.map((blog, index) => `(${blog.id}, ${blog.views}, ${blog.clicks}, null, ${id}, ${index + 1})`);
  return `
    ${rows.length ? `insert into raw.blog_snapshots values ${rows.join(", ")};` : ""}
    insert into raw._load values (${id}, 'blog_snapshots', 'loaded', '2024-02-0${loaded} 01:00Z', ${rows.length},
      ${isWhole ? 0 : 1}, 'full', '2024-01-0${day}', '{}');
    ${strikes === null || strikes >= id ? "" : `update raw._load set status = 'failed' where load_id = ${strikes};`}`;
}

const shown = `select blog_id || ' ' || extract(day from day) || ': '
    || case when is_baseline then 'baseline' else '+' || views_delta || ' +' || clicks_delta || ' in ' || days_covered end
    || ', ' || views_to_date || ' ' || clicks_to_date || case when is_reset then ' reset' else '' end
  from blog_history.blog_deltas order by blog_id, day`;

test("seed 0: snapshots in any order, again and struck out: after each run the days are those of a naive walk, and a full refresh changes nothing", async () => {
  const { project, database, rows, sql } = await warehouse({ "definitions/package.json": '{ "type": "commonjs" }' });
  const root = resolve(import.meta.dirname, "../..");
  for (const path of ["definitions/blog", "includes/deltas.js", "includes/totals.js", "includes/blog_calendar.js"])
    cpSync(join(root, path), join(project.dir, path), { recursive: true });
  await sql(`${makeLedger};
    create table raw.blog_snapshots (blog_id bigint, views bigint, clicks bigint, taken_on date, _load_id bigint, _row_no bigint)`);
  const graph = await compile(project.dir);
  const update = async (fullRefresh = false) => {
    const { steps } = await run(graph, database.settings, { fullRefresh });
    expect(steps.filter(({ status }) => status !== "ok")).toEqual([]);
  };
  const scenario = fc.array(snapshot, { minLength: SNAPSHOTS, maxLength: SNAPSHOTS });
  await fc.assert(
    fc.asyncProperty(scenario, async (snapshots) => {
      await sql("truncate raw._load, raw.blog_snapshots");
      await update(true);
      for (const [index, one] of snapshots.entries()) {
        await sql(landing(index + 1, one));
        await update();
        const landed = snapshots.slice(0, index + 1);
        expect(await rows(shown), JSON.stringify(landed)).toEqual(naive(landed));
      }
      const all = "select * from blog_history.blog_deltas order by blog_id, day";
      const incremental = await rows(all);
      await update(true);
      expect(await rows(all)).toEqual(incremental);
    }),
    { numRuns: 4, endOnFailure: true },
  );
}, 120_000);
