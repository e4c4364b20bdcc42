import type { DeclaredFilter, DeclaredPanel, Measure, PanelData } from "../../model/dashboard.ts";
import { UserError } from "../../model/errors.ts";
import { expression, select } from "../../sql/authored.ts";
import { isChosen, takenByGrafana, timeFilter, timeFrom, timeTo } from "../../sql/grafana.ts";
import { cutToBytes, id, LONGEST_NAME, relationId } from "../../sql/identifiers.ts";
import { literal } from "../../sql/literals.ts";
import { plainReferences } from "../../sql/references.ts";
import { and, empty, or, type Sql, sql } from "../../sql/sql.ts";
import { currenciesOf, type Drawn } from "./shape.ts";
import { variableOf } from "./variables.ts";

/** A panel as the project declares it and as the server has it. */
export interface PanelOf {
  readonly declared: DeclaredPanel;
  readonly read: PanelData;
  readonly filters: readonly DeclaredFilter[];
  /** In the project. */
  readonly file: string;
}

/** A column of the answer. */
interface Output {
  readonly sql: Sql;
  readonly name: string;
}

/** The column whose values tell lines, colours or rows apart, as Grafana calls it. */
export const METRIC = "metric";
/** What a figure of the period before is called. */
const BEFORE = ", period before";
const NOTHING = "–";

/** The SQL of a panel: the figures of the project's own dashboard, of the time and the values that are chosen. */
export function panelQuery(panel: PanelOf, drawn: Drawn): Sql {
  refuseTaken(panel);
  const { declared } = panel;
  const compared = comparedBy(panel);
  const keys = keysOf(panel, drawn, compared);
  const figures = figuresOf(panel, compared);
  const conditions = conditionsOf(panel, drawn, compared);
  const isGrouped = declared.grouped;
  const grouping = isGrouped && keys.length ? keys.flatMap(({ grouped }) => grouped) : [];
  return sql`
    select
      ${[...keys, ...figures].map(({ sql: output, name }) => sql`${output} as ${id(name)}`)}
    from ${rowsOf(panel)} as panel
    ${compared ? compared.joined : empty}
    ${conditions.length ? sql`where ${and(conditions)}` : empty}
    ${grouping.length ? sql`group by ${grouping}` : empty}
    ${grouping.length && compared ? sql`having bool_or(${compared.isNow})` : empty}
    ${orderOf(panel, drawn, keys, compared)}
    ${declared.limit === undefined ? empty : sql`limit ${literal(declared.limit)}`}`;
}

/** The rows that a panel reads, in parentheses where they are more than a relation. */
export function rowsOf({ declared, file }: Pick<PanelOf, "declared" | "file">): Sql {
  const { reads, parts } = declared;
  const from = reads
    ? relationId(reads)
    : sql`(
        ${select(plainReferences(parts.select!), `${file}: select`)}
      )`;
  if (parts.where === undefined) return from;
  return sql`(
      select panel.*
      from ${from} as panel
      where ${expression(parts.where, `${file}: where`)}
    )`;
}

const column = ({ declared }: Pick<PanelOf, "declared">, at: number): Sql =>
  sql`panel.${id(declared.columns[at]!.name)}`;

interface Key extends Output {
  /** What rows are put together by. */
  readonly grouped: readonly Sql[];
}

/** What stands before the figures. */
function keysOf(panel: PanelOf, drawn: Drawn, compared: Compared | undefined): readonly Key[] {
  const { declared, read } = panel;
  const currencies = currenciesOf(declared);
  const along = declared.x.map((at): Key => {
    const { type } = read.columns[at]!;
    const moved = compared && declared.columns[at]!.name === compared.column ? compared.moved : column(panel, at);
    const name = drawn.time === at ? "time" : nameOf(read.columns[at]!.label);
    return { name, sql: drawn.time === at ? momentOf(moved, type) : shownAs(moved, type), grouped: [moved] };
  });
  const apart = [...new Set([...(declared.series === undefined ? [] : [declared.series]), ...currencies])];
  if (drawn.together) {
    const told = apart.filter((at) => !declared.x.includes(at));
    if (!told.length) return along;
    const texts = told.map((at) => sql`coalesce(${column(panel, at)}::text, ${literal(NOTHING)})`);
    const metric = texts.length === 1 ? texts[0]! : sql`concat_ws(' · ', ${texts})`;
    return [...along, { name: METRIC, sql: metric, grouped: told.map((at) => column(panel, at)) }];
  }
  const others = apart.filter((at) => !declared.x.includes(at));
  return [
    ...along,
    ...others.map((at) => {
      const { label, type } = read.columns[at]!;
      return { name: nameOf(label), sql: shownAs(column(panel, at), type), grouped: [column(panel, at)] };
    }),
  ];
}

/** Days are texts in tables and along bars, or Grafana shows them with hours. */
function shownAs(value: Sql, type: string): Sql {
  return type === "date" ? sql`${value}::text` : value;
}

/** A day begins in UTC, as in the project's own dashboards. */
function momentOf(value: Sql, type: string): Sql {
  if (type === "date") return sql`${value}::timestamp at time zone 'UTC'`;
  return type.includes("without time zone") ? sql`${value} at time zone 'UTC'` : value;
}

function figuresOf(panel: PanelOf, compared: Compared | undefined): readonly Output[] {
  const { across, measures } = panel.declared;
  return [...(across ? [across] : []), ...measures].flatMap((measure) => {
    const name = figureName(measure);
    if (!compared) return [{ name, sql: figure(panel, measure, empty) }];
    return [
      { name, sql: figure(panel, measure, sql` filter (where ${compared.isNow})`) },
      {
        name: `${cutToBytes(name, LONGEST_NAME - BEFORE.length)}${BEFORE}`,
        sql: figure(panel, measure, sql` filter (where ${compared.isBefore})`),
      },
    ];
  });
}

export const figureName = ({ label }: Measure): string => nameOf(label);

/** Grafana takes columns of some names for the time and the names of lines. */
export function nameOf(label: string): string {
  const name = cutToBytes(label, LONGEST_NAME);
  return /^(?:time|timeend|time_sec|metric)$/i.test(name) ? `${name} (column)` : name;
}

function figure(panel: PanelOf, { of }: Measure, filter: Sql): Sql {
  const sum = (at: number) => sql`sum(${column(panel, at)})${filter}`;
  if ("over" in of) return sql`${sum(of.of)}::numeric / nullif(${sum(of.over)}, 0)::numeric`;
  if (of.aggregate === undefined) return column(panel, of.column);
  if (of.aggregate === "sum") return sum(of.column);
  return of.aggregate === "min"
    ? sql`min(${column(panel, of.column)})${filter}`
    : sql`max(${column(panel, of.column)})${filter}`;
}

function conditionsOf(panel: PanelOf, drawn: Drawn, compared: Compared | undefined): readonly Sql[] {
  const { declared } = panel;
  const applied = panel.filters.filter(({ column: name }) => declared.filters.includes(name));
  const conditions = applied.map(({ kind, column: name }) => {
    const value = sql`panel.${id(name)}`;
    if (kind === "values") return isChosen(value, variableOf(name));
    if (compared?.column === name) return or([compared.isNow, compared.isBefore]);
    return timeFilter(value);
  });
  // Grafana's axis is the time that is looked at: what is outside is never seen.
  const axis = drawn.time === undefined ? undefined : declared.columns[drawn.time]!.name;
  if (axis === undefined || applied.some(({ kind, column: name }) => kind === "dates" && name === axis))
    return conditions;
  return [...conditions, timeFilter(sql`panel.${id(axis)}`)];
}

/** The period before: as many days as are looked at, right before them; nothing where the data begin within it. */
interface Compared {
  readonly column: string;
  /** What each row is told of. */
  readonly joined: Sql;
  readonly isNow: Sql;
  readonly isBefore: Sql;
  /** The column, so many days later where it is of the period before. */
  readonly moved: Sql;
}

function comparedBy(panel: PanelOf): Compared | undefined {
  const { declared, read } = panel;
  const { compareBy } = declared;
  if (compareBy === undefined) return undefined;
  const { type } = read.columns.find(({ name }) => name === compareBy)!;
  const value = sql`panel.${id(compareBy)}`;
  const days = sql`(${timeTo}::date - ${timeFrom}::date + 1)`;
  // Hours, not days, which a time zone may make longer.
  const length = type === "date" ? days : sql`${days} * interval '24 hours'`;
  const bound = (moment: Sql) => {
    if (type === "date") return sql`${moment}::date`;
    return type.includes("without time zone") ? sql`${moment}::timestamp` : sql`${moment}::timestamptz`;
  };
  const begin = sql`${bound(timeFrom)} - ${length}`;
  return {
    column: compareBy,
    joined: sql`
      cross join lateral (
        select
          ${timeFilter(value)} as is_now,
          ${value} between ${begin} and ${bound(timeTo)} - ${length}
            and (select min(earlier.${id(compareBy)}) from ${rowsOf(panel)} as earlier) <= ${begin} as is_before,
          ${length} as length
      ) as period`,
    isNow: sql`period.is_now`,
    isBefore: sql`period.is_before`,
    moved: sql`case when period.is_now then ${value} else ${value} + period.length end`,
  };
}

function orderOf(
  { declared, ...panel }: PanelOf,
  drawn: Drawn,
  keys: readonly Key[],
  compared: Compared | undefined,
): Sql {
  // What Grafana draws over time comes in its order.
  if (drawn.time !== undefined) return sql`order by ${keys.map((_, at) => literal(at + 1))}`;
  const isNow = declared.grouped && compared ? sql` filter (where ${compared.isNow})` : empty;
  const directed = (value: Sql, descending: boolean) => sql`${value}${descending ? sql` desc` : empty} nulls last`;
  const grouped = new Set(keys.flatMap((key) => key.grouped.map(String)));
  const terms = [
    ...declared.order.map(({ measure, descending }) =>
      directed(figure({ declared, ...panel }, declared.measures[measure]!, isNow), descending),
    ),
    ...declared.parts.order.flatMap(({ name, descending }) => {
      const value = compared?.column === name ? compared.moved : sql`panel.${id(name)}`;
      return declared.grouped && !grouped.has(value.toString()) ? [] : [directed(value, descending)];
    }),
  ];
  return terms.length ? sql`order by ${terms}` : empty;
}

/** Grafana looks into names and texts as well. */
function refuseTaken({ declared, read, filters, file }: PanelOf): void {
  const { parts, columns, measures, across, title } = declared;
  const texts = [
    ...columns.flatMap(({ name }) => name),
    ...read.columns.map(({ label }) => label),
    ...[...measures, ...(across ? [across] : [])].map(({ label }) => label),
    parts.select ?? "",
    parts.where ?? "",
  ];
  const variables = filters.map((filter) => variableOf(filter.column));
  const found = texts.flatMap((text) => takenByGrafana(text, variables) ?? [])[0];
  if (found === undefined) return;
  throw new UserError({
    message: `${title}: Grafana would take ${found} for its own`,
    location: { file },
    expected: "no $name(…), ${name}, $name or [[name]] of a macro or a variable of Grafana",
    found,
    hint: "write a text in two pieces ('$' || 'name'), give a column another name, or make it a model of definitions/",
  });
}
