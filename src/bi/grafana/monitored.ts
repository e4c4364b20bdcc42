import { type CompiledGraph, isModel, type Model } from "../../model/graph.ts";
import { type Target, targetKey } from "../../model/target.ts";
import { isChosen } from "../../sql/grafana.ts";
import { relationId } from "../../sql/identifiers.ts";
import { type Sql, sql } from "../../sql/sql.ts";
import type { GrafanaPanel, GrafanaVariable } from "./grafana-dashboard.ts";

/** Views of the packaged functions `monitoring`, by the columns that panels ask for. */
const VIEWS = {
  runs: ["run_id", "environment", "status", "started_at", "seconds", "built", "failed", "held", "rows"],
  run_steps: ["environment", "run_id", "schema_name", "name", "seconds", "start_seconds", "is_critical", "after_name"],
  model_times: ["environment", "schema_name", "name", "last_seconds", "median_seconds", "slowest_seconds", "last_rows"],
  failing_assertions: ["environment", "schema_name", "name", "kind", "status", "rows", "failing_since", "failing_runs"],
  publishing_waits: ["environment", "started_at", "seconds", "horizon_seconds", "lock_seconds"],
  releases: ["environment", "release_id", "published_at", "is_current", "is_kept", "added", "removed", "changed"],
  loads: ["source", "stream", "table_name", "status", "started_at", "seconds", "rows", "rejected"],
  rejects_by_reason: ["source", "stream", "table_name", "reason", "rejects", "first_at", "last_at"],
  source_freshness: ["source", "stream", "table_name", "state", "age_seconds", "warn_seconds", "error_seconds"],
  storage: ["kind", "environment", "relation", "bytes", "rows"],
  storage_over_time: ["kind", "environment", "relation", "measured_at", "bytes"],
} as const;
type View = keyof typeof VIEWS;

/** A view is told by its name and by the columns that its config describes, as `monitoring.columns()` does. */
export function viewsOf(graph: CompiledGraph, published: ReadonlySet<string>): ReadonlyMap<View, Target> {
  const found = new Map<View, Target>();
  const models = graph.actions.filter(
    (action): action is Model => isModel(action) && published.has(targetKey(action.target)),
  );
  for (const [view, columns] of Object.entries(VIEWS) as [View, readonly string[]][]) {
    const model = models.find(
      ({ target, columns: described }) =>
        target.name.endsWith(view) && columns.every((name) => described.some((one) => one.name === name)),
    );
    if (model) found.set(view, model.target);
  }
  return found;
}

export type Views = ReadonlyMap<View, Target>;

/** The panels of those views that are there. */
export function panelsOf(views: Views, panels: readonly (readonly [View, (view: Sql) => GrafanaPanel])[]) {
  return panels.flatMap(([name, panel]) => {
    const target = views.get(name);
    return target ? [panel(relationId(target))] : [];
  });
}

export const ENVIRONMENT = "environment";
export const ofEnvironment = sql`${isChosen(sql`environment`, ENVIRONMENT)}`;

export function environments(views: Views, environment: string): readonly GrafanaVariable[] {
  const target = views.get("runs") ?? views.get("model_times") ?? views.get("failing_assertions");
  if (!target) return [];
  const query = sql`select distinct environment as value from ${relationId(target)} order by value`;
  return [{ name: ENVIRONMENT, label: "Environment", query, chosen: [environment] }];
}
export function table(title: string, width: 2 | 4, query: Sql, units: Readonly<Record<string, string>>): GrafanaPanel {
  const overrides = Object.entries(units).map(([name, value]) => ({
    matcher: { id: "byName", options: name },
    properties: [{ id: "unit", value }],
  }));
  const look = {
    type: "table",
    options: { showHeader: true, cellHeight: "sm" },
    fieldConfig: { defaults: {}, overrides },
  };
  return { title, width, look, format: "table", query };
}

export function series(title: string, query: Sql, unit: string, drawStyle: "line" | "points" | "bars"): GrafanaPanel {
  const custom = { drawStyle, lineWidth: 2, pointSize: 6, fillOpacity: drawStyle === "bars" ? 80 : 0, spanNulls: true };
  const look = {
    type: "timeseries",
    options: {
      legend: { displayMode: "list", placement: "bottom", showLegend: true, calcs: [] },
      tooltip: { mode: "multi" },
    },
    fieldConfig: { defaults: { unit, min: 0, custom }, overrides: [] },
  };
  return { title, width: 2, look, format: "time_series", query };
}
