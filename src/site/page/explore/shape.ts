import { formatOf, labelOf, type Measure, type PanelColumn, type PanelData } from "../../../model/dashboard.ts";
import {
  type Asked,
  type Explored,
  type ExploreRelation,
  isMoment,
  isNumber,
  namesOf,
  type Picked,
  type Sorting,
} from "../../../model/explore.ts";
import { CHARTS, type Chart, type View } from "./view.ts";

type Column = Explored["columns"][number];

/** What of an answer is drawn, and where, by the names of its columns. */
export interface Shape {
  readonly chart: Chart;
  /** Of a table its first columns, as many as there are; of others one. */
  readonly x: readonly string[];
  readonly series?: string;
  /** The figures. Of a scatter chart the first stands along it. */
  readonly y: readonly string[];
  /** By which the answer's rows are sorted. None: as they come. */
  readonly order: readonly Sorting[];
}

/** Figures whose digits behind the point are many, and say little. */
const AVERAGE_DIGITS = 2;

/** Charts that an answer of such columns can be. */
export function chartsOf(view: View, columns: readonly Column[]): readonly Chart[] {
  const figures = figuresIn(view, columns).length;
  const others = columns.length - figures;
  const groups = view.picked ? view.picked.groups.length : others;
  const isDrawn = (chart: Chart): boolean => {
    if (chart === "table") return true;
    if (!figures || (view.picked && !view.picked.figures.length)) return false;
    if (chart === "number") return view.picked ? groups === 0 : true;
    if (chart === "scatter") return figures > 1;
    if (view.picked && groups > 2) return false;
    return chart === "heat" ? groups > 1 : groups > 0 || !view.picked;
  };
  return CHARTS.filter(isDrawn);
}

/** Columns of the answer that are figures. */
export function figuresIn({ picked }: View, columns: readonly Column[]): readonly string[] {
  const named = picked?.figures.length ? namesOf(picked).slice(picked.groups.length) : undefined;
  return columns.filter(({ name, type }) => isNumber(type) && (named?.includes(name) ?? true)).map(({ name }) => name);
}

/** How an answer is shown: as it is said, and where it is not, as it suits. */
export function shapeOf(view: View, columns: readonly Column[]): Shape {
  const possible = chartsOf(view, columns);
  const chart = view.chart && possible.includes(view.chart) ? view.chart : suitable(view, columns, possible);
  return view.picked ? shapeOfPicked(view.picked, chart, columns) : shapeOfSelect(view, chart, columns);
}

function suitable({ picked }: View, columns: readonly Column[], possible: readonly Chart[]): Chart {
  // A select is read first: nobody knows what its columns are for.
  if (!picked) return "table";
  const first = columns[0];
  const wanted: Chart = !picked.groups.length ? "number" : first && isMoment(first.type) ? "line" : "bar";
  return possible.includes(wanted) ? wanted : "table";
}

function shapeOfPicked(picked: Picked, chart: Chart, columns: readonly Column[]): Shape {
  const groups = picked.groups.length ? namesOf(picked).slice(0, picked.groups.length) : [];
  const figures = figuresIn({ picked, limit: 0 }, columns);
  const sort = sortOf(picked, columns);
  if (chart === "table") return tableOf(columns, sort ? [sort] : [], groups.length);
  if (chart === "number") return { chart, x: [], y: figures, order: [] };
  if (chart === "scatter") {
    const [series] = groups;
    return ordered(
      { chart, x: [], ...(series === undefined ? {} : { series }), y: figures.slice(0, 2), order: [] },
      sort,
    );
  }
  const [x, series] = groups;
  const y = chart === "heat" ? figures.slice(0, 1) : figures;
  return ordered({ chart, x: [x!], ...(series === undefined ? {} : { series }), y, order: [] }, sort);
}

function shapeOfSelect(view: View, chart: Chart, columns: readonly Column[]): Shape {
  const names = columns.map(({ name }) => name);
  const numbers = figuresIn(view, columns);
  const isThere = (name: string | undefined): name is string => name !== undefined && names.includes(name);
  if (chart === "table") return tableOf(columns, view.sort && isThere(view.sort.column) ? [view.sort] : []);
  const series = isThere(view.series) ? view.series : undefined;
  const said = view.y?.filter((name) => numbers.includes(name));
  const x = isThere(view.x) ? view.x : (names.find((name) => !numbers.includes(name)) ?? names[0]!);
  const free = numbers.filter((name) => name !== x && name !== series);
  const y = said?.length ? said : free.length ? free : numbers;
  const sort = view.sort && isThere(view.sort.column) ? view.sort : undefined;
  const about = series === undefined ? {} : { series };
  if (chart === "number") return { chart, x: [], y, order: [] };
  if (chart === "scatter") return ordered({ chart, x: [], ...about, y: twoOf(y, numbers), order: [] }, sort, true);
  const second =
    series ?? names.find((name) => name !== x && !numbers.includes(name)) ?? names.find((name) => name !== x);
  if (chart === "heat")
    return ordered({ chart, x: [x], ...(second ? { series: second } : {}), y: y.slice(0, 1), order: [] }, sort);
  return ordered({ chart, x: [x], ...about, y, order: [] }, sort, true);
}

const twoOf = (said: readonly string[], all: readonly string[]): readonly string[] =>
  [...new Set([...said, ...all])].slice(0, 2);

/**
 * What a table ends in are its figures.
 * @param groups so many columns, the first ones, tell its rows apart
 */
function tableOf(columns: readonly Column[], sort: readonly Sorting[], groups = 0): Shape {
  const names = columns.map(({ name }) => name);
  const at = Math.max(groups, columns.findLastIndex(({ type }) => !isNumber(type)) + 1);
  const x = names.slice(0, at);
  const isSorted = sort.length > 0 || groups > 0;
  return { chart: "table", x, y: names.slice(at), order: isSorted ? [...sort, ...along(x, sort)] : [] };
}

const along = (names: readonly string[], order: readonly Sorting[]): readonly Sorting[] =>
  names.filter((name) => !order.some(({ column }) => column === name)).map((column) => ({ column, descending: false }));

/**
 * With its rows sorted as a panel of a dashboard has them: along x, or by what is said.
 * @param asTheyCome where nothing is said
 */
function ordered(shape: Shape, sort: Sorting | undefined, asTheyCome = false): Shape {
  const { chart, x, series, y } = shape;
  const about = [...x, ...(chart === "scatter" ? y.slice(0, 1) : []), ...(series === undefined ? [] : [series])];
  const isAlong = chart === "line" || chart === "area" || chart === "heat";
  const first = isAlong || !sort ? [] : [sort];
  if (!isAlong && !sort && asTheyCome) return shape;
  return { ...shape, order: [...first, ...along(about, first)] };
}

/** What the rows are sorted by: as it is said; else the largest figure is first, unless days go on. */
export function sortOf(picked: Picked, columns: readonly Pick<Column, "name" | "type">[]): Sorting | undefined {
  if (picked.sort) return picked.sort;
  const [first] = columns;
  if (!picked.groups.length || !picked.figures.length || !first || isMoment(first.type)) return undefined;
  const name = namesOf(picked)[picked.groups.length]!;
  return { column: name, descending: true };
}

/** Columns that the answer will have, as far as it is known before it is there. */
export function expectedColumns(picked: Picked, relation: ExploreRelation | undefined): readonly Column[] {
  const typeOf = (name: string | undefined) => relation?.columns.find((one) => one.name === name)?.type ?? "text";
  if (!picked.groups.length && !picked.figures.length)
    return (relation?.columns ?? []).map(({ name, type }) => ({ name, type }));
  const types = [
    ...picked.groups.map(({ column, unit }) => (unit ? "date" : typeOf(column))),
    ...picked.figures.map(({ of, column }) => (of === "min" || of === "max" ? typeOf(column) : "numeric")),
  ];
  return namesOf(picked).map((name, at) => ({ name, type: types[at]! }));
}

/** A filter that compares with nothing yet is none. */
const isSaid = ({ value }: Picked["where"][number]): boolean => value !== "";

/** What is sent. */
export function askedOf(view: View, shape: Shape, columns: readonly Column[]): Asked {
  const { picked, sql, limit } = view;
  const sort = picked && sortOf(picked, columns);
  const { x, y, series, order } = shape;
  const ties = [
    ...new Set([
      ...x,
      ...(shape.chart === "scatter" ? y.slice(0, 1) : []),
      ...(series === undefined ? [] : [series]),
      ...y,
    ]),
  ];
  return {
    ...(picked
      ? { picked: { ...picked, where: picked.where.filter(isSaid), ...(sort ? { sort } : {}) } }
      : { select: sql ?? "" }),
    order,
    ties: order.length ? ties : [],
    limit,
  };
}

/** The panel that shows an answer: drawn as one of a dashboard is. */
export function panelOf({ columns, rows }: Explored, shape: Shape, title: string): PanelData {
  const at = (name: string) => columns.findIndex((one) => one.name === name);
  const known = columns.map(
    ({ name, type }): PanelColumn => ({ name, label: labelOf(name), type, format: formatOf(type) }),
  );
  const measure = (name: string): Measure => ({
    label: labelOf(name),
    format: { kind: "number", ...digitsOf(name, columns) },
    of: { column: at(name) },
  });
  const isScatter = shape.chart === "scatter";
  const [along, ...others] = shape.y;
  return {
    title,
    chart: shape.chart,
    width: 4,
    filters: [],
    x: shape.x.map(at),
    ...(shape.series === undefined ? {} : { series: at(shape.series) }),
    ...(isScatter ? { across: measure(along!) } : {}),
    measures: (isScatter ? others : shape.y).map(measure),
    grouped: false,
    order: [],
    columns: known,
    rows,
    cut: false,
  };
}

/** Of an average, whose digits never end. */
export function digitsOf(name: string, columns: readonly Column[]): { readonly decimals?: number } {
  const type = columns.find((one) => one.name === name)?.type;
  return name.startsWith("average_of_") && type === "numeric" ? { decimals: AVERAGE_DIGITS } : {};
}

/** What several rows have in common where a chart shows one; undefined where it shows each. */
export function severalIn({ rows, columns }: Explored, { chart, x, series }: Shape): string | undefined {
  if (chart === "table" || chart === "scatter") return undefined;
  const places = [...x, ...(series === undefined ? [] : [series])].map((name) =>
    columns.findIndex((one) => one.name === name),
  );
  const seen = new Set<string>();
  for (const row of rows) {
    const key = JSON.stringify(places.map((at) => row[at]));
    if (seen.has(key))
      return places.map((at) => `${columns[at]!.name} ${row[at] ?? "NULL"}`).join(", ") || "no x: a number is one row";
    seen.add(key);
  }
  return undefined;
}

/** "Sum of spend and clicks by campaign name". */
export function titleOf({ picked }: View): string {
  if (!picked) return "Answer";
  const names = namesOf(picked).map(labelOf);
  const [groups, figures] = [names.slice(0, picked.groups.length), names.slice(picked.groups.length)];
  if (!names.length) return labelOf(picked.from.name);
  const lower = (name: string) => `${name[0]?.toLowerCase() ?? ""}${name.slice(1)}`;
  const of = figures.length ? and(figures.map((name, at) => (at ? lower(name) : name))) : labelOf(picked.from.name);
  return groups.length ? `${of} by ${and(groups.map(lower))}` : of;
}

const and = (all: readonly string[]): string =>
  all.length < 2 ? (all[0] ?? "") : `${all.slice(0, -1).join(", ")} and ${all.at(-1)}`;
