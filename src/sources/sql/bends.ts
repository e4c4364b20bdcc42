import { UserError } from "../../model/errors.ts";
import type { RecordSchema } from "../../model/ingest.ts";

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
