import type { CompiledGraph } from "../../model/graph.ts";
import { isChosen, timeFilter } from "../../sql/grafana.ts";
import { literal } from "../../sql/literals.ts";
import { sql } from "../../sql/sql.ts";
import type { GrafanaDashboard, GrafanaPanel } from "./grafana-dashboard.ts";
import { ENVIRONMENT, environments, ofEnvironment, panelsOf, series, table, type Views, viewsOf } from "./monitored.ts";

interface OperationsInput {
  readonly graph: CompiledGraph;
  readonly environment: string;
  readonly published: ReadonlySet<string>;
}

/** What is going on, of the views of `monitoring` that the project has (docs/monitoring.md): dashboards by the names of their files. */
export function operationsDashboards(
  { graph, environment, published }: OperationsInput,
  uid: (name: string) => string,
): readonly (readonly [string, GrafanaDashboard])[] {
  const views = viewsOf(graph, published);
  const about = (name: string) => ({ uid: uid(name), tags: ["dataform", "operations"], time: LAST_WEEK });
  const variables = environments(views, environment);
  const all: readonly (readonly [string, GrafanaDashboard])[] = [
    ["runs", { ...about("runs"), title: "Runs and releases", variables, panels: runs(views) }],
    ["loads", { ...about("loads"), title: "Loads", variables: [], panels: loads(views) }],
    ["storage", { ...about("storage"), title: "Storage", variables: [], panels: storage(views) }],
  ];
  return all.filter(([, { panels }]) => panels.length);
}

const LAST_WEEK = { from: "now-7d", to: "now" };

function runs(views: Views): readonly GrafanaPanel[] {
  // Without them nothing says which environments there are.
  if (!environments(views, "").length) return [];
  return panelsOf(views, [
    [
      "runs",
      (view) =>
        table(
          "Runs",
          4,
          sql`
      select started_at, status, seconds, built, failed, held, rows, run_id, environment
      from ${view}
      where ${timeFilter(sql`started_at`)} and ${ofEnvironment}
      order by started_at desc
      limit 200`,
          { started_at: "dateTimeAsIso", seconds: "s" },
        ),
    ],
    [
      "runs",
      (view) =>
        series(
          "How long runs took",
          sql`
      select started_at as "time", environment as metric, seconds as "Seconds"
      from ${view}
      where ${timeFilter(sql`started_at`)} and ${ofEnvironment}
      order by 1`,
          "s",
          "points",
        ),
    ],
    [
      "publishing_waits",
      (view) =>
        series(
          "What publishing waited for",
          sql`
      select started_at as "time", horizon_seconds as "Older transactions", lock_seconds as "Locks"
      from ${view}
      where ${timeFilter(sql`started_at`)} and ${ofEnvironment}
      order by 1`,
          "s",
          "bars",
        ),
    ],
    [
      "failing_assertions",
      (view) =>
        table(
          "Failing now",
          4,
          sql`
      select schema_name || '.' || name as name, kind, status, rows, failing_since, failing_runs
      from ${view}
      where ${ofEnvironment}
      order by failing_since, name`,
          { failing_since: "dateTimeAsIso" },
        ),
    ],
    [
      "model_times",
      (view) =>
        table(
          "Slowest models",
          2,
          sql`
      select schema_name || '.' || name as model, last_seconds, median_seconds, slowest_seconds, last_rows
      from ${view}
      where ${ofEnvironment}
      order by last_seconds desc nulls last
      limit 50`,
          { last_seconds: "s", median_seconds: "s", slowest_seconds: "s" },
        ),
    ],
    [
      "run_steps",
      (view) =>
        table(
          "What made the last run as long as it was",
          2,
          sql`
      select start_seconds, seconds, schema_name || '.' || name as step, after_name as waited_for
      from ${view}
      where is_critical and run_id = (
        select last.run_id from ${view} as last where ${isChosen(sql`last.environment`, ENVIRONMENT)}
        order by last.started_at desc nulls last limit 1
      )
      order by start_seconds`,
          { start_seconds: "s", seconds: "s" },
        ),
    ],
    [
      "releases",
      (view) =>
        table(
          "Releases",
          4,
          sql`
      select release_id, published_at, is_current, is_kept, added, removed, changed, environment
      from ${view}
      where ${ofEnvironment}
      order by environment, release_id desc
      limit 50`,
          { published_at: "dateTimeAsIso" },
        ),
    ],
  ]);
}

function loads(views: Views): readonly GrafanaPanel[] {
  return panelsOf(views, [
    [
      "source_freshness",
      (view) =>
        table(
          "How new each stream is",
          4,
          sql`
      select source, stream, table_name, state, age_seconds as age, warn_seconds as warn, error_seconds as error
      from ${view}
      order by state = 'fresh', age_seconds desc nulls last`,
          { age: "s", warn: "s", error: "s" },
        ),
    ],
    [
      "loads",
      (view) =>
        series(
          "Rows that landed",
          sql`
      select started_at as "time", table_name as metric, rows as "Rows"
      from ${view}
      where ${timeFilter(sql`started_at`)} and status = 'loaded'
      order by 1`,
          "locale",
          "points",
        ),
    ],
    [
      "loads",
      (view) =>
        series(
          "How long loads took",
          sql`
      select started_at as "time", table_name as metric, seconds as "Seconds"
      from ${view}
      where ${timeFilter(sql`started_at`)}
      order by 1`,
          "s",
          "points",
        ),
    ],
    [
      "loads",
      (view) =>
        table(
          "Loads",
          4,
          sql`
      select started_at, source, stream, status, rows, rejected, seconds
      from ${view}
      where ${timeFilter(sql`started_at`)}
      order by started_at desc
      limit 200`,
          { started_at: "dateTimeAsIso", seconds: "s" },
        ),
    ],
    [
      "rejects_by_reason",
      (view) =>
        table(
          "Open rejects",
          4,
          sql`
      select source, stream, table_name, reason, rejects, first_at, last_at
      from ${view}
      order by rejects desc
      limit 100`,
          { first_at: "dateTimeAsIso", last_at: "dateTimeAsIso" },
        ),
    ],
  ]);
}

function storage(views: Views): readonly GrafanaPanel[] {
  return panelsOf(views, [
    [
      "storage",
      (view) =>
        table(
          "Largest now",
          2,
          sql`
      select relation, kind, environment, bytes, rows
      from ${view}
      order by bytes desc nulls last
      limit 100`,
          { bytes: "bytes", rows: "locale" },
        ),
    ],
    [
      "storage_over_time",
      (view) =>
        series(
          "Over time",
          sql`
      select measured_at as "time", relation as metric, max(bytes) as "Bytes"
      from ${view}
      where ${timeFilter(sql`measured_at`)} and relation in (
        select largest.relation from ${view} as largest where largest.bytes is not null
        group by largest.relation order by max(largest.bytes) desc limit ${literal(12)}
      )
      group by 1, 2
      order by 1`,
          "bytes",
          "line",
        ),
    ],
  ]);
}
