import type { FreshnessDeclaration, RecordSchema } from "../model/declarations.ts";
import type { Declared } from "../model/declared.ts";
import { milliseconds } from "../model/duration.ts";
import { UserError } from "../model/errors.ts";
import type { freshness } from "../schemas/ingest/streams.ts";
import type { Place } from "./place.ts";

/**
 * How new a stream is to be, in seconds.
 * @param place where it is declared: at the stream, or at its source
 */
export function freshnessOf(
  { warn, error, by }: Declared<typeof freshness>,
  { file, columns, schema }: RecordSchema,
  place: Place,
): FreshnessDeclaration {
  const limits = {
    ...(warn === undefined ? {} : { warn: milliseconds(warn)! / 1000 }),
    ...(error === undefined ? {} : { error: milliseconds(error)! / 1000 }),
  };
  if (!Object.keys(limits).length)
    throw new UserError({
      message: "freshness says by which column, and not how new that is to be",
      ...place.value(),
      expected: "freshness: { warn: 25h, error: 49h, by: … }, one of the two at least",
    });
  if ((limits.warn ?? 0) > (limits.error ?? Number.POSITIVE_INFINITY))
    throw new UserError({
      message: "a stream would be an error before it is a warning",
      ...place.value("warn"),
      expected: `warn, at most error: ${error}`,
      found: `warn: ${warn}`,
    });
  if (by === undefined) return limits;
  const column = columns.find(({ name }) => name === by);
  const properties = schema.properties as Readonly<Record<string, { readonly postgresType?: string }>>;
  // What a postgresType means only the server knows.
  const isTime = column && (properties[by]!.postgresType !== undefined || /^(?:date|timestamp)/i.test(column.type));
  if (isTime) return { ...limits, by };
  const times = columns.filter(({ type }) => /^(?:date|timestamp)/i.test(type)).map(({ name }) => name);
  throw new UserError({
    message: column
      ? `the column ${by} is ${column.type} in ${file}, and no date or time`
      : `the column "${by}" is not in ${file}`,
    ...place.value("by"),
    expected: times.length ? `one of ${times.join(", ")}` : "a field with format: date or date-time",
    ...(times.length ? {} : { hint: "leave by out: the time of the last load counts then" }),
  });
}
