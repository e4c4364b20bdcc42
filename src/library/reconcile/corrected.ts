import { type Cte, cte, withCtes } from "../../sql/ctes.ts";
import { id } from "../../sql/identifiers.ts";
import { literal } from "../../sql/literals.ts";
import { saysReading } from "../../sql/readings.ts";
import { and, join, type Sql, sql } from "../../sql/sql.ts";
import { own } from "../shared/check-options.ts";
import { refused } from "../shared/values.ts";
import { normalized } from "./normalize.ts";
import { type ComparedColumn, type Comparison, checkApart } from "./options.ts";
import { comparedForm, keyList } from "./sides.ts";
import { imports, source } from "./sources.ts";
import { isNative, typesOfColumns } from "./types.ts";

const newValues = own("new_values");

/** Our records with what was accepted: values changed in rows whose key is single, and rows added. */
export function correctedOf(comparison: Comparison, ours: Sql, corrections: Sql): Sql {
  const { caller, key, columns, also } = comparison;
  checkApart(caller, "corrected", [
    ...key.map(({ name }) => [name, "the key"] as const),
    ...columns.map(({ name }) => [name, "a compared column"] as const),
    ...also.ours.map((name) => [name, "a column of also"] as const),
    ...["is_corrected", "is_added"].map((name) => [name, "a column of its own"] as const),
  ]);
  const ctes: Cte[] = [
    ...imports({ ours, corrections }),
    ...typesOfColumns(columns, ["ours"]),
    cte("ours", ourRecords(comparison)),
    cte("accepted", sql`select * from ${source("corrections")} where state = 'accepted'`),
    cte("changes", changes(comparison)),
    cte("changed", changed(comparison)),
    cte("added", added(comparison)),
  ];
  return withCtes(
    ctes,
    sql`
      select * from changed
      union all
      select * from added`,
  );
}

function ourRecords({ key, columns, also }: Comparison): Sql {
  const values = columns.map((column) => sql`${presentForm(column)} as ${id(column.name)}`);
  return sql`
    select
      ${[...key.map(({ name }) => id(name)), ...also.ours.map((name) => id(name)), ...values]}
    from ${source("ours")}`;
}

function changes(comparison: Comparison): Sql {
  const keys = keyList(comparison);
  return sql`
    select
      ${keys},
      jsonb_object_agg(column_name, their_value) as ${newValues}
    from accepted
    where proposed_action = 'update'
    group by ${join(keys, ", ")}`;
}

function changed({ key, columns, also }: Comparison): Sql {
  const values = columns.map((column) => {
    const [name, label] = [id(column.name), literal(column.name)];
    const changedTo = readForm(column, sql`(changes.${newValues} ->> ${label})`);
    return sql`case when changes.${newValues} ? ${label} then ${changedTo} else ours.${name} end as ${name}`;
  });
  const same = key.map(({ name, steps }) => {
    const column = sql`ours.${id(name)}`;
    return sql`changes.${id(name)} = ${steps.length ? normalized(sql`${column}::text`, steps) : column}`;
  });
  return sql`
    select
      ${[...key.map(({ name }) => name), ...also.ours].map((name) => sql`ours.${id(name)}`)},
      ${values},
      changes.${newValues} is not null as is_corrected,
      false as is_added
    from ours
    left join changes on ${and(same)}`;
}

function added({ key, columns, also }: Comparison): Sql {
  const values = columns.map(
    (column) => sql`${readForm(column, sql`(their_value::jsonb ->> ${literal(column.name)})`)} as ${id(column.name)}`,
  );
  const missing = also.ours.map((name) => sql`(select ours.${id(name)} from ours limit 0) as ${id(name)}`);
  return sql`
    select
      ${[...key.map(({ name }) => id(name)), ...missing]},
      ${values},
      false as is_corrected,
      true as is_added
    from accepted
    where proposed_action = 'insert'`;
}

/** A value of ours in the type that its kind is shown in; of an exact one it is the text, whatever its type. */
function presentForm(column: ComparedColumn): Sql {
  const name = id(column.name);
  if (column.rule.kind === "exact") return sql`${name}::text`;
  return column.rule.kind === "timestamp" ? momentOf(column, sql`${name}::text`) : comparedForm(column, "ours");
}

/** A text that a proposal says, in the same type. */
function readForm(column: ComparedColumn, text: Sql): Sql {
  const read = (type: Sql) => {
    const says = saysReading(`column ${column.name}`, type, text, (text) => sql`${text}::${type}`);
    return sql`case when ${says} then null else ${text}::${type} end`;
  };
  switch (column.rule.kind) {
    case "money":
    case "number":
      return read(sql`numeric`);
    case "date":
      return read(sql`date`);
    case "timestamp":
      return momentOf(column, text);
    default:
      return text;
  }
}

/** A time without a zone is shown in the session's, unless its clocks never show it. */
function momentOf({ name }: ComparedColumn, text: Sql): Sql {
  const moment = sql`${text}::timestamptz`;
  const unknown = refused(`column ${name}: the time zone of the session does not have the time `, text);
  const says = saysReading(`column ${name}`, sql`timestamptz`, text, (text) => sql`${text}::timestamptz`);
  return sql`case when ${says} then null when ${isNative(name, "ours")} and ${moment}::timestamp <> ${text}::timestamp then ${unknown}::text::timestamptz else ${moment} end`;
}
