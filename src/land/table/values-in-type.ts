import { counted } from "../../model/counted.ts";
import { UserError } from "../../model/errors.ts";
import type { Target } from "../../model/target.ts";
import type { Client } from "../../postgres/client.ts";
import { id, relationId } from "../../sql/identifiers.ts";
import { type Sql, sql } from "../../sql/sql.ts";
import { isRefusal } from "./views-on.ts";
import type { Widening } from "./widen.ts";
import { isText } from "./widening.ts";

/** Types that a cast cuts a text to. */
const CUT = /^(?:character|bit)\b/;

/** Of types whose reading of a text rounds, or leaves a time or a zone away: the type that has all of it. */
const EXACT: readonly (readonly [RegExp, Sql])[] = [
  [/^(?:numeric|real|double precision)\b/, sql`pg_catalog."numeric"`],
  [/^(?:date|timestamp)\b/, sql`pg_catalog.timestamptz`],
  [/^time\b/, sql`pg_catalog.timetz`],
  [/^interval\b/, sql`pg_catalog."interval"`],
];

/**
 * Whether a locked column holds nothing but what another type has, too. A text is read as it would be if it landed, but loses nothing
 * by it, for it is gone then; of any other value the text stays the same.
 * @throws UserError that says which value does not
 */
export async function requireInType(client: Client, table: Target, widening: Widening): Promise<void> {
  const { column, from, to, type } = widening;
  const name = id(column);
  const read = sql`(${name}::text::${type})::text`;
  const exact = EXACT.find(([types]) => types.test(to))?.[1];
  const isOther =
    !isText(from) || CUT.test(to)
      ? sql`${read} <> ${name}::text`
      : exact
        ? sql`${read}::${exact} <> ${name}::text::${exact}`
        : sql`(${read} is null) <> (${name} is null)`;
  const look = sql`
    select count(*) filter (where ${isOther}) as count, min(${name}::text) filter (where ${isOther}) as example
    from ${relationId(table)}`;
  const found = await client.query<Record<"count" | "example", string>>(look).catch((error: unknown) => {
    throw isRefusal(error) ? notInType(table, widening, error.message, error) : error;
  });
  const { count, example } = found.rows[0]!;
  if (count !== "0")
    throw notInType(
      table,
      widening,
      `${counted(Number(count), "row")} with another value, ${JSON.stringify(example)} for one`,
    );
}

function notInType(
  { schema, name }: Target,
  { column, from, to }: Widening,
  found: string,
  cause?: unknown,
): UserError {
  return new UserError({
    message: `${schema}.${name}.${column} holds what ${to} does not`,
    expected: `values that ${to} has, too`,
    found,
    hint: `nothing was changed; leave the field ${from} in the schema, and cast it in the staging model`,
    cause,
  });
}
