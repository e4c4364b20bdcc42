import type { Statement } from "../model/plan.ts";
import { dollarQuoted, literal, sqlLiteral } from "./literals.ts";
import { fixed, Sql, sql } from "./sql.ts";

// PostgreSQL refuses a text that is no value of a type without naming the column, and to ask of every text beforehand would cost
// every row of every run. So a query only says what it reads, in a condition that the planner takes away, because it is false
// whatever the values are. Where the query has failed it is made once more, with a function in the condition's place that asks.

const SAID = "('_dataform_reading', ";
const ASKED = "pg_temp._dataform_reading(";

/**
 * A condition that never holds, for a `case` before the branch that reads a text: `when … then null`.
 * @param what what is read, for the message: "column ordered_on", or an expression that says it of each row
 * @param read the same reading of any text
 */
export function saysReading(what: string | Sql, type: Sql, text: Sql, read: (text: Sql) => Sql): Sql {
  const says = [
    typeof what === "string" ? literal(what) : what,
    literal(type.toString()),
    text,
    sqlLiteral(read(sql`$1`)),
  ];
  // A row with a constant in it is not NULL.
  return sql`${new Sql(fixed(SAID))}${says}) is null`;
}

/** Whether a statement says what it reads. */
export function doesSayReading({ sql: text }: Statement): boolean {
  return text.includes(SAID);
}

/** The same statement, which refuses a text with the name of its column. Its transaction needs `makeAsking` before it. */
export function asking(one: Statement): Statement {
  return { ...one, sql: one.sql.replaceAll(SAID, ASKED) };
}

/** Whether a failure is one of `makeAsking`, by the context that PostgreSQL gives, which is in no language. */
export function isAnswer(context: string | undefined): boolean {
  return context?.includes("_dataform_reading(") ?? false;
}

const body = sql`
  begin
    -- From 16 on there is a quick way, which is good for what is a value.
    if current_setting('server_version_num')::int >= 160000 then
      if pg_input_is_valid(value, type) then
        return true;
      end if;
    end if;
    execute 'select ' || reading using value;
    return true;
  exception when others then
    raise exception using
      errcode = sqlstate,
      message = what || ': not a value of ' || type || ': ' || coalesce(
        case when length(value) > 100 then left(value, 100) || '…' else value end, 'NULL'
      ),
      detail = sqlerrm,
      hint = 'correct it where it comes from, or give it a type that has such values and convert it in a query of your own';
  end`;

/** Makes the function that asks, for the session. */
export const makeAsking = sql`
  create function pg_temp._dataform_reading(what text, type text, value text, reading text) returns boolean
  language plpgsql as ${dollarQuoted(body)}`;
