import type { DashboardFile, DashboardFiles, WrittenFilter } from "../config/load-dashboards.ts";
import type { Place } from "../config/place.ts";
import type { DeclaredDates, DeclaredFilter } from "../model/dashboard.ts";
import { UserError } from "../model/errors.ts";
import type { Action, Dashboard, Trace } from "../model/graph.ts";
import { type Target, targetKey } from "../model/target.ts";
import { labelOf } from "./dashboard-figures.ts";
import { ReadableNames } from "./dashboard-names.ts";
import { PanelReader } from "./dashboard-panel.ts";

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
  { dashboards }: DashboardFiles,
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
    const reads = new Map(panels.flatMap((panel) => panel.reads).map((one) => [targetKey(one), one]));
    traces.push(...panels.flatMap((panel) => panel.traces));
    const { title, text, tags = [] } = file.written;
    adopted.push({
      kind: "dashboard",
      target,
      file: file.file,
      tags,
      dependencies: [...reads.values()],
      disabled: false,
      description: title,
      columns: [],
      title,
      ...(text ? { text } : {}),
      filters,
      panels: panels.map(({ panel }) => panel),
    });
  }
  return { actions: adopted, traces, errors };
}

function takenName({ file }: DashboardFile, target: Target): UserError {
  return new UserError({
    message: `${targetKey(target)} is an action of the project already`,
    location: { file },
    hint: "give the file another name",
  });
}

function readFilter(written: WrittenFilter, { written: all }: DashboardFile, at: Place, index: number): DeclaredFilter {
  const { column, dates, values } = written;
  const label = written.label ?? labelOf(column);
  if (all.filters!.findIndex((one) => one.column === column) < index)
    throw new UserError({
      message: `there are two filters of ${column}`,
      ...at.value("column"),
      hint: "leave one out",
    });
  if ((dates === undefined) === (values === undefined))
    throw new UserError({
      message:
        dates === undefined ? "the filter says neither dates nor values" : "a filter has dates or values, not both",
      ...at.value(),
      expected: "dates: last 28 days, or values: all",
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
    throw new UserError({ message: `${day} is no day`, ...at.value(key), expected: "YYYY-MM-DD" });
  }
  if (dates.from !== undefined && dates.to !== undefined && dates.from > dates.to)
    throw new UserError({
      message: "the days end before they begin",
      ...at.value("to"),
      found: `${dates.from} to ${dates.to}`,
    });
  return { ...(dates.from ? { from: dates.from } : {}), ...(dates.to ? { to: dates.to } : {}) };
}
