import { dayOf, daysLater, monthsLater } from "../charts/days.ts";
import { figuresOf } from "../charts/figures.ts";
import { counted } from "../model/counted.ts";
import {
  type DashboardData,
  type DashboardFilter,
  type DatesFilter,
  type DeclaredColumn,
  type DeclaredDates,
  type DeclaredPanel,
  formatOf,
  type PanelColumn,
  type PanelData,
} from "../model/dashboard.ts";
import { UserError } from "../model/errors.ts";
import type { Action, CompiledGraph, Dashboard } from "../model/graph.ts";
import type { StepError } from "../model/report.ts";
import { targetKey } from "../model/target.ts";
import { publicNames } from "../plan/authored-statements.ts";
import { type Client, type TableResult, withNames } from "../postgres/client.ts";
import { backToSavepoint, openSavepoint } from "../postgres/savepoint.ts";
import { connectionLost, SQLSTATE, sqlState } from "../postgres/sqlstate.ts";
import { explainAudit } from "../run/explain.ts";
import { placeOfText, type ReadSource, type Sources, sourcesOf } from "../run/place.ts";
import { select } from "../sql/authored.ts";
import { literal } from "../sql/literals.ts";
import { resolveReferences } from "../sql/references.ts";
import { READ_ALIKE } from "../sql/session.ts";
import { join, sql } from "../sql/sql.ts";
import { statement } from "../sql/statement.ts";

export interface ReadDashboards {
  readonly graph: CompiledGraph;
  readonly environment: string;
  /** Without it, problems have no lines. */
  readonly readSource?: ReadSource;
  /** Names of dashboards; all of them where it is not there. */
  readonly only?: readonly string[];
  /**
   * Rows that are kept of one panel.
   * @default 20_000
   */
  readonly most?: number;
}

const MOST_ROWS = 20_000;

/**
 * Reads the dashboards of a project over what is published: every panel of all of them in one snapshot, so that all show one
 * release. What is wrong with a panel is data of it.
 * @param client in no transaction
 * @throws UserError for a dashboard that the project does not have; the server's error where nothing can be read
 */
export async function readDashboards(client: Client, options: ReadDashboards): Promise<readonly DashboardData[]> {
  const { graph, environment, only } = options;
  const all = graph.actions.filter((action): action is Dashboard => action.kind === "dashboard");
  const wanted = only ? only.map((name) => named(all, name)) : all;
  const begin = sql`begin transaction isolation level repeatable read read only`;
  await client.script(join([begin, ...client.eachTransaction, ...READ_ALIKE], ";\n"));
  try {
    await openSavepoint(client, "panel");
    const { release, at } = await readRelease(client, environment);
    const read: DashboardData[] = [];
    for (const dashboard of wanted) {
      const { filters, panels } = await readPanels(client, dashboard, options);
      const { target, file, title, text } = dashboard;
      const said = { title, ...(text ? { text } : {}) };
      read.push({ version: 1, name: target.name, file, ...said, release, readAt: at, filters, panels });
    }
    return read;
  } finally {
    await client.query(sql`rollback`).catch(() => {});
  }
}

function named(all: readonly Dashboard[], name: string): Dashboard {
  const found = all.find(({ target }) => target.name === name);
  if (found) return found;
  throw new UserError({
    message: `the project has no dashboard ${name}`,
    expected: all.map(({ target }) => target.name).join(", ") || "a file in dashboards/ (docs/dashboards.md)",
    hint: "`dataform dashboard ls` lists them",
  });
}

/** The published release, as far as the reader may know it. */
async function readRelease(client: Client, environment: string) {
  const there = sql`
    select
      to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as at,
      coalesce(
        has_schema_privilege(to_regnamespace('_dataform')::oid, 'usage')
          and has_table_privilege(to_regclass('_dataform.environment')::oid, 'select'),
        false
      ) as readable`;
  return withNames(client, "ours", async () => {
    const { at, readable } = (await client.query<Record<"at" | "readable", string>>(there)).rows[0]!;
    if (readable !== "t") return { at, release: null };
    const { rows } = await client.query<{ release_id: string | null }>(
      sql`select release_id from _dataform.environment where name = ${literal(environment)}`,
    );
    const release = rows[0]?.release_id ?? null;
    return { at, release: release === null ? null : Number(release) };
  });
}

async function readPanels(client: Client, dashboard: Dashboard, { graph, readSource, most }: ReadDashboards) {
  const sources = sourcesOf(graph, readSource);
  const read: PanelData[] = [];
  for (const panel of dashboard.panels)
    read.push(await readPanel(client, panel, { dashboard, actions: graph.actions, sources, most: most ?? MOST_ROWS }));
  const filters: DashboardFilter[] = [];
  for (const filter of dashboard.filters) {
    const cells = cellsOf(read, filter.column);
    if (filter.kind === "dates") filters.push(datesOf(filter, cells));
    else filters.push({ ...filter, values: await sortedValues(client, [...cells, ...filter.chosen]) });
  }
  return { filters, panels: read.map((panel) => withoutSeveral(panel, dashboard, sources)) };
}

interface Reading {
  readonly dashboard: Dashboard;
  readonly actions: readonly Action[];
  readonly sources: Sources;
  readonly most: number;
}

async function readPanel(client: Client, panel: DeclaredPanel, reading: Reading): Promise<PanelData> {
  const { query, check: _check, parts: _parts, reads, columns, ...shape } = panel;
  const { dashboard, actions, sources, most } = reading;
  const authored = select(resolveReferences(query, publicNames), panel.title);
  const asked = sql`${authored}
    limit ${literal(most + 1)}`;
  try {
    const table = await client.table(asked);
    const types = await typesOf(client, table);
    const described = new Map(
      actions
        .find(({ target }) => reads && targetKey(target) === targetKey(reads))
        ?.columns.map(({ name, description }) => [name, description]),
    );
    const rows = table.rows.slice(0, most);
    const cut = table.rows.length > most;
    const known = columns.map((column, at) => columnOf(column, types[at]!, described.get(column.name)));
    return { ...shape, columns: known, rows, cut, measures: shape.measures.map((one) => withDescription(one, known)) };
  } catch (error) {
    if (connectionLost(error) || sqlState(error) === undefined) throw error;
    await backToSavepoint(client, "panel");
    const unknown = columns.map((column) => columnOf(column, "unknown", undefined));
    const absent = sqlState(error) === SQLSTATE.undefinedTable ? await absentOf(client, dashboard) : [];
    if (absent.length) return { ...shape, columns: unknown, rows: [], cut: false, absent };
    const origins = [{ file: dashboard.file, text: authored.toString(), start: 0 }];
    const problem = explainAudit(error, { kind: "dashboard", file: dashboard.file }, sources, [
      { ...statement("read", asked), origins },
    ]);
    return { ...shape, columns: unknown, rows: [], cut: false, problem };
  }
}

/** What of a dashboard's relations is not there. */
async function absentOf(client: Client, { dependencies }: Dashboard): Promise<readonly string[]> {
  const asked = sql`
      select concat(asked.schema, '.', asked.name) as name
      from jsonb_to_recordset($1::jsonb) as asked (schema text, name text)
      where to_regclass(format('%I.%I', asked.schema, asked.name)) is null
      order by name`;
  const { rows } = await withNames(client, "ours", () =>
    client.query<{ name: string }>(asked, [JSON.stringify(dependencies)]),
  );
  return rows.map(({ name }) => name);
}

async function typesOf(client: Client, { types }: TableResult): Promise<readonly string[]> {
  const question = sql`
    select format_type(f.oid, nullif(f.modifier, -1)) as type
    from unnest($1::oid[], $2::int[]) with ordinality as f (oid, modifier, place)
    order by place`;
  const given = [types.map(({ oid }) => oid), types.map(({ modifier }) => modifier)];
  const { rows } = await withNames(client, "ours", () => client.query<{ type: string }>(question, given));
  return rows.map(({ type }) => type);
}

function columnOf({ name, label, format }: DeclaredColumn, type: string, description: string | undefined): PanelColumn {
  const own = format ?? formatOf(type);
  return { name, label, type, ...(description ? { description } : {}), format: own };
}

function withDescription(measure: PanelData["measures"][number], columns: readonly PanelColumn[]) {
  const { of } = measure;
  const description = "over" in of ? undefined : columns[of.column]!.description;
  return description ? { ...measure, description } : measure;
}

/** Every value of a column, in the panels that have it. */
function cellsOf(panels: readonly PanelData[], column: string): readonly string[] {
  const found = new Set<string>();
  for (const { filters, columns, rows } of panels) {
    if (!filters.includes(column)) continue;
    const at = columns.findIndex(({ name }) => name === column);
    for (const row of rows) if (row[at] !== null && row[at] !== undefined) found.add(row[at]);
  }
  return [...found];
}

function datesOf({ last, ...filter }: DeclaredDates, cells: readonly string[]): DatesFilter {
  const days = cells.flatMap((cell) => dayOf(cell) ?? []).sort();
  const [first, newest] = [days[0] ?? null, days.at(-1) ?? null];
  const { kind, column, label, from = null, to = null } = filter;
  const base = { kind, column, label, first, last: newest };
  if (!last || newest === null) return { ...base, from, to };
  return { ...base, from: beginOf(newest, last), to: newest };
}

/** The first of so many days, weeks, months or years that end with a day. */
function beginOf(day: string, { count, unit }: NonNullable<DeclaredDates["last"]>): string {
  if (unit === "day" || unit === "week") return daysLater(day, 1 - count * (unit === "week" ? 7 : 1));
  return daysLater(monthsLater(day, -count * (unit === "year" ? 12 : 1)), 1);
}

/** In the order of the database, in which people expect names. */
async function sortedValues(client: Client, values: readonly string[]): Promise<readonly string[]> {
  const { rows } = await client.query<{ value: string }>(
    sql`select value from (select distinct unnest($1::text[]) as value) as found order by value`,
    [values],
  );
  return rows.map(({ value }) => value);
}

/** One figure stands at each place of a chart: of several rows nobody knows which is meant. */
function withoutSeveral(panel: PanelData, { file, panels }: Dashboard, sources: Sources): PanelData {
  if (panel.grouped || panel.chart === "table" || panel.chart === "scatter" || panel.problem) return panel;
  const seen = new Set<string>();
  for (const { cells } of figuresOf({ ...panel, filters: [] }, []).rows) {
    const places = [...panel.x, ...(panel.series === undefined ? [] : [panel.series])];
    const key = JSON.stringify(places.map((at) => cells[at]));
    if (!seen.has(key)) {
      seen.add(key);
      continue;
    }
    const where = places.map((at) => `${panel.columns[at]!.name} ${cells[at] ?? "NULL"}`).join(", ");
    const query = panels.find(({ title }) => title === panel.title)?.query ?? "";
    const problem: StepError = {
      message: `${panel.title}: there are several rows ${where ? `of ${where}` : "where one number is shown"}`,
      location: placeOfText(file, query, sources),
      expected: "one row for each x and series",
      found: counted(panel.rows.length, "row"),
      hint: "write aggregate: sum (or min, max), or name what tells them apart as series",
    };
    return { ...panel, rows: [], problem };
  }
  return panel;
}
