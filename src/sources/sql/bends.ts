import type { RawColumn, RecordSchema } from "../../model/declarations.ts";
import { UserError } from "../../model/errors.ts";

const MOMENT = /^(?:timestamp|datetime|smalldatetime)/;
const TIME = /^time(?:\(\d\))? with(?:out)? time zone$/;

/**
 * Refuses a column that would silently lose a part of every value: a database reads a date out of a time and drops the
 * rest. Of a text nobody can know what it is; of a column that holds times everybody can.
 * @param sourceType of the source's column, in its words
 */
export function refuseLostTime(field: string, sourceType: string, { columns, file }: RecordSchema): void {
  const column = columns.find(({ name }) => name === field);
  const type = column?.base ?? column?.type ?? "";
  const lost = type === "date" ? "time of day" : TIME.test(type) ? "date" : undefined;
  if (!MOMENT.test(sourceType) || lost === undefined) return;
  throw new UserError({
    message: `the field ${field} would lose its ${lost}`,
    location: { file },
    expected: `a type that holds ${sourceType}, such as timestamp with time zone`,
    found: column!.type,
    hint: `declare that (format: date-time), or convert it in the query, where the source's reader decides how`,
    exitCode: 1,
  });
}

const NUMBER = /^(?:smallint|integer|bigint|numeric(?:\([\d,-]+\))?|decimal|double precision|real|float)$/;
const TEXT = /^(?:text|character varying(?:\(\d+\))?)$/;
/** Types that every database orders alike, in the words of PostgreSQL and in ours for the cells of others. */
const orders = [NUMBER, TEXT, /^(?:timestamp|date)[^[]*$/, /^uuid$/];

/**
 * Refuses a cursor whose column is ordered otherwise in the source than where it lands: records would be taken for known
 * ones.
 * @param sourceType of the source's column, in its words
 */
export function refuseOtherOrder(sourceType: string, { name, type, base }: RawColumn): void {
  if (orders.some((types) => types.test(sourceType) && types.test(base ?? type))) return;
  throw new UserError({
    message: `the cursor field ${name} is ${sourceType} in the source, and ${type} here: they are ordered otherwise`,
    expected: `a column of ${type}`,
    found: sourceType,
    hint: "convert it in the query, or declare the type that it has",
    exitCode: 1,
  });
}
