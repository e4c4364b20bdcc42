import { type Sql, sql } from "../sql/sql.ts";

/**
 * Whether one who follows the record may be claimed: nobody has it, and it does not wait. What would last longer than it may was written by
 * a clock that was put back since, and holds nobody up.
 * @param claim the longest that it belongs to somebody, as an interval
 * @param wait the longest that it waits
 */
export const isFree = (claim: Sql, wait: Sql): Sql => sql`
  (claimed_until is null or claimed_until < clock_timestamp() or claimed_until > clock_timestamp() + ${claim})
  and (next_at is null or next_at <= clock_timestamp() or next_at > clock_timestamp() + ${wait})`;
