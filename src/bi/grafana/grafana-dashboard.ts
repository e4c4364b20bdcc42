import { daysBetween } from "../../charts/days.ts";
import type { DashboardData, DashboardFilter, DatesFilter, DeclaredDates, PanelData } from "../../model/dashboard.ts";
import type { Dashboard } from "../../model/graph.ts";
import { id } from "../../sql/identifiers.ts";
import { join, type Sql, sql } from "../../sql/sql.ts";
import { optionsOf } from "./options.ts";
import { type PanelOf, panelQuery, rowsOf } from "./query.ts";
import { drawnAs } from "./shape.ts";
import { variableOf } from "./variables.ts";

/** Grafana's classic dashboards: the newest number that every version from 12 on takes from a file. */
const SCHEMA_VERSION = 42;
/** Options of panels are those of this version; newer ones read them. */
const PLUGINS = "12.0.0";
/** How often what moves is read again: the least that Grafana lets anybody choose, unless its `min_refresh_interval` says otherwise. */
const REFRESH = "5s";
/** Data that end so many days ago are no longer looked at from now on back. */
const CURRENT_DAYS = 14;

export interface Source {
  readonly uid: string;
  readonly type: string;
}

/** A panel as Grafana draws it. */
export interface GrafanaPanel {
  readonly title: string;
  readonly description?: string;
  /** Quarters of the page's width. */
  readonly width: 1 | 2 | 3 | 4;
  readonly look: object;
  readonly format: "table" | "time_series";
  readonly query: Sql;
}

export interface GrafanaDashboard {
  readonly uid: string;
  readonly title: string;
  /** Markdown. */
  readonly text?: string;
  readonly tags: readonly string[];
  readonly time?: { readonly from: string; readonly to: string };
  /** It shows what lands as it lands. */
  readonly moves?: boolean;
  readonly variables: readonly GrafanaVariable[];
  readonly panels: readonly GrafanaPanel[];
}

export interface GrafanaVariable {
  readonly name: string;
  readonly label: string;
  /** One column of texts. */
  readonly query: Sql;
  /** None: all. */
  readonly chosen: readonly string[];
}

/** A dashboard of the project, in Grafana's words. */
export function dashboardOf(
  declared: Dashboard,
  read: DashboardData,
  about: Pick<GrafanaDashboard, "uid" | "tags" | "moves">,
): GrafanaDashboard {
  const panels = declared.panels.map((panel, at): PanelOf => {
    const { filters, file } = declared;
    return { declared: panel, read: read.panels[at]!, filters, file };
  });
  const time = timeOf(declared, read);
  return {
    ...about,
    title: read.title,
    ...(read.text ? { text: read.text } : {}),
    ...(time ? { time } : {}),
    variables: read.filters.flatMap((filter) => (filter.kind === "values" ? [variable(filter, panels)] : [])),
    panels: panels.map((panel) => {
      const drawn = drawnAs(panel.declared, panel.read);
      const { title, text, width } = panel.read;
      return {
        title,
        ...(text ? { description: text } : {}),
        width,
        look: optionsOf(panel.declared, drawn),
        format: drawn.time === undefined ? "table" : "time_series",
        query: panelQuery(panel, drawn),
      };
    }),
  };
}

function variable(filter: DashboardFilter & { kind: "values" }, panels: readonly PanelOf[]): GrafanaVariable {
  const applied = panels.filter(({ declared }) => declared.filters.includes(filter.column));
  const selects = new Map(
    applied.map((panel) => {
      const select = sql`select panel.${id(filter.column)}::text as value from ${rowsOf(panel)} as panel`;
      return [select.toString(), select];
    }),
  );
  const all = selects.size ? [...selects.values()] : [sql`select null as value`];
  return {
    name: variableOf(filter.column),
    label: filter.label,
    query: sql`
      select distinct value
      from (
        ${join(all, "\nunion all\n")}
      ) as found
      where value is not null
      order by value`,
    chosen: filter.chosen,
  };
}

/** The days that are looked at first: from now on back, or where the data ended long ago the days that the project shows. */
function timeOf({ filters }: Dashboard, { filters: read, panels, readAt }: DashboardData) {
  const dates = read.find((filter): filter is DatesFilter => filter.kind === "dates");
  const today = readAt.slice(0, 10);
  const [first, last] = dates ? [dates.from ?? dates.first, dates.to ?? dates.last] : daysOf(panels);
  const declared = filters.find((filter): filter is DeclaredDates => filter.kind === "dates");
  const isFixed = declared?.from !== undefined || declared?.to !== undefined;
  const isCurrent = last === null || daysBetween(last, today) <= CURRENT_DAYS;
  if (declared?.last && isCurrent) return { from: `now-${backwards(declared.last)}/d`, to: "now/d" };
  if (first === null || last === null) return undefined;
  const to = isCurrent && !isFixed && last <= today ? "now/d" : `${last}T23:59:59.999Z`;
  return { from: `${first}T00:00:00.000Z`, to };
}

/** So many days, the last one included. */
function backwards({ count, unit }: NonNullable<DeclaredDates["last"]>): string {
  if (unit === "day" || unit === "week") return `${count * (unit === "week" ? 7 : 1) - 1}d`;
  return `${count}${unit === "month" ? "M" : "y"}+1d`;
}

/** Where no filter says it: the first and the last day along a panel. */
function daysOf(panels: readonly PanelData[]): readonly [string | null, string | null] {
  const days = panels.flatMap(({ x, columns, rows, chart }) => {
    const along = chart === "table" ? undefined : x[0];
    if (along === undefined || !/^(?:date|timestamp)/.test(columns[along]!.type)) return [];
    return rows.flatMap((row) => (/^\d{4}-\d\d-\d\d/.test(row[along] ?? "") ? [row[along]!.slice(0, 10)] : []));
  });
  const sorted = days.sort();
  return [sorted[0] ?? null, sorted.at(-1) ?? null];
}

/** The file of a dashboard. */
export function dashboardJson(dashboard: GrafanaDashboard, source: Source): string {
  const { uid, title, text, tags, time, moves = false, variables, panels } = dashboard;
  const top = text ? [{ id: 1, ...textPanel(text) }] : [];
  const places = placed(panels, text ? TEXT_HEIGHT : 0);
  return `${JSON.stringify(
    {
      uid,
      title,
      tags,
      schemaVersion: SCHEMA_VERSION,
      timezone: "utc",
      editable: true,
      graphTooltip: 1,
      refresh: moves ? REFRESH : "",
      time: time ?? { from: "now-7d", to: "now" },
      // Where there are no times to choose from; how often it is read again stands beside them.
      ...(time || moves ? {} : { timepicker: { hidden: true } }),
      templating: { list: variables.map((one) => variableJson(one, source)) },
      annotations: { list: [] },
      links: [],
      panels: [
        ...top,
        ...panels.map(({ title, description, look, format, query }, at) => ({
          id: at + top.length + 1,
          title,
          ...(description ? { description } : {}),
          gridPos: places[at],
          datasource: source,
          pluginVersion: PLUGINS,
          ...look,
          targets: [
            { refId: "A", datasource: source, format, editorMode: "code", rawQuery: true, rawSql: query.toString() },
          ],
        })),
      ],
    },
    null,
    2,
  )}\n`;
}

const TEXT_HEIGHT = 3;

function textPanel(content: string): object {
  return {
    type: "text",
    title: "",
    transparent: true,
    gridPos: { x: 0, y: 0, w: 24, h: TEXT_HEIGHT },
    options: { mode: "markdown", content },
  };
}

function variableJson({ name, label, query, chosen }: GrafanaVariable, datasource: Source): object {
  const all = !chosen.length;
  return {
    type: "query",
    name,
    label,
    datasource,
    query: query.toString(),
    definition: query.toString(),
    multi: true,
    includeAll: true,
    // NULL, which no value is: rows without one are left, too.
    allValue: "NULL",
    current: { text: all ? ["All"] : chosen, value: all ? ["$__all"] : chosen },
    refresh: 1,
    sort: 0,
  };
}

/** Side by side as long as there is room, as on the project's own page. */
function placed(panels: readonly GrafanaPanel[], from: number) {
  let [x, y, rowHeight] = [0, from, 0];
  return panels.map(({ width, look }) => {
    const w = width * 6;
    const h = (look as { type: string }).type === "stat" ? 4 : 9;
    if (x + w > 24) [x, y, rowHeight] = [0, y + rowHeight, 0];
    const place = { x, y, w, h };
    x += w;
    rowHeight = Math.max(rowHeight, h);
    return place;
  });
}
