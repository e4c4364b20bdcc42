import { UserError } from "../../model/errors.ts";
import {
  type Condition,
  type ExploreColumn,
  type ExploreRelation,
  type Figure,
  type Group,
  isMoment,
  isNumber,
  namesOf,
  type Picked,
} from "../../model/explore.ts";
import { nearest } from "../../model/nearest.ts";
import { targetKey } from "../../model/target.ts";
import { comparison } from "../../sql/comparisons.ts";
import { id, relationId } from "../../sql/identifiers.ts";
import { literal } from "../../sql/literals.ts";
import { join, type Sql, sql } from "../../sql/sql.ts";

/**
 * The select of what somebody picked. Every name is one of the catalogue, which has what the reader may read and nothing else.
 * @throws UserError for what the catalogue does not have, and for figures that the column's type does not have
 */
export function selectOf(picked: Picked, relations: readonly ExploreRelation[], limit: number): Sql {
  const { groups, figures, where, sort } = picked;
  const relation = found(relations, picked.from);
  const column = (name: string) => columnOf(relation, name);
  const names = namesOf(picked);
  const values = [
    ...groups.map((group) => groupOf(group, column(group.column))),
    ...figures.map((figure) => figureOf(figure, figure.column === undefined ? undefined : column(figure.column))),
  ];
  const shown = values.length
    ? join(
        values.map((value, at) => sql`${value} as ${id(names[at]!)}`),
        ",\n",
      )
    : join(
        relation.columns.map(({ name }) => id(name)),
        ",\n",
      );
  const conditions = where.map((condition) => conditionOf(condition, column(condition.column)));
  const all = values.length ? names : relation.columns.map(({ name }) => name);
  const orders = [
    ...(sort ? [sql`${id(sortedBy(sort.column, all))}${sort.descending ? sql` desc` : sql``} nulls last`] : []),
    ...(values.length ? groups.map((_, at) => sql`${id(names[at]!)} nulls last`) : []),
  ];
  const parts = [
    sql`select`,
    shown,
    sql`from ${relationId(relation)}`,
    ...(conditions.length ? [sql`where ${join(conditions, " and ")}`] : []),
    ...(groups.length
      ? [
          sql`group by ${join(
            groups.map((_, at) => literal(at + 1)),
            ", ",
          )}`,
        ]
      : []),
    ...(orders.length ? [sql`order by ${join(orders, ", ")}`] : []),
    sql`limit ${literal(limit)}`,
  ];
  return join(parts, "\n");
}

function found(relations: readonly ExploreRelation[], from: Picked["from"]): ExploreRelation {
  const key = targetKey(from);
  const relation = relations.find((one) => one.schema === from.schema && one.name === from.name);
  if (relation) return relation;
  const like = nearest(key, relations.map(targetKey));
  throw new UserError({
    message: `there is no relation ${key} that may be read here`,
    expected: "one of the catalogue",
    found: key,
    ...(like === undefined ? {} : { hint: `did you mean ${like}?` }),
  });
}

function columnOf(relation: ExploreRelation, name: string): ExploreColumn {
  const column = relation.columns.find((one) => one.name === name);
  if (column) return column;
  const names = relation.columns.map((one) => one.name);
  const like = nearest(name, names);
  throw new UserError({
    message: `${targetKey(relation)} has no column ${name} that may be read here`,
    expected: names.join(", "),
    found: name,
    ...(like === undefined ? {} : { hint: `did you mean ${like}?` }),
  });
}

function groupOf({ unit }: Group, { name, type }: ExploreColumn): Sql {
  if (!unit) return id(name);
  if (!isMoment(type)) throw unfit(name, type, `by ${unit}`, "a date or a timestamp");
  const moment =
    type.endsWith("with time zone") && !type.includes("without") ? sql`${id(name)} at time zone 'UTC'` : id(name);
  return sql`date_trunc(${literal(unit)}, ${moment})::date`;
}

function figureOf({ of }: Figure, column: ExploreColumn | undefined): Sql {
  if (of === "count") return sql`count(*)`;
  if (!column)
    throw new UserError({ message: `${of} is of a column`, expected: "a column", found: "none", hint: "name one" });
  const name = id(column.name);
  if ((of === "sum" || of === "average") && !isNumber(column.type))
    throw unfit(column.name, column.type, `the ${of}`, "a number");
  switch (of) {
    case "distinct":
      return sql`count(distinct ${name})`;
    case "sum":
      return sql`sum(${name})`;
    case "average":
      return sql`avg(${name})`;
    case "min":
      return sql`min(${name})`;
    case "max":
      return sql`max(${name})`;
  }
}

function conditionOf({ operator, value }: Condition, { name }: ExploreColumn): Sql {
  const column = id(name);
  if (operator === "is null") return sql`${column} is null`;
  if (operator === "is not null") return sql`${column} is not null`;
  if (value === undefined || value.includes("\0"))
    throw new UserError({
      message: `the filter of ${name} compares with nothing`,
      expected: "a value",
      found: value === undefined ? "none" : "a character that no text has",
      hint: "write one, or leave the filter out",
    });
  // The server reads the value as one of the column's type, or says why it is none.
  const compared = literal(value);
  return operator === "contains"
    ? sql`strpos(lower(${column}::text), lower(${compared})) > 0`
    : comparison(column, operator, compared);
}

function sortedBy(name: string, names: readonly string[]): string {
  if (names.includes(name)) return name;
  throw new UserError({
    message: `the answer has no column ${name} to sort by`,
    expected: names.join(", "),
    found: name,
    hint: "sort by one of its columns",
  });
}

function unfit(name: string, type: string, what: string, expected: string): UserError {
  return new UserError({
    message: `${name} has no ${what.replace(/^the /, "")}`,
    expected: `a column that is ${expected}`,
    found: type,
    hint: "count its rows or its different values, or take another column",
  });
}
