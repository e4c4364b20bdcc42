// What the blogs have had till the end of each day: the same for the same seed.
import { dayOf } from "../demo-api/calendar.ts";
import { around, between, randomFor } from "../demo-api/random.ts";
import type { BlogTotals } from "./server.ts";

/** What is unusual on purpose: each is a rule of docs/products/blog.md. */
export const planted = {
  /** Its counters restart from zero on this day. */
  reset: { blogId: 3, day: 12 },
  /** Begins on this day. */
  born: { blogId: 11, day: 8 },
  /** Is gone from this day on. */
  deleted: { blogId: 5, day: 20 },
} as const;

const BLOGS = 12;

/** The totals of all blogs at the end of a day (`2026-01-31`); days begin with the demonstration's first. */
export function totalsOn(day: string, seed = 1): BlogTotals[] {
  const last = dayOf(`${day}T00:00:00Z`);
  const { born, deleted } = planted;
  return Array.from({ length: BLOGS }, (_, index) => index + 1)
    .filter(
      (blogId) => !(blogId === born.blogId && last < born.day) && !(blogId === deleted.blogId && last >= deleted.day),
    )
    .map((blogId) => totalsOf(blogId, last, seed));
}

function totalsOf(blogId: number, last: number, seed: number): BlogTotals {
  const random = randomFor(seed, `blog/${blogId}`);
  const viewsADay = between(random, 20, 900);
  const clickRate = between(random, 0.02, 0.3);
  const isNew = blogId === planted.born.blogId;
  // what the others had before the first day
  let views = isNew ? 0 : around(random, viewsADay * 100);
  let clicks = isNew ? 0 : around(random, viewsADay * 100 * clickRate);
  for (let day = isNew ? planted.born.day : 0; day <= last; day++) {
    if (blogId === planted.reset.blogId && day === planted.reset.day) [views, clicks] = [0, 0];
    const more = around(random, viewsADay);
    views += more;
    clicks += Math.min(more, around(random, more * clickRate));
  }
  return { blogId, views, clicks };
}

/** A snapshot as the CSV file that the blogs' owner sends, its header as it is spelled there. */
export function csvOf(totals: readonly BlogTotals[]): string {
  const lines = totals.map(({ blogId, views, clicks }) => `${blogId},${views},${clicks}`);
  return `${["Blogid, views, cliks", ...lines].join("\n")}\n`;
}
