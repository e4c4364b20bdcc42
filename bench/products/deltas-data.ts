// Raw tables of running totals, as landing leaves them: one load is one reading of every counter.

export interface Feed {
  readonly product: string;
  /** The incremental model that computes the differences. */
  readonly model: string;
  readonly tables: string;
  /** The statements that land the readings of some days, a load each; the last day has the number `lastDay`. */
  load(firstDay: number, lastDay: number): string;
}

const ledger = `
  create schema raw;
  create table raw._load (load_id bigint primary key, source text, stream text, table_name text, status text, started_at timestamptz,
    finished_at timestamptz, rows bigint, rejected bigint, cursor jsonb, details jsonb, batch text, as_of text);`;

// Days are counted back from the end of a month, so that a month is as full whatever the history.
const date = (day: string) => `(date '2026-03-20' + (${day}))`;

const told = (table: string, batch: string, rows: number, first: number, last: number) => `
  insert into raw._load
  select 10000 + day, 'bench', 'bench', '${table}', 'loaded', now(), clock_timestamp() + interval '1 second' * day, ${rows}, 0, null, '{}',
    '${batch}', ${date("day")}::text
  from generate_series(${first}, ${last}) as days (day);
  analyze raw.${table};`;

/** `rows` counters: three devices of each creative. */
export function marketing(rows: number): Feed {
  const creatives = Math.ceil(rows / 3);
  return {
    product: "marketing",
    model: "stat_store",
    tables: `${ledger}
      create table raw.marketing_campaigns (id text, account_id text, time_zone text, name text, status text, objective text, currency text,
        daily_budget numeric, deleted boolean, created_at timestamptz, updated_at timestamptz, _load_id bigint, _row_no bigint);
      create table raw.marketing_creatives (id text, campaign_id text, name text, format text, landing_url text, deleted boolean,
        created_at timestamptz, updated_at timestamptz, _load_id bigint, _row_no bigint);
      create table raw.marketing_stats (creative_id text, campaign_id text, device text, measured_at timestamptz, reported_at timestamptz,
        currency text, spend numeric, impressions bigint, clicks bigint, conversions bigint, _load_id bigint, _row_no bigint, conversion_value numeric);
      create index on raw.marketing_stats using brin (_load_id);
      insert into raw.marketing_campaigns
      select 'cmp-' || n, 'acc-1', null, 'Campaign ' || n, 'active', 'sales', 'USD', 100, false, '2020-01-01Z', '2020-01-01Z', 1, n
      from generate_series(1, 100) as campaigns (n);
      insert into raw.marketing_creatives
      select 'crv-' || n, 'cmp-' || n % 100 + 1, 'Creative ' || n, 'image', null, false, '2020-01-01Z', '2020-01-01Z', 2, n
      from generate_series(1, ${creatives}) as creatives (n);
      insert into raw._load (load_id, table_name, status, finished_at, rows, rejected, batch)
      values (1, 'marketing_campaigns', 'loaded', now(), 100, 0, 'log'), (2, 'marketing_creatives', 'loaded', now(), ${creatives}, 0, 'log');
      analyze raw.marketing_campaigns, raw.marketing_creatives;`,
    load: (first, last) => `
      insert into raw.marketing_stats
      select 'crv-' || n, 'cmp-' || n % 100 + 1, device, (${date("day")} + 1)::timestamp at time zone 'UTC',
        (${date("day")} + 1)::timestamp at time zone 'UTC' + interval '3 hours', 'USD', (10000 + day) * (n % 7 + 1) * 0.25,
        (10000 + day) * (n % 90 + 10), (10000 + day) * (n % 9 + 1), (10000 + day) * (n % 2), 10000 + day,
        row_number() over (partition by day)
      from generate_series(${first}, ${last}) as days (day), generate_series(1, ${creatives}) as creatives (n),
        (values ('desktop'), ('mobile'), ('tablet')) as devices (device)
      order by day;
      ${told("marketing_stats", "log", creatives * 3, first, last)}`,
  };
}

/** `rows` blogs. */
export function blog(rows: number): Feed {
  return {
    product: "blog",
    model: "blog_store",
    tables: `${ledger}
      create table raw.blog_snapshots (blog_id bigint, views bigint, clicks bigint, taken_on date, _load_id bigint, _row_no bigint);
      create index on raw.blog_snapshots using brin (_load_id);`,
    load: (first, last) => `
      insert into raw.blog_snapshots
      select n, (10000 + day) * (n % 90 + 10), (10000 + day) * (n % 9 + 1), null, 10000 + day, n
      from generate_series(${first}, ${last}) as days (day), generate_series(1, ${rows}) as blogs (n)
      order by day;
      ${told("blog_snapshots", "full", rows, first, last)}`,
  };
}
