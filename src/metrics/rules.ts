import { stringify } from "yaml";

/** The first line of each file: what begins so is made anew. */
export const MADE_BY = "# Made by dataform bi prometheus, which makes it anew.";

/** What the alerts are made for. Times in seconds. */
export interface AlertSettings {
  /** What Prometheus calls the servers. */
  readonly job: string;
  /** The longest without a run that succeeded. */
  readonly noRunFor: number;
  /** The longest that a run may take. */
  readonly runLimit: number;
  /** Where the runbook stands: an alert's paragraph is behind `#`. */
  readonly runbook: string;
}

interface Alert {
  /** What it is called, and its paragraph in the runbook. */
  readonly alert: string;
  readonly expr: string;
  /** How long it has to be so. */
  readonly for?: string;
  /** page: somebody is woken; ticket: somebody looks in the morning. */
  readonly severity: "page" | "ticket";
  readonly summary: string;
}

/** The alerts, each with a paragraph in the runbook (docs/operate.md). */
export function alerts({ job, noRunFor, runLimit }: Omit<AlertSettings, "runbook">): readonly Alert[] {
  const of = `job="${job}"`;
  const requests = (more = "") => `sum by (job) (rate(dataform_http_request_duration_seconds_count{${of}${more}}[5m]))`;
  return [
    {
      alert: "DataformServerDown",
      expr: `up{${of}} == 0`,
      for: "2m",
      severity: "page",
      summary: "{{ $labels.instance }} does not answer",
    },
    {
      alert: "DataformRecordUnreadable",
      expr: `dataform_record_up{${of}} == 0`,
      for: "5m",
      severity: "page",
      summary: "the record of {{ $labels.part }} cannot be read: nothing is known of it",
    },
    {
      alert: "DataformRunFailed",
      expr: `dataform_last_run_success{${of}} == 0`,
      severity: "page",
      summary: "the last run did not do all that it was to do",
    },
    {
      alert: "DataformNoRun",
      expr: `time() - max by (job, instance) (dataform_last_run_end_timestamp_seconds{${of},status="success"}) > ${noRunFor}`,
      severity: "page",
      summary: "no run has succeeded for {{ $value | humanizeDuration }}",
    },
    {
      // None that is recorded: nothing says since when.
      alert: "DataformNoRun",
      expr: `dataform_record_up{${of},part="runs"} == 1 unless on (job, instance) dataform_last_run_end_timestamp_seconds{status="success"}`,
      for: `${Math.ceil(noRunFor)}s`,
      severity: "page",
      summary: "no run that succeeded is recorded",
    },
    {
      alert: "DataformRunLong",
      expr: `time() - dataform_running_since_timestamp_seconds{${of}} > ${runLimit}`,
      severity: "ticket",
      summary: "a run has gone on for {{ $value | humanizeDuration }}",
    },
    {
      alert: "DataformActionsFailed",
      expr: `dataform_actions_bad{${of},status="failed"} > 0`,
      severity: "ticket",
      summary: "{{ $value }} models or assertions failed when they were last tried",
    },
    {
      alert: "DataformModelsHeld",
      expr: `dataform_actions_bad{${of},status="held"} > 0`,
      severity: "ticket",
      summary: "{{ $value }} models are kept out of the release: readers have the one of before",
    },
    {
      alert: "DataformReleaseWaits",
      expr: `dataform_releases_waiting{${of}} > 0`,
      for: "30m",
      severity: "ticket",
      summary: "a release is built and not published",
    },
    {
      alert: "DataformPublishingWaits",
      expr: `dataform_last_run_wait_seconds{${of}} > 20`,
      severity: "ticket",
      summary: "publishing waited {{ $value | humanizeDuration }} for others ({{ $labels.for }})",
    },
    {
      alert: "DataformEnvironmentHeld",
      expr: `dataform_environment_held{${of}} == 1`,
      for: "12h",
      severity: "ticket",
      summary: "somebody holds the environment: no run begins",
    },
    {
      alert: "DataformNoScheduler",
      expr: `dataform_schedulers{${of}} == 0`,
      for: "5m",
      severity: "page",
      summary: "no scheduler lives: nothing of schedules.yaml begins, nor goes on",
    },
    {
      alert: "DataformScheduleLate",
      expr: `dataform_schedule_lag_seconds{${of}} > 300`,
      severity: "page",
      summary: "schedule {{ $labels.schedule }} should have begun {{ $value | humanizeDuration }} ago",
    },
    {
      alert: "DataformScheduleFails",
      expr: `dataform_schedule_failing{${of}} == 1`,
      severity: "ticket",
      summary: "schedule {{ $labels.schedule }} did not end well",
    },
    {
      alert: "DataformNotTold",
      expr: `dataform_notifications_oldest_seconds{${of}} > 900 or dataform_notifications_failed_last_day{${of}} > 0`,
      severity: "page",
      summary: "channel {{ $labels.channel }} does not take what it is told",
    },
    {
      alert: "DataformSourceLate",
      expr: `dataform_stream_late{${of}} == 2`,
      for: "5m",
      severity: "page",
      summary: "{{ $labels.source }}.{{ $labels.stream }} is older than it may be",
    },
    {
      alert: "DataformLoadFails",
      expr: `dataform_stream_failing{${of}} == 1`,
      for: "15m",
      severity: "ticket",
      summary: "the last load of {{ $labels.source }}.{{ $labels.stream }} failed",
    },
    {
      alert: "DataformRejects",
      expr: `dataform_rejects_open{${of}} > 0`,
      severity: "ticket",
      summary: "{{ $value }} records of {{ $labels.source }} did not land, and nobody has said what becomes of them",
    },
    {
      alert: "DataformEventsRefused",
      expr: `sum by (job, instance, source, why) (rate(dataform_event_requests_refused_total{${of},why=~"too-busy|database-unavailable|queue-unavailable|internal-error"}[5m])) > 0`,
      for: "2m",
      severity: "page",
      summary: "{{ $labels.instance }} does not take events of {{ $labels.source }}: {{ $labels.why }}",
    },
    {
      alert: "DataformEventsWait",
      expr: `dataform_event_queue_bytes{${of}} / dataform_event_room_bytes{${of}} > 0.8`,
      for: "2m",
      severity: "page",
      summary: "{{ $value | humanizePercentage }} of the room for events of {{ $labels.source }} is taken",
    },
    {
      alert: "DataformEventCommitsSlow",
      expr: `histogram_quantile(0.99, sum by (job, source, le) (rate(dataform_event_commit_duration_seconds_bucket{${of}}[5m]))) > 1`,
      for: "10m",
      severity: "ticket",
      summary: "one commit in a hundred of {{ $labels.source }} takes {{ $value | humanizeDuration }}",
    },
    {
      alert: "DataformEventLoadOpen",
      expr: `dataform_event_open_load_seconds{${of}} > 300`,
      severity: "ticket",
      summary: "a load of {{ $labels.source }} has been open for {{ $value | humanizeDuration }}",
    },
    {
      alert: "DataformErrors",
      expr: `${requests(',code="5xx"')} / ${requests()} > 0.05`,
      for: "5m",
      severity: "page",
      summary: "{{ $value | humanizePercentage }} of the requests fail",
    },
    {
      alert: "DataformSlow",
      expr: `histogram_quantile(0.99, sum by (job, le) (rate(dataform_http_request_duration_seconds_bucket{${of},kind="page"}[5m]))) > 1`,
      for: "10m",
      severity: "ticket",
      summary: "one page in a hundred takes {{ $value | humanizeDuration }}",
    },
    {
      alert: "DataformQueue",
      expr: `dataform_waiting_requests{${of}} > 100`,
      for: "2m",
      severity: "page",
      summary: "{{ $value }} requests wait for a connection",
    },
    {
      alert: "DataformGrows",
      expr: `dataform_database_bytes{${of}} > 1.5 * (dataform_database_bytes{${of}} offset 7d)`,
      for: "1h",
      severity: "ticket",
      summary: "the database is half as large again as a week ago: {{ $value | humanize1024 }}B",
    },
  ];
}

/** What Prometheus reads: path → content. */
export function prometheusFiles(settings: AlertSettings, target: string): ReadonlyMap<string, string> {
  const rules = alerts(settings).map(({ alert, expr, for: lasting, severity, summary }) => ({
    alert,
    expr,
    ...(lasting ? { for: lasting } : {}),
    labels: { severity },
    annotations: { summary, runbook: `${settings.runbook}#${alert.toLowerCase()}` },
  }));
  const scrape = {
    rule_files: ["dataform.rules.yml"],
    scrape_configs: [
      {
        job_name: settings.job,
        scrape_interval: "30s",
        scrape_timeout: "10s",
        authorization: { credentials_file: "dataform.key" },
        static_configs: [{ targets: [target] }],
      },
    ],
  };
  const text = (value: unknown) => `${MADE_BY}\n${stringify(value, { lineWidth: 0 })}`;
  return new Map([
    ["dataform.rules.yml", text({ groups: [{ name: "dataform", rules }] })],
    ["prometheus.yml", text(scrape)],
  ]);
}
