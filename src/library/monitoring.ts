import { relation } from "../sql/authored.ts";
import { PRIVATE_SCHEMA } from "../sql/names.ts";
import type { Sql } from "../sql/sql.ts";
import { COLUMNS, type Panel } from "./monitoring/columns.ts";
import * as ofLoads from "./monitoring/loads.ts";
import * as ofReleases from "./monitoring/releases.ts";
import * as ofRuns from "./monitoring/runs.ts";
import * as ofSchedules from "./monitoring/schedules.ts";
import * as ofStorage from "./monitoring/storage.ts";
import { LEDGER_TABLES, type Ledger, RECORD_TABLES, type RecordTables } from "./monitoring/tables.ts";
import { checkKnown, fail, foundOf, isText } from "./shared/check-options.ts";
import { declareTable } from "./shared/dataform.ts";

// What is going on, as views: each function is the select of one. docs/monitoring.md has their columns.

/** `ref` of the file that the select stands in. */
type Ref = (target: { readonly schema: string; readonly name: string }) => string;

export interface RecordOptions {
  readonly ref: Ref;
}

export interface LoadsOptions {
  readonly ref: Ref;
  /** The schemas that sources land in. */
  readonly schemas: readonly string[];
}

/**
 * Declares the tables of the record of runs, releases and schedules, which the selects read: once in a project, in a file of
 * definitions/. What rows assertions found and what commands said are not among them: they may hold personal data.
 */
export function declareRecord(): void {
  for (const name of RECORD_TABLES) declareTable({ schema: PRIVATE_SCHEMA, name });
}

/** One row a run. */
export function runs(options: RecordOptions): string {
  return ofRecord("runs", options, ofRuns.runs);
}

/** One row a step of a run: a waterfall. */
export function runSteps(options: RecordOptions): string {
  return ofRecord("runSteps", options, ofRuns.runSteps);
}

/** One row a model: its time over the last runs. */
export function modelTimes(options: RecordOptions): string {
  return ofRecord("modelTimes", options, ofRuns.modelTimes);
}

/** One row an assertion that does not pass. */
export function failingAssertions(options: RecordOptions): string {
  return ofRecord("failingAssertions", options, ofRuns.failingAssertions);
}

/** One row a release. */
export function releases(options: RecordOptions): string {
  return ofRecord("releases", options, ofReleases.releases);
}

/** One row a run and release that it was to publish. */
export function publishingWaits(options: RecordOptions): string {
  return ofRecord("publishingWaits", options, ofReleases.publishingWaits);
}

/** One row a line of schedules.yaml: when it is due next, and what came of its last due. */
export function schedules(options: RecordOptions): string {
  return ofRecord("schedules", options, ofSchedules.schedules);
}

/** One row a due of a line. */
export function scheduleDues(options: RecordOptions): string {
  return ofRecord("scheduleDues", options, ofSchedules.scheduleDues);
}

/** One row a load. */
export function loads(options: LoadsOptions): string {
  return ofLedgers("loads", options, ofLoads.loads);
}

/** One row a stream and reason of its open rejects. */
export function rejectsByReason(options: LoadsOptions): string {
  return ofLedgers("rejectsByReason", options, ofLoads.rejectsByReason);
}

/** One row a stream: how long ago it was loaded, and whether that is as new as declared. */
export function sourceFreshness(options: LoadsOptions): string {
  return ofLedgers("sourceFreshness", options, ofLoads.sourceFreshness);
}

/** One row a raw table, a model and a table of the records: its size now. */
export function storage(options: Pick<LoadsOptions, "schemas">): string {
  const caller = "monitoring.storage";
  checkKnown(caller, options, ["schemas"]);
  return ofStorage.storage(schemasOf(caller, options.schemas)).toString();
}

/** One row a model and run, and a raw table and load: its size then. */
export function storageOverTime(options: LoadsOptions): string {
  const caller = "monitoring.storageOverTime";
  checkKnown(caller, options, ["ref", "schemas"]);
  return ofStorage.storageOverTime(recordOf(caller, options.ref), ledgersOf(caller, options)).toString();
}

/**
 * What the columns of a view mean, for its config.
 * @param view `runs`, `run_steps` …
 */
export function columns(view: Panel): Readonly<Record<string, string>> {
  if (!isText(view) || !Object.hasOwn(COLUMNS, view))
    return fail("monitoring.columns", `expected one of ${Object.keys(COLUMNS).join(", ")}, found ${foundOf(view)}`);
  return { ...COLUMNS[view] };
}

function ofRecord(name: string, options: RecordOptions, panel: (tables: RecordTables) => Sql): string {
  const caller = `monitoring.${name}`;
  checkKnown(caller, options, ["ref"]);
  return panel(recordOf(caller, options.ref)).toString();
}

function ofLedgers(name: string, options: LoadsOptions, panel: (ledgers: readonly Ledger[]) => Sql): string {
  const caller = `monitoring.${name}`;
  checkKnown(caller, options, ["ref", "schemas"]);
  return panel(ledgersOf(caller, options)).toString();
}

function recordOf(caller: string, ref: Ref): RecordTables {
  const of = referrer(caller, ref);
  // Asked for those alone that the select reads: they are what it depends on.
  const tables = Object.defineProperties(
    {},
    Object.fromEntries(RECORD_TABLES.map((name) => [name, { get: () => of(PRIVATE_SCHEMA, name) }])),
  );
  return tables as RecordTables;
}

function ledgersOf(caller: string, { ref, schemas }: LoadsOptions): readonly Ledger[] {
  const of = referrer(caller, ref);
  return schemasOf(caller, schemas).map((schema) => {
    const tables = Object.fromEntries(LEDGER_TABLES.map((name) => [name, of(schema, name)]));
    return { schema, ...(tables as Omit<Ledger, "schema">) };
  });
}

function referrer(caller: string, ref: unknown): (schema: string, name: string) => Sql {
  if (typeof ref !== "function")
    return fail(caller, `needs ref, the function of the file it stands in, found ${foundOf(ref)}`);
  return (schema, name) => {
    const found = (ref as Ref)({ schema, name });
    // What is not there is told by the compiler, which gives no text for it.
    return relation(found === "" ? "(select)" : found, `${caller}: ref`);
  };
}

function schemasOf(caller: string, schemas: unknown): readonly string[] {
  if (Array.isArray(schemas) && schemas.length && schemas.every(isText)) return schemas;
  return fail(caller, `needs schemas, where sources land: [name, …], found ${foundOf(schemas)}`);
}
