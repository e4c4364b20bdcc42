// Blog, from docs/products/blog.md and what columns say of themselves.

import { type Step, type Totals, walk } from "./counters.ts";
import { count, dayNumber, moment, number, order, sum, ZERO } from "./exact.ts";
import type { Oracle, Raw, RawRow, Row } from "./relation.ts";

interface Snapshot {
  readonly day: string;
  readonly load: string;
  /** Blogs that it has twice. */
  readonly twice: readonly string[];
  readonly isWhole: boolean;
  readonly blogs: ReadonlyMap<string, Totals>;
}

interface Reading extends Step {
  readonly blog: string;
  readonly day: string;
  readonly totals: Totals;
  readonly daysCovered: number;
}

export const blog: Oracle = (raw) => {
  const snapshots = snapshotsOf(raw);
  const blogs = [...new Set(snapshots.flatMap((one) => [...one.blogs.keys()]))];
  const readings = blogs.map((id) => readingsOf(id, snapshots));
  const daily = readings.flat().filter(({ delta }) => delta);
  const days = [...new Set(daily.map(({ day }) => day))];
  return {
    "blog.daily": {
      key: ["blog_id", "day"],
      rows: daily.map((one) => ({
        blog_id: one.blog,
        day: one.day,
        views: one.delta!.views!,
        clicks: one.delta!.clicks!,
        days_covered: count(one.daysCovered),
        is_reset: one.isReset,
        is_correction: one.isCorrection,
      })),
    },
    "blog.daily_total": {
      key: ["day"],
      rows: days.map((day) => {
        const own = daily.filter((one) => one.day === day);
        return {
          day,
          blogs: count(own.length),
          views: sum(own.map(({ delta }) => delta!.views!)),
          clicks: sum(own.map(({ delta }) => delta!.clicks!)),
          days_covered: count(Math.max(...own.map(({ daysCovered }) => daysCovered))),
          has_reset: own.some(({ isReset }) => isReset),
          has_correction: own.some(({ isCorrection }) => isCorrection),
        };
      }),
    },
    "blog.findings": {
      key: ["day", "blog_id", "finding"],
      without: ["says"],
      rows: findings(snapshots, readings.flat()),
    },
    "blog.totals_to_date": {
      key: ["blog_id"],
      rows: readings.map((own) => {
        const [first, last] = [own[0]!, own.at(-1)!];
        return {
          blog_id: first.blog,
          views: last.toDate.views!,
          clicks: last.toDate.clicks!,
          views_before_feed: first.delta ? ZERO : first.totals.views!,
          clicks_before_feed: first.delta ? ZERO : first.totals.clicks!,
          first_day: first.day,
          last_day: last.day,
          is_deleted: snapshots.some(({ day, isWhole }) => isWhole && day > last.day),
        };
      }),
    },
  };
};

/** What deserves a second look; the sentences beside it are not compared, and no world has days to come. */
function findings(snapshots: readonly Snapshot[], readings: readonly Reading[]): Row[] {
  return snapshots.flatMap(({ day, load, twice, blogs }) => {
    const of = (blog_id: string, finding: string): Row => {
      const { views, clicks } = blogs.get(blog_id)!;
      return { day, blog_id, finding, views: views!, clicks: clicks!, load_id: load };
    };
    const own = readings.filter((one) => one.day === day);
    return [
      ...own.filter(({ isReset }) => isReset).map(({ blog }) => of(blog, "reset")),
      ...own.filter(({ isCorrection }) => isCorrection).map(({ blog }) => of(blog, "correction")),
      ...twice.map((blog) => of(blog, "two rows")),
    ];
  });
}

/** Of the snapshots of a day the last loaded, as a whole. */
function snapshotsOf(raw: Raw): Snapshot[] {
  const counted = raw._load!.filter(
    ({ status, batch, table_name }) => status === "loaded" && batch === "full" && table_name === "blog_snapshots",
  );
  const sorted = counted.sort(
    (a, b) =>
      order(number(`${moment(a.finished_at!)}`), number(`${moment(b.finished_at!)}`)) ||
      Number(a.load_id) - Number(b.load_id),
  );
  const found = new Map<string, Snapshot>();
  for (const load of sorted) {
    const rows = raw
      .blog_snapshots!.filter(({ _load_id }) => _load_id === load.load_id)
      .sort((a, b) => Number(a._row_no) - Number(b._row_no));
    const day = load.as_of ?? rows[0]?.taken_on ?? load.finished_at!.slice(0, 10);
    const ids = rows.map(({ blog_id }) => blog_id!);
    found.set(day, {
      day,
      load: load.load_id!,
      twice: [...new Set(ids.filter((id, index) => ids.indexOf(id) < index))],
      isWhole: load.rejected === "0",
      blogs: new Map(rows.map((row) => [row.blog_id!, totalsOf(row)])),
    });
  }
  return [...found.values()].sort((a, b) => (a.day < b.day ? -1 : 1));
}

const totalsOf = (row: RawRow): Totals => ({ views: number(row.views!), clicks: number(row.clicks!) });

function readingsOf(id: string, snapshots: readonly Snapshot[]): Reading[] {
  const own = snapshots.filter(({ blogs }) => blogs.has(id));
  const without = snapshots.findLast(({ day, isWhole }) => isWhole && day < own[0]!.day);
  const steps = walk(
    own.map(({ blogs }) => blogs.get(id)!),
    "views",
    without !== undefined,
  );
  return own.map(({ day, blogs }, index) => {
    const since = own[index - 1]?.day ?? without?.day ?? day;
    return { blog: id, day, totals: blogs.get(id)!, ...steps[index]!, daysCovered: dayNumber(day) - dayNumber(since) };
  });
}
