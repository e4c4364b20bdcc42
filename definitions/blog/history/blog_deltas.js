// What each snapshot adds to the one before. docs/counters.md says what is made of this, and by which rules.
counters.publish("blog", {
  schema: "blog_history",
  tags: ["blog"],
  from: "stg_blog__snapshots",
  loads: "stg_blog__loads",
  loadOrder: ["load_id", "row_no"],
  kind: "full",
  series: { blog_id: "bigint" },
  takenAt: { day: "date" },
  counters: { views: "bigint", clicks: "bigint" },
  // when views fall, clicks have started again, too
  leading: "views",
  columns: {
    blog_id: "The blog.",
    day: "The day of the snapshot: the day of the delta.",
    load_id: "The load that counts for the day.",
    row_no: "Position of the record in its load.",
    views: "Views",
    clicks: "Clicks",
  },
  rollups: {
    blog_days: {
      description:
        "What blog.daily_total is kept in; read that one. Only days with a changed reading are computed again.",
      every: "day",
      measures: { blogs: "count(*) filter (where not is_baseline)" },
      columns: { blogs: "Blogs with a difference on this day: the other readings are baselines." },
    },
  },
  totals: {
    description:
      "What blog.totals_to_date is kept in; read that one. Only blogs with a changed reading are computed again, from their first reading and the last ones.",
    indexes: [{ columns: ["views desc"] }],
  },
});
