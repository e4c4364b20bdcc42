import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { stringify } from "yaml";
import { alerts, prometheusFiles } from "../../src/metrics/rules.ts";
import { noPromtool, promtool } from "../support/servers/prometheus.ts";

// Each alert as Prometheus raises it: from figures over hours, which nobody waits for.

const JOB = 'job="shop", instance="one:3025"';
const SETTINGS = { job: "shop", noRunFor: 7200, runLimit: 3600, runbook: "operate" };

interface Case {
  readonly alert: string;
  /** Minutes between two values, where it is not one. */
  readonly step?: number;
  /** Name and labels, without those of the scrape → values, as promtool writes them. */
  readonly series: Readonly<Record<string, string>>;
  /** Minutes at which it is quiet. */
  readonly quiet: readonly number[];
  /** Minute at which it is raised, with what it says and the labels that it has beside those of the scrape. */
  readonly raised?: readonly [minute: number, summary: string, labels?: Readonly<Record<string, string>>];
}

const buckets = (name: string, labels: string, quick: string, slow: string) =>
  Object.fromEntries([
    [`${name}_bucket{${labels}, le="0.5"}`, quick],
    [`${name}_bucket{${labels}, le="2.5"}`, slow],
    [`${name}_bucket{${labels}, le="+Inf"}`, slow],
  ]);

const CASES: readonly Case[] = [
  {
    alert: "DataformServerDown",
    series: { up: "1 0x1 1 0x9" },
    quiet: [0, 2, 4, 5],
    raised: [6, "one:3025 does not answer"],
  },
  {
    alert: "DataformRecordUnreadable",
    series: { 'dataform_record_up{part="loads"}': "1 0x9", 'dataform_record_up{part="storage"}': "1x10" },
    quiet: [0, 5],
    raised: [6, "the record of loads cannot be read: nothing is known of it", { part: "loads" }],
  },
  {
    alert: "DataformRunFailed",
    series: { dataform_last_run_success: "1 0 1" },
    quiet: [0, 2],
    raised: [1, "the last run did not do all that it was to do"],
  },
  {
    alert: "DataformNoRun",
    series: {
      'dataform_last_run_end_timestamp_seconds{status="success"}': "60x200",
      'dataform_record_up{part="runs"}': "1x200",
    },
    quiet: [0, 121],
    raised: [122, "no run has succeeded for 2h 1m 0s"],
  },
  {
    alert: "DataformNoRun",
    series: {
      'dataform_last_run_end_timestamp_seconds{status="failure"}': "60x200",
      'dataform_record_up{part="runs"}': "1x200",
    },
    quiet: [0, 119],
    raised: [120, "no run that succeeded is recorded", { part: "runs" }],
  },
  // Nothing is known: that is another alert.
  { alert: "DataformNoRun", series: { 'dataform_record_up{part="runs"}': "0x200" }, quiet: [150] },
  {
    alert: "DataformRunLong",
    series: { dataform_running_since_timestamp_seconds: "0x61 _" },
    quiet: [0, 60],
    raised: [61, "a run has gone on for 1h 1m 0s"],
  },
  {
    alert: "DataformActionsFailed",
    series: { 'dataform_actions_bad{status="failed"}': "0 2", 'dataform_actions_bad{status="warned"}': "3x2" },
    quiet: [0],
    raised: [1, "2 models or assertions failed when they were last tried", { status: "failed" }],
  },
  {
    alert: "DataformModelsHeld",
    series: { 'dataform_actions_bad{status="held"}': "0 2", 'dataform_actions_bad{status="failed"}': "3x2" },
    quiet: [0],
    raised: [1, "2 models are kept out of the release: readers have the one of before", { status: "held" }],
  },
  {
    alert: "DataformReleaseWaits",
    series: { dataform_releases_waiting: "0 1x40" },
    quiet: [0, 30],
    raised: [31, "a release is built and not published"],
  },
  {
    alert: "DataformPublishingWaits",
    series: {
      'dataform_last_run_wait_seconds{for="lock"}': "0x2",
      'dataform_last_run_wait_seconds{for="snapshot"}': "20 95",
    },
    quiet: [0],
    raised: [1, "publishing waited 1m 35s for others (snapshot)", { for: "snapshot" }],
  },
  {
    alert: "DataformEnvironmentHeld",
    step: 30,
    series: { dataform_environment_held: "0 1x30" },
    quiet: [0, 720],
    raised: [750, "somebody holds the environment: no run begins"],
  },
  {
    alert: "DataformNoScheduler",
    series: { dataform_schedulers: "1 0x9" },
    quiet: [0, 5],
    raised: [7, "no scheduler lives: nothing of schedules.yaml begins, nor goes on"],
  },
  {
    alert: "DataformScheduleLate",
    series: { 'dataform_schedule_lag_seconds{schedule="nightly"}': "0 300 360" },
    quiet: [0, 1],
    raised: [2, "schedule nightly should have begun 6m 0s ago", { schedule: "nightly" }],
  },
  {
    alert: "DataformScheduleFails",
    series: { 'dataform_schedule_failing{schedule="nightly"}': "0 1 0" },
    quiet: [0, 2],
    raised: [1, "schedule nightly did not end well", { schedule: "nightly" }],
  },
  {
    alert: "DataformNotTold",
    series: { 'dataform_notifications_oldest_seconds{channel="team"}': "900 960" },
    quiet: [0],
    raised: [1, "channel team does not take what it is told", { channel: "team" }],
  },
  {
    alert: "DataformNotTold",
    series: {
      'dataform_notifications_oldest_seconds{channel="team"}': "0 0",
      'dataform_notifications_failed_last_day{channel="team"}': "0 3",
    },
    quiet: [0],
    raised: [1, "channel team does not take what it is told", { channel: "team" }],
  },
  {
    alert: "DataformSourceLate",
    series: { 'dataform_stream_late{source="shop", stream="orders"}': "1 2x9" },
    quiet: [0, 5],
    raised: [6, "shop.orders is older than it may be", { source: "shop", stream: "orders" }],
  },
  {
    alert: "DataformLoadFails",
    series: { 'dataform_stream_failing{source="shop", stream="orders"}': "0 1x20" },
    quiet: [0, 15],
    raised: [16, "the last load of shop.orders failed", { source: "shop", stream: "orders" }],
  },
  {
    // It is there from the first load on: no figure has risen.
    alert: "DataformRejects",
    series: { 'dataform_rejects_open{source="shop"}': "17 17 0" },
    quiet: [2],
    raised: [0, "17 records of shop did not land, and nobody has said what becomes of them", { source: "shop" }],
  },
  {
    alert: "DataformEventsRefused",
    series: {
      'dataform_event_requests_refused_total{source="shop", why="too-busy"}': "0x2 0+5x10",
      'dataform_event_requests_refused_total{source="shop", why="invalid-events"}': "0+5x20",
    },
    quiet: [2, 4],
    raised: [6, "one:3025 does not take events of shop: too-busy", { source: "shop", why: "too-busy" }],
  },
  {
    alert: "DataformEventsWait",
    series: {
      'dataform_event_queue_bytes{source="shop"}': "800 900x9",
      'dataform_event_room_bytes{source="shop"}': "1000x10",
    },
    quiet: [0, 2],
    raised: [3, "90% of the room for events of shop is taken", { source: "shop" }],
  },
  {
    alert: "DataformEventCommitsSlow",
    series: buckets("dataform_event_commit_duration_seconds", 'source="shop", made="yes"', "0+9x30", "0+10x30"),
    quiet: [1, 10],
    raised: [11, "one commit in a hundred of shop takes 2.3s", { source: "shop" }],
  },
  {
    alert: "DataformEventLoadOpen",
    series: { 'dataform_event_open_load_seconds{source="shop"}': "5 301 _" },
    quiet: [0],
    raised: [1, "a load of shop has been open for 5m 1s", { source: "shop" }],
  },
  {
    alert: "DataformErrors",
    series: {
      'dataform_http_request_duration_seconds_count{kind="page", code="2xx"}': "0+90x30",
      'dataform_http_request_duration_seconds_count{kind="page", code="5xx"}': "0x10 0+10x20",
    },
    quiet: [10, 15],
    raised: [20, "10% of the requests fail"],
  },
  {
    alert: "DataformSlow",
    series: buckets("dataform_http_request_duration_seconds", 'kind="page", code="2xx"', "0+9x30", "0+10x30"),
    quiet: [1, 10],
    raised: [11, "one page in a hundred takes 2.3s"],
  },
  // Whole relations take as long as they are large.
  {
    alert: "DataformSlow",
    series: buckets("dataform_http_request_duration_seconds", 'kind="rows", code="2xx"', "0+9x30", "0+10x30"),
    quiet: [20],
  },
  {
    alert: "DataformQueue",
    series: { dataform_waiting_requests: "100 101x9" },
    quiet: [0, 2],
    raised: [3, "101 requests wait for a connection"],
  },
  {
    alert: "DataformGrows",
    step: 30,
    series: { dataform_database_bytes: "1000x335 1501x9" },
    quiet: [10_050, 10_110],
    raised: [10_140, "the database is half as large again as a week ago: 1.466kiB"],
  },
];

test("each alert is tried", () => {
  const tried = new Set(CASES.map(({ alert }) => alert));
  expect(
    alerts(SETTINGS)
      .map(({ alert }) => alert)
      .filter((alert) => !tried.has(alert)),
  ).toEqual([]);
});

/** Aggregates leave what they do not name. */
const WITHOUT_INSTANCE = ["DataformEventCommitsSlow", "DataformErrors", "DataformSlow"];

function unitTest({ alert, step = 1, series, quiet, raised }: Case): object {
  const severity = alerts(SETTINGS).find((one) => one.alert === alert)!.severity;
  const at = (minute: number, exp_alerts: readonly object[]) => ({
    eval_time: `${minute}m`,
    alertname: alert,
    exp_alerts,
  });
  const loud = raised && {
    exp_labels: {
      severity,
      job: "shop",
      ...(WITHOUT_INSTANCE.includes(alert) ? {} : { instance: "one:3025" }),
      ...raised[2],
    },
    exp_annotations: { summary: raised[1], runbook: `operate#${alert.toLowerCase()}` },
  };
  return {
    interval: `${step}m`,
    input_series: Object.entries(series).map(([name, values]) => ({
      series: name.includes("{") ? name.replace("{", `{${JOB}, `) : `${name}{${JOB}}`,
      values,
    })),
    alert_rule_test: [...quiet.map((minute) => at(minute, [])), ...(raised ? [at(raised[0], [loud!])] : [])],
  };
}

test.skipIf(noPromtool)(
  "each is raised when it is so for as long as is said, says of what, and ends with it",
  ({ onTestFinished }) => {
    const dir = mkdtempSync(join(tmpdir(), "rules-"));
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
    for (const [path, text] of prometheusFiles(SETTINGS, "one:3025")) writeFileSync(join(dir, path), text);
    const steps = [...new Set(CASES.map(({ step = 1 }) => step))];
    const paths = steps.map((step) => {
      const tests = CASES.filter((one) => (one.step ?? 1) === step).map(unitTest);
      const path = join(dir, `every-${step}-minutes.yml`);
      writeFileSync(path, stringify({ rule_files: ["dataform.rules.yml"], evaluation_interval: `${step}m`, tests }));
      return path;
    });
    const tried = promtool(["test", "rules", ...paths]);
    expect(tried.code, tried.said).toBe(0);
  },
);
