import { sql } from "../../sql/sql.ts";

/** Whether a load of `worked_in` is gone from `loads`, or means something else than it did when it was worked in. */
export const hasLostLoad = sql`
  exists (
    select
    from worked_in
    left join loads on loads.load_id = worked_in.load_id and loads.meaning = worked_in.meaning
    where loads.load_id is null
  )`;
