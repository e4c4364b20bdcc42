import type { Snapshot } from "./snapshot.ts";

type Values = readonly (readonly [value: number | null | undefined, labels?: Readonly<Record<string, string>>])[];

/** A figure that the records say. */
export interface Told {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
  /** None where there is nothing to say: what is not known is no 0. */
  readonly of: (snapshot: Snapshot) => Values;
}

const runs = ({ runs: { read } }: Snapshot) => read;
const loads = ({ loads: { read } }: Snapshot) => read;

/** What the records say now. */
export const FIGURES: readonly Told[] = [
  {
    name: "dataform_record_up",
    help: "Whether that part of the database's records could be read; what could not is left out.",
    labels: ["part"],
    of: (snapshot) => Object.entries(snapshot).map(([part, { isUp }]) => [isUp ? 1 : 0, { part }]),
  },
  {
    name: "dataform_release_number",
    help: "The release that readers have.",
    of: (all) => [[runs(all)?.environment?.release]],
  },
  {
    name: "dataform_release_published_timestamp_seconds",
    help: "When readers got it.",
    of: (all) => [[runs(all)?.environment?.publishedAt]],
  },
  {
    name: "dataform_releases_waiting",
    help: "Releases that are built and wait to be published.",
    of: (all) => [[runs(all)?.environment?.waiting]],
  },
  {
    name: "dataform_environment_held",
    help: "1 while somebody holds the environment (dataform env hold): no run begins.",
    of: (all) => [[runs(all)?.environment?.held]],
  },
  {
    name: "dataform_runs_last_day",
    help: "Runs that ended in the last 24 hours.",
    labels: ["status"],
    of: (all) => (runs(all)?.lastDay ?? []).map(({ status, runs: count }) => [count, { status }]),
  },
  {
    name: "dataform_last_run_end_timestamp_seconds",
    help: "When the last run ended that ended so.",
    labels: ["status"],
    of: (all) => (runs(all)?.lastDay ?? []).map(({ status, endedAt }) => [endedAt, { status }]),
  },
  {
    name: "dataform_last_run_success",
    help: "Whether the last run that ended did all that it was to do.",
    of: (all) => [[runs(all)?.last?.succeeded]],
  },
  {
    name: "dataform_last_run_duration_seconds",
    help: "How long it took.",
    of: (all) => [[runs(all)?.last?.seconds]],
  },
  { name: "dataform_last_run_rows", help: "Rows that its models stored.", of: (all) => [[runs(all)?.last?.rows]] },
  {
    name: "dataform_last_run_stored_bytes",
    help: "Size of the tables that it stored, with indexes.",
    of: (all) => [[runs(all)?.last?.bytes]],
  },
  {
    name: "dataform_last_run_wait_seconds",
    help: "What its publishing waited for: transactions that were older than the builds (snapshot), locks of others (lock).",
    labels: ["for"],
    of: (all) => {
      const last = runs(all)?.last;
      return [
        [last?.snapshot, { for: "snapshot" }],
        [last?.lock, { for: "lock" }],
      ];
    },
  },
  {
    name: "dataform_last_run_steps",
    help: "Its steps.",
    labels: ["kind", "status"],
    of: (all) => (runs(all)?.steps ?? []).map(({ kind, status, steps }) => [steps, { kind, status }]),
  },
  {
    name: "dataform_running_since_timestamp_seconds",
    help: "When the run began that goes on; absent where none does.",
    of: (all) => [[runs(all)?.runningSince]],
  },
  {
    name: "dataform_actions_bad",
    help: "Models, operations and assertions of the project whose last verdict in the last 50 runs is failed, held or warned.",
    labels: ["status"],
    of: (all) =>
      runs(all)
        ? ["failed", "held", "warned"].map((status) => [
            runs(all)!.bad.filter((one) => one.status === status).length,
            { status },
          ])
        : [],
  },
  {
    name: "dataform_model_duration_seconds",
    help: "What the last run that built models took for each: those that took longest.",
    labels: ["model"],
    of: (all) => (runs(all)?.models ?? []).map(({ model, seconds }) => [seconds, { model }]),
  },
  {
    name: "dataform_model_rows",
    help: "Rows that each of them stored.",
    labels: ["model"],
    of: (all) => (runs(all)?.models ?? []).map(({ model, rows }) => [rows, { model }]),
  },
  {
    name: "dataform_model_stored_bytes",
    help: "Size of its tables then.",
    labels: ["model"],
    of: (all) => (runs(all)?.models ?? []).map(({ model, bytes }) => [bytes, { model }]),
  },
  {
    name: "dataform_schedulers",
    help: "Schedulers that live (`dataform schedule`, `dataform serve --schedule`); not there where no line of schedules.yaml is declared, or all are paused.",
    of: (all) => [[runs(all)?.schedulers ?? null]],
  },
  {
    name: "dataform_schedule_lag_seconds",
    help: "How long something of a line of schedules.yaml should have begun, and has not; 0 where nothing is due, waits for its turn or the end of a blackout, or is paused.",
    labels: ["schedule"],
    of: (all) => (runs(all)?.schedules ?? []).map(({ lag, schedule }) => [lag, { schedule }]),
  },
  {
    name: "dataform_schedule_start_delay_seconds",
    help: "From the last due that began to its begin.",
    labels: ["schedule"],
    of: (all) => (runs(all)?.schedules ?? []).map(({ late, schedule }) => [late, { schedule }]),
  },
  {
    name: "dataform_schedule_failing",
    help: "1 where the last due that ended did not end well.",
    labels: ["schedule"],
    of: (all) => (runs(all)?.schedules ?? []).map(({ failing, schedule }) => [failing, { schedule }]),
  },
  {
    name: "dataform_schedule_paused",
    help: "1 where somebody paused it.",
    labels: ["schedule"],
    of: (all) => (runs(all)?.schedules ?? []).map(({ paused, schedule }) => [paused, { schedule }]),
  },
  {
    name: "dataform_incidents_open",
    help: "What is wrong and not over, as dataform notify found it.",
    labels: ["kind"],
    of: (all) => (runs(all)?.incidents ?? []).map(({ kind, open }) => [open, { kind }]),
  },
  {
    name: "dataform_notifications_waiting",
    help: "What is to be told by a channel and was not yet.",
    labels: ["channel"],
    of: (all) => (runs(all)?.deliveries ?? []).map(({ channel, waiting }) => [waiting, { channel }]),
  },
  {
    name: "dataform_notifications_oldest_seconds",
    help: "For how long the first of them has waited.",
    labels: ["channel"],
    of: (all) => (runs(all)?.deliveries ?? []).map(({ channel, oldest }) => [oldest, { channel }]),
  },
  {
    name: "dataform_notifications_failed_last_day",
    help: "What was given up in about the last 24 hours: it had waited for 24 before.",
    labels: ["channel"],
    of: (all) => (runs(all)?.deliveries ?? []).map(({ channel, failed }) => [failed, { channel }]),
  },
  {
    name: "dataform_stream_last_load_timestamp_seconds",
    help: "When a stream was last asked and nothing failed.",
    labels: ["source", "stream"],
    of: (all) => (loads(all)?.streams ?? []).map(({ loadedAt, ...of }) => [loadedAt, named(of)]),
  },
  {
    name: "dataform_stream_age_seconds",
    help: "How long ago that is.",
    labels: ["source", "stream"],
    of: (all) => (loads(all)?.streams ?? []).map(({ age, ...of }) => [age, named(of)]),
  },
  {
    name: "dataform_stream_age_limit_seconds",
    help: "What its freshness wants at most, as the last load had it.",
    labels: ["source", "stream", "level"],
    of: (all) =>
      (loads(all)?.streams ?? []).flatMap(({ warn, error, ...of }) => [
        [warn, { ...named(of), level: "warn" }] as const,
        [error, { ...named(of), level: "error" }] as const,
      ]),
  },
  {
    name: "dataform_stream_late",
    help: "0 as new as it is declared to be, 1 older than warn, 2 older than error; absent where a column decides, or nothing is declared.",
    labels: ["source", "stream"],
    of: (all) =>
      (loads(all)?.streams ?? []).map(({ state, ...of }) => [
        state === null ? null : ["fresh", "warn", "error"].indexOf(state),
        named(of),
      ]),
  },
  {
    name: "dataform_stream_failing",
    help: "1 where a later load failed, or none ever landed.",
    labels: ["source", "stream"],
    of: (all) => (loads(all)?.streams ?? []).map(({ failing, ...of }) => [failing, named(of)]),
  },
  {
    name: "dataform_kafka_lag_records",
    help: "Offsets of a stream's topics that have not landed, as far as the brokers were asked.",
    labels: ["source", "stream"],
    of: (all) => (loads(all)?.lags ?? []).map(({ lag, ...of }) => [lag, named(of)]),
  },
  {
    name: "dataform_rejects_open",
    help: "Records that did not land, and were neither landed later nor dismissed.",
    labels: ["source"],
    of: (all) => (loads(all)?.rejects ?? []).map(({ source, open }) => [open, { source }]),
  },
  {
    name: "dataform_storage_bytes",
    help: "Size of raw tables, of what models store in all kept releases (private), and of the records.",
    labels: ["kind"],
    of: ({ storage: { read } }) => (read?.kinds ?? []).map(({ kind, bytes }) => [bytes, { kind }]),
  },
  {
    name: "dataform_database_bytes",
    help: "Size of the whole database.",
    of: ({ storage: { read } }) => [[read?.database]],
  },
];

const OF_SOURCES = [
  ["dataform_loads_total", "Loads that landed, as the ledgers have them.", "loaded"],
  ["dataform_loads_failed_total", "Loads that failed: nothing landed.", "failed"],
  ["dataform_landed_rows_total", "Rows that landed.", "rows"],
  ["dataform_rejected_records_total", "Records that did not.", "rejected"],
  ["dataform_landed_files_bytes_total", "Size of the files that landed, as they were stored.", "bytes"],
] as const;

/** What the ledgers add up to, since they began. */
export const SUMS: readonly Told[] = OF_SOURCES.map(([name, help, figure]) => ({
  name,
  help,
  labels: ["source"],
  of: (all) => (loads(all)?.sources ?? []).map((one) => [one[figure], { source: one.source }]),
}));

function named({ source, stream }: { readonly source: string; readonly stream: string }) {
  return { source, stream };
}
