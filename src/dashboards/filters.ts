import { dayOf, daysLater, monthsLater } from "../charts/days.ts";
import type { DashboardFilter, DatesFilter, DeclaredDates, DeclaredFilter, PanelData } from "../model/dashboard.ts";
import type { Client } from "../postgres/client.ts";
import { sql } from "../sql/sql.ts";

/** What there is to choose from, as the rows of the panels have it. */
export async function readFilters(
  client: Client,
  declared: readonly DeclaredFilter[],
  panels: readonly PanelData[],
): Promise<readonly DashboardFilter[]> {
  const filters: DashboardFilter[] = [];
  for (const filter of declared) {
    const cells = cellsOf(panels, filter.column);
    if (filter.kind === "dates") filters.push(datesOf(filter, cells));
    else filters.push({ ...filter, values: await sortedValues(client, [...cells, ...filter.chosen]) });
  }
  return filters;
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
