import type { Statement } from "../model/plan.ts";
import { id } from "../sql/identifiers.ts";
import { sql } from "../sql/sql.ts";
import { statement } from "../sql/statement.ts";

/**
 * Opens the snapshot that all assertions of a segment read. Failing rows have all digits of their numbers.
 */
export const SNAPSHOT: readonly Statement[] = [
  statement("begin", sql`begin transaction isolation level repeatable read read only`),
  statement("setting", sql`set local extra_float_digits = 1`),
];

/** Stands between assertions, so that one that cannot be asked does not end the snapshot for those after it. */
export const BETWEEN_ASSERTIONS: Statement = statement("savepoint", sql`savepoint ${id("audit")}`);

/** Ends it. Nothing was changed. */
export const SNAPSHOT_END: Statement = statement("commit", sql`rollback`);
