import fc from "fast-check";
import { test } from "vitest";
import { followsWhatLands } from "../support/following.ts";
import { rounds } from "../support/proof.ts";

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
        const isCorrection = before !== undefined && !restarts && clicks < before.clicks;
        const viewsDelta = !before || restarts ? views : views - before.views;
        const clicksDelta = !before || restarts ? clicks : clicks - before.clicks;
        total.views += viewsDelta;
        total.clicks += clicksDelta;
        const since = before ? before.day : whole;
        const delta = since === undefined ? "baseline" : `+${viewsDelta} +${clicksDelta} in ${day - since}`;
        lines.push(
          `${blog} ${day}: ${delta}, ${total.views} ${total.clicks}${restarts ? " reset" : isCorrection ? " correction" : ""}`,
        );
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

test("snapshots in any order, again and struck out: after each run the days are those of a naive walk, and a full refresh changes nothing", async () => {
  await followsWhatLands({
    paths: ["definitions/blog", "includes", "ingest"],
    tables: {
      blog_snapshots: "blog_id bigint, views bigint, clicks bigint, taken_on date, _load_id bigint, _row_no bigint",
    },
    arrival: snapshot,
    arrivals: SNAPSHOTS,
    store: "blog_history.blog_store",
    scenarios: rounds(2, 60),
    // A whole snapshot without a blog, struck out after it was worked in.
    examples: [
      [
        { day: 2, loaded: 1, isWhole: true, blogs: [], strikes: null },
        { day: 6, loaded: 9, isWhole: false, blogs: [{ id: 2, views: 1, clicks: 1 }], strikes: 1 },
      ],
    ],
    landing,
    naive,
    shown: `select blog_id || ' ' || extract(day from day) || ': '
        || case when is_baseline then 'baseline' else '+' || views_delta || ' +' || clicks_delta || ' in ' || days_covered end
        || ', ' || views_to_date || ' ' || clicks_to_date || case when is_reset then ' reset' when is_correction then ' correction' else '' end
      from blog_history.blog_deltas order by blog_id, day`,
    relations: ["blog_history.blog_deltas", "blog.daily", "blog.daily_total", "blog.totals_to_date"],
  });
});
