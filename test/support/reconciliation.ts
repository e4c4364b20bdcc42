import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { ownRecordsSql, type Reconciliation } from "../../ingest/demos/reconciliation-data.ts";
import { type Client, connect } from "../../src/postgres/client.ts";
import { script } from "../../src/sql/authored.ts";
import { type CliResult, cli, succeeds } from "./cli.ts";
import { testDatabase } from "./database.ts";

const repository = resolve(import.meta.dirname, "../..");

/** Its sources. */
export const inputs = ["reconciliation", "reconciliation_records", "reconciliation_decisions"];

/** A line of a file of decisions. */
export const decision = (id: string, what: string, day: string) => `${id},${what},Ada,${day},\n`;

/** The reconciliation product in a project of its own, as who takes over nothing else would have it. */
export interface ReconciliationProject {
  readonly client: Client;
  dataform(...args: string[]): Promise<CliResult>;
  /** Lands sources, all of each. */
  ingest(...sources: string[]): Promise<void>;
  /** Runs its models. An error where one fails, is held or skipped. */
  run(...options: string[]): Promise<void>;
  /** Files in `bank/` or `decisions/`, as old as need be to be taken for whole. */
  put(files: Readonly<Record<string, string>>): void;
  /** Writes our records, in place of those of before. */
  own(records: Reconciliation["records"]): Promise<void>;
  /** Rows of a query, each as `a|b|c`. */
  rows(sql: string): Promise<string[]>;
  path(name: string): string;
  close(): Promise<void>;
}

/** @param more environment variables besides */
export async function reconciliationProject(
  more: Readonly<Record<string, string>> = {},
): Promise<ReconciliationProject> {
  const folder = mkdtempSync(join(tmpdir(), "reconciliation-"));
  const database = await testDatabase();
  const client = await connect(database.settings);
  copyProduct(folder);
  for (const name of ["bank", "decisions"]) mkdirSync(join(folder, name));
  const env = {
    DATABASE_URL: database.url,
    RECONCILIATION_FILES: join(folder, "bank"),
    RECONCILIATION_RECORDS_URL: database.url,
    RECONCILIATION_DECISIONS: join(folder, "decisions"),
    ...more,
  };
  const dataform = (...args: string[]) => cli(folder, args, env);
  return {
    client,
    dataform,
    ingest: async (...sources) => void (await succeeds(dataform("ingest", ...sources))),
    run: async (...options) => {
      const { stderr } = await succeeds(dataform("run", "--tags", "reconciliation", ...options));
      if (!stderr.includes("0 failed, 0 held, 0 skipped")) throw new Error(stderr);
    },
    put: (files) => {
      for (const [name, content] of Object.entries(files)) {
        writeFileSync(join(folder, name), content);
        utimesSync(join(folder, name), 0, 0);
      }
    },
    own: async (records) => {
      await client.script(script(`drop table if exists ledger_payments; ${ownRecordsSql(records)}`));
    },
    rows: async (sql) => {
      const { rows } = await client.table(script(sql));
      return rows.map((row) => row.map((value) => value ?? "∅").join("|"));
    },
    path: (name) => join(folder, name),
    close: async () => {
      await client.close();
      await database.drop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function copyProduct(folder: string): void {
  const copy = (path: string) => cpSync(join(repository, path), join(folder, path), { recursive: true });
  for (const path of [
    "dataform.json",
    "definitions/package.json",
    "definitions/reconciliation",
    "includes/package.json",
  ])
    copy(path);
  const ofProduct = (path: string, name: RegExp) => {
    for (const file of readdirSync(join(repository, path))) if (name.test(file)) copy(join(path, file));
  };
  ofProduct("includes", /^(camt|reconcile|totals)\.js$/);
  ofProduct("ingest", /^reconciliation.*\.yaml$/);
  ofProduct("ingest/schemas", /^reconciliation_.*\.json$/);
}
