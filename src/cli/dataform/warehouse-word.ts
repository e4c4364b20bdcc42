import { UserError } from "../../model/errors.ts";

/** What Dataform 2 takes as a warehouse. */
const OTHERS = new Set(["bigquery", "presto", "redshift", "snowflake", "sqldatawarehouse"]);

/**
 * The words behind a command without the warehouse, which Dataform 2 wants first and Dataform 3 does not take.
 * @throws UserError where it is another one than PostgreSQL
 */
export function withoutWarehouse(words: readonly string[]): readonly string[] {
  const [first, ...others] = words;
  if (first === "postgres" || first === "postgresql") return others;
  if (first === undefined || !OTHERS.has(first)) return words;
  throw new UserError({
    message: `${first} is not reached from here`,
    expected: "postgres",
    found: first,
    hint: "dataform-postgres writes to PostgreSQL alone; Dataform 3 is for BigQuery",
  });
}
