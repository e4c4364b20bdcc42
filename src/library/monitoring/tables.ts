import type { Sql } from "../../sql/sql.ts";

// What the panels read. They give no rows of models and no records of sources: figures, names and moments alone.

/** The tables of the record of runs, releases and schedules, schema `_dataform`, that readers may be lent. */
export const RECORD_TABLES = [
  "environment",
  "publishing",
  "release",
  "run",
  "schedule",
  "schedule_due",
  "step",
] as const;

export type RecordTables = Readonly<Record<(typeof RECORD_TABLES)[number], Sql>>;

/** The ledgers of one schema of raw tables. */
export const LEDGER_TABLES = ["_load", "_rejected", "_file"] as const;

export interface Ledger extends Readonly<Record<(typeof LEDGER_TABLES)[number], Sql>> {
  readonly schema: string;
}
