import { expect } from "vitest";
import { grafanaFiles } from "../../src/bi/grafana/files.ts";
import { daysLater } from "../../src/charts/days.ts";
import { type FigureRow, figuresOf } from "../../src/charts/figures.ts";
import type { Choice, DashboardData, DatesFilter, PanelData } from "../../src/model/dashboard.ts";
import type { CompiledGraph } from "../../src/model/graph.ts";
import { targetKey } from "../../src/model/target.ts";
import type { Client, TableResult } from "../../src/postgres/client.ts";
import { script } from "../../src/sql/authored.ts";
import { asGrafanaSends, type TimeRange } from "./grafana.ts";

interface PanelFile {
  readonly title: string;
  readonly type: string;
  readonly targets?: readonly [{ readonly rawSql: string; readonly format: "table" | "time_series" }];
}

interface DashboardFile {
  readonly title: string;
  readonly panels: readonly PanelFile[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly query: string }[] };
}

const login = { host: "localhost", port: 5432, database: "shop", user: "bi", sslmode: "disable" } as const;

/** The files of these dashboards and of what is going on, by path, as they are read. */
export function filesFor(graph: CompiledGraph, dashboards: readonly DashboardData[]) {
  const about = { project: "shop", environment: "main", login, folder: "/srv/grafana", serverVersion: 180004 };
  const published = new Set(graph.actions.map(({ target }) => targetKey(target)));
  const files = grafanaFiles({ ...about, graph, dashboards, published });
  const read = [...files].filter(([path]) => path.endsWith(".json"));
  return { files, dashboards: new Map(read.map(([path, text]) => [path, JSON.parse(text) as DashboardFile])) };
}

const NEVER: TimeRange = { from: new Date("1970-01-01T00:00:00Z"), to: new Date("1970-01-02T00:00:00.5Z") };
const ALWAYS: TimeRange = { from: new Date("1970-01-01T00:00:00Z"), to: new Date("2100-01-01T00:00:00Z") };

/**
 * Every panel's SQL is what the server executes, over a time without data and over all of it; over the days that the project's own
 * dashboard shows its figures are the same.
 */
export async function expectInGrafana(
  client: Client,
  graph: CompiledGraph,
  all: readonly DashboardData[],
  only?: string,
): Promise<void> {
  const { dashboards } = filesFor(graph, all);
  await client.query(script("set timezone = 'America/New_York'"));
  for (const [path, { panels, templating }] of dashboards) {
    if (only !== undefined && !path.startsWith(only)) continue;
    const variables = templating.list.map(({ name }) => name);
    const every = Object.fromEntries(variables.map((name) => [name, "all" as const]));
    for (const { query } of templating.list) await client.table(script(query));
    const asked = panels.filter(({ targets }) => targets);
    for (const { title, targets } of asked) {
      const [{ rawSql, format }] = targets!;
      const send = (range: TimeRange, values: Readonly<Record<string, readonly string[] | "all">>) =>
        client.table(script(asGrafanaSends(rawSql, range, values)));
      const none = await send(NEVER, Object.fromEntries(variables.map((name) => [name, ["it's", "no value"]])));
      const isBounded = /\$__time|\$\{/.test(rawSql);
      if (isBounded) expect(filled(none), `${path}: ${title}, of no time`).toEqual([]);
      const { columns } = await send(ALWAYS, every);
      if (format === "time_series") expect(columns[0], `${path}: ${title}`).toBe("time");
    }
    const data = all.find(({ name }) => path === `dashboards/project/${name}.json`);
    if (!data) continue;
    for (const [at, panel] of data.panels.entries()) {
      const range = rangeOf(data);
      if (!range) continue;
      const rows = await client.table(script(asGrafanaSends(asked[at]!.targets![0].rawSql, range.time, every)));
      expect(sorted(theirs(panel, rows)), `${path}: ${panel.title}`).toEqual(sorted(ours(panel, data, range.choice)));
    }
  }
}

/** Rows with a figure: a sum of nothing is one row. */
const filled = ({ rows }: TableResult) => rows.filter((row) => row.some((cell) => cell !== null));

/** The days that the project shows at first, of a dashboard that has some. */
function rangeOf({ filters }: DashboardData): { readonly time: TimeRange; readonly choice: Choice } | undefined {
  const dates = filters.find((filter): filter is DatesFilter => filter.kind === "dates");
  const { from, to } = dates ?? { from: null, to: null };
  if (!dates || from === null || to === null) return undefined;
  const end = new Date(Date.parse(daysLater(to, 1)) - 1);
  const choice = Object.fromEntries(
    filters.flatMap(({ kind, column }) => (kind === "values" ? [[column, { values: [] }]] : [])),
  );
  return { time: { from: new Date(from), to: end }, choice };
}

/** Figures alone, as numbers of few enough digits: how lines are called is Grafana's. */
const rounded = (cell: string | null) =>
  cell === null || !/^-?[\d.]+(?:e.*)?$/i.test(cell) ? cell : Number(cell).toPrecision(12);

function ours(panel: PanelData, { filters }: DashboardData, choice: Choice): (string | null)[][] {
  const { rows } = figuresOf(panel, filters, choice);
  const kept = rows.filter((row) => isSeen(panel, row));
  return kept.map(({ values, across, previous }) => [
    ...(panel.across ? [rounded(across ?? null)] : []),
    ...values.flatMap((value, at) => [
      rounded(value),
      ...(panel.compareBy === undefined ? [] : [rounded(previous?.[at] ?? null)]),
    ]),
  ]);
}

/** A point without a place in time, Grafana does not draw. */
function isSeen({ x, columns, chart }: PanelData, { cells }: FigureRow): boolean {
  const isTime = chart !== "table" && x.length === 1 && /^(?:date|timestamp)/.test(columns[x[0]!]!.type);
  return !isTime || cells[x[0]!] !== null;
}

function theirs(panel: PanelData, { rows, columns }: TableResult): (string | null)[][] {
  const figures = panel.measures.length * (panel.compareBy === undefined ? 1 : 2) + (panel.across ? 1 : 0);
  return rows.map((row) => row.slice(columns.length - figures).map(rounded));
}

/** A sum of no rows is a row without a figure to the one, and none to the other. */
const sorted = (rows: readonly unknown[][]) =>
  rows
    .filter((row) => row.some((cell) => cell !== null))
    .map((row) => JSON.stringify(row))
    .sort();
