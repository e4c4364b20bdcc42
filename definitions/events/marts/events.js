// What visitors do, as it happens: each is exact the moment an event is committed (docs/live.md).

const events = {
  from: { schema: "staging", name: "stg_events" },
  of: ["events_page_viewed", "events_signed_up", "events_purchased"].map((name) => ({ schema: "raw", name })),
  schema: "events",
  tags: ["events", "realtime"],
};
const visitor_id = "The visitor: a browser, as its page calls it.";
const day = "The day, in UTC.";

live.publish("event_minutes", {
  ...events,
  by: ["event"],
  time: "event_at",
  every: "minute",
  measures: { events: "count(*)" },
  description: "How much happens, by minute and type of event.",
  columns: {
    event: "page_viewed, signed_up or purchased.",
    minute: "The minute.",
    events: "Events of the type in it.",
  },
});

live.publish("page_days", {
  ...events,
  where: "event = 'page_viewed'",
  by: ["url"],
  time: "event_at",
  every: "day",
  measures: { views: "count(*)" },
  distinct: { visitors: "visitor_id" },
  description: "Pages, by day: the top ones are the first by views.",
  columns: { url: "The page, from its path on.", day, views: "Times it was shown.", visitors: "Visitors who saw it." },
});

live.publish("visitor_days", {
  ...events,
  time: "event_at",
  every: "day",
  measures: { events: "count(*)" },
  distinct: { visitors: "visitor_id" },
  description: "Visitors of each day, each counted once.",
  columns: { day, events: "Events of the day.", visitors: "Visitors with an event on it." },
});

live.publish("purchase_days", {
  ...events,
  where: "event = 'purchased'",
  by: ["currency"],
  time: "event_at",
  every: "day",
  measures: { purchases: "count(*)", revenue: "sum(amount)" },
  description: "What was bought, by day and currency. Amounts in two currencies are never added up.",
  columns: {
    currency: "ISO 4217 code.",
    day,
    purchases: "Orders that were paid.",
    revenue: "What was paid, in the currency.",
  },
});

live.sessions("visits", {
  ...events,
  visitor: "visitor_id",
  time: "event_at",
  gap: "30 minutes",
  measures: {
    events: "count(*)",
    pages: "count(*) filter (where event = 'page_viewed')",
    has_purchase: "bool_or(event = 'purchased')",
  },
  description: "Visits: events of a visitor that follow each other within 30 minutes.",
  columns: {
    visitor_id,
    started_at: "When its first event happened.",
    ended_at: "When its last event happened.",
    events: "Events of the visit.",
    pages: "Pages that were shown.",
    has_purchase: "Whether something was bought.",
  },
});

live.publish("visitors", {
  ...events,
  by: ["visitor_id"],
  measures: {
    first_at: "min(event_at)",
    viewed_at: "min(event_at) filter (where event = 'page_viewed')",
    signed_up_at: "min(event_at) filter (where event = 'signed_up')",
    purchased_at: "min(event_at) filter (where event = 'purchased')",
    last_purchased_at: "max(event_at) filter (where event = 'purchased')",
  },
  // Their events may be of any time: compared after everything was computed.
  audit: "refresh",
  description: "Visitors, and when each did something first.",
  columns: {
    visitor_id,
    first_at: "When the first event happened.",
    viewed_at: "When a page was shown first; NULL for never.",
    signed_up_at: "When they made an account first; NULL for never.",
    purchased_at: "When they bought first; NULL for never.",
    last_purchased_at: "When they bought last; NULL for never.",
  },
});

live.publish("visitor_weeks", {
  ...events,
  by: ["visitor_id"],
  time: "event_at",
  every: "week",
  measures: { events: "count(*)" },
  audit: "refresh",
  description: "Weeks in which a visitor was there.",
  columns: { visitor_id, week: "The first day of the week, a Monday, in UTC.", events: "Events of the visitor in it." },
});
