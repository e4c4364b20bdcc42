import type { DashboardFile, DashboardFiles, WrittenFilter } from "../config/load-dashboards.ts";
import type { Place } from "../config/place.ts";
import { type DeclaredDates, type DeclaredFilter, labelOf } from "../model/dashboard.ts";
import { UserError } from "../model/errors.ts";
import type { Action, Dashboard, Trace } from "../model/graph.ts";
import { type Target, targetKey } from "../model/target.ts";
import { PanelReader } from "./dashboard-panel.ts";
import { written as asWritten, mistake } from "./mistake.ts";
import { ReadableNames } from "./readable-names.ts";
import { showingAction, takenName } from "./showing-file.ts";

/** The schema of their keys: `dashboards.marketing`. Nothing of that name is made. */
const SCHEMA = "dashboards";

export interface AdoptedDashboards {
  readonly actions: readonly Dashboard[];
  readonly traces: readonly Trace[];
  readonly errors: readonly UserError[];
}

/**
 * The dashboards of a project as actions, each with a query for every panel.
 * @param names what each action is called in the project, and in the database
 */
export function adoptDashboards(
  { files: dashboards }: Pick<DashboardFiles, "files">,
  actions: readonly Action[],
  names: ReadonlyMap<string, Target>,
): AdoptedDashboards {
  const readable = new ReadableNames(actions, names);
  const taken = new Set(actions.map(({ target }) => targetKey(target)));
  const adopted: Dashboard[] = [];
  const traces: Trace[] = [];
  const errors: UserError[] = [];
  const trying = <Result>(work: () => Result): Result | undefined => {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      errors.push(error);
      return undefined;
    }
  };
  for (const file of dashboards) {
    const target = { schema: SCHEMA, name: file.name };
    if (taken.has(targetKey(target))) errors.push(takenName(file, target));
    const filters = (file.written.filters ?? []).flatMap(
      (filter, at) => trying(() => readFilter(filter, file, file.place.in("filters", at), at)) ?? [],
    );
    // Without one of its filters every panel would be wrong.
    if (filters.length < (file.written.filters?.length ?? 0)) continue;
    const panels = file.written.panels.flatMap(
      (_, at) => trying(() => new PanelReader(file, at, filters, readable).adopted()) ?? [],
    );
    traces.push(...panels.flatMap((panel) => panel.traces));
    const reads = panels.flatMap((panel) => panel.reads);
    adopted.push({
      kind: "dashboard",
      ...showingAction(file, target, reads),
      filters,
      panels: panels.map(({ panel }) => panel),
    });
  }
  return { actions: adopted, traces, errors };
}

function readFilter(written: WrittenFilter, { written: all }: DashboardFile, at: Place, index: number): DeclaredFilter {
  const { column, dates, values } = written;
  const label = written.label ?? labelOf(column);
  if (all.filters!.findIndex((one) => one.column === column) < index)
    throw mistake({
      message: `there are two filters of ${column}`,
      ...at.value("column"),
      expected: "one filter of each column",
      found: asWritten(written),
      hint: "leave one out",
    });
  if ((dates === undefined) === (values === undefined))
    throw mistake({
      message:
        dates === undefined ? "the filter says neither dates nor values" : "a filter has dates or values, not both",
      ...at.value(),
      expected: "dates: last 28 days, or values: all",
      found: asWritten(written),
      hint: dates === undefined ? "add dates where the column holds days, values otherwise" : "leave one of them out",
    });
  if (values !== undefined) return { kind: "values", column, label, chosen: values === "all" ? [] : values };
  return { kind: "dates", column, label, ...daysOf(dates!, at.in("dates")) };
}

function daysOf(dates: NonNullable<WrittenFilter["dates"]>, at: Place): Pick<DeclaredDates, "last" | "from" | "to"> {
  if (typeof dates === "string") {
    const [, count, unit] = /^last (\d+) (day|week|month|year)/.exec(dates) ?? [];
    return count === undefined ? {} : { last: { count: Number(count), unit: unit as "day" } };
  }
  for (const key of ["from", "to"] as const) {
    const day = dates[key];
    if (day === undefined || new Date(`${day}T00:00:00Z`).toJSON()?.startsWith(day)) continue;
    throw mistake({
      message: `${day} is no day`,
      ...at.value(key),
      expected: "a day of the calendar, YYYY-MM-DD",
      found: day,
      hint: endOfMonth(day),
    });
  }
  if (dates.from !== undefined && dates.to !== undefined && dates.from > dates.to)
    throw mistake({
      message: "the days end before they begin",
      ...at.value("to"),
      expected: "from on or before to",
      found: `${dates.from} to ${dates.to}`,
      hint: `did you mean from: ${dates.to}, to: ${dates.from}?`,
    });
  return { ...(dates.from ? { from: dates.from } : {}), ...(dates.to ? { to: dates.to } : {}) };
}

/** Of a month that is one, its last day is what was meant. */
function endOfMonth(day: string): string {
  const [year, month] = day.split("-").map(Number);
  if (!(month! >= 1 && month! <= 12)) return "months are 01 to 12";
  const end = new Date(0);
  end.setUTCFullYear(year!, month!, 0);
  return `the month ends with day ${end.getUTCDate()}, and begins with 01`;
}
