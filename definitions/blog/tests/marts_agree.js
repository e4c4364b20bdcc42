// Each mart adds up to what it is made of. docs/counters.md, "Totals that agree".
totals.agree("blog_daily_agrees_with_deltas", {
  tags: ["blog"],
  description: "Each blog has one row a day with a difference, with its figures.",
  expected: {
    from: "blog_deltas",
    where: "not is_baseline",
    columns: { row_count: "1", views: "views_delta", clicks: "clicks_delta" },
  },
  actual: { from: ["blog", "daily"], columns: { row_count: "1" } },
  by: ["blog_id", "day"],
  measures: ["row_count", "views", "clicks"],
  following: { counters: ["blog_history", "blog_store"], day: "day" },
});

totals.agree("blog_daily_total_agrees_with_deltas", {
  tags: ["blog"],
  description: "The days of all blogs together are the sums of their deltas.",
  expected: {
    from: "blog_deltas",
    where: "not is_baseline",
    columns: { views: "views_delta", clicks: "clicks_delta" },
  },
  actual: ["blog", "daily_total"],
  by: ["day"],
  measures: ["views", "clicks"],
  following: { counters: ["blog_history", "blog_store"], day: "day" },
});

totals.agree("blog_totals_to_date_agree_with_deltas", {
  tags: ["blog"],
  description: "The totals to date of each blog are its baseline and its deltas.",
  expected: {
    from: "blog_deltas",
    columns: { views: "coalesce(views_delta, views)", clicks: "coalesce(clicks_delta, clicks)" },
  },
  actual: ["blog", "totals_to_date"],
  by: ["blog_id"],
  measures: ["views", "clicks"],
  // all days of a blog are added up where everything was computed; blog_totals is compared after every run
  following: { counters: ["blog_history", "blog_store"] },
});
