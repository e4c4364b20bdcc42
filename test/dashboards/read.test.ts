import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readOperations } from "../../src/catalogue/operations.ts";
import { figuresOf } from "../../src/charts/figures.ts";
import { readDashboards } from "../../src/dashboards/read.ts";
import { withClient } from "../../src/postgres/client.ts";
import { cli } from "../support/cli.ts";
import { table } from "../support/models.ts";
import { statuses, stepOf, warehouse } from "../support/warehouse.ts";

const DAILY = table(`
  select * from (values
    (date '2026-01-30', 'aä "x"', 'EUR', 1.10, 2::bigint, true),
    ('2026-02-27', 'b', 'EUR', 0.10, 1, false),
    ('2026-02-28', 'aä "x"', 'EUR', 12345678901234567890.01, 9007199254740993, false),
    ('2026-02-28', 'b', 'USD', 0.20, 0, null),
    (null, 'b', 'EUR', 5, 1, null)
  ) as facts (day, campaign, currency, spend, conversions, is_new)`);

const SPEND = `title: Spend
text: What it *costs*.
filters:
  - { column: day, dates: last 1 month }
  - { column: campaign, values: all }
panels:
  - title: Per day
    chart: line
    from: marts.daily
    x: day
    y: spend
    aggregate: sum
    currency: { column: currency }
  - title: Of all days
    chart: table
    filters: []
    select: |
      select campaign,
        sum(spend) as spend
      from \${ref("daily")}
      group by campaign
    x: campaign
    y: spend
    order: spend desc
`;

const project = () =>
  warehouse({ "daily.sqlx": DAILY, "other.sqlx": table("select 1 as id"), "dashboards/spend.yaml": SPEND });

test("a column that is renamed keeps what dashboards show out of the release, and is told at its line; so does plan", async () => {
  const {
    project: { dir, write, compile },
    database,
    run,
    rows,
  } = await project();
  expect(statuses(await run())).toEqual({ "marts.daily": "ok", "marts.other": "ok", "dashboards.spend": "ok" });
  write({ "daily.sqlx": DAILY.replaceAll("spend,", "spent,"), "other.sqlx": table("select 2 as id") });
  const planned = await cli(dir, ["plan", "--url", database.url]);
  expect(planned.stderr).toContain("dashboards/spend.yaml:11:8: the panel has no column spend");
  expect(planned.stderr).toContain("did you mean spent?");
  const report = await run();
  expect(statuses(report)).toEqual({ "marts.daily": "held", "marts.other": "ok", "dashboards.spend": "failed" });
  expect(stepOf(report, "marts.daily").reason).toBe("dashboard spend could not show it");
  // Whoever is called finds it where tests are that fail.
  const graph = await compile();
  const told = await withClient(database.settings, {}, (client) =>
    readOperations(client, { environment: "main", rawSchemas: [], graph }),
  );
  expect(told.assertions).toMatchObject([
    {
      target: { schema: "dashboards", name: "spend" },
      kind: "dashboard",
      status: "failed",
      runId: report.runId,
      rows: null,
      error: { message: "the panel has no column spend", found: "spend" },
      failingRows: [],
    },
  ]);
  // What was published is still there, and the rest is new.
  expect(await rows("select count(spend) from marts.daily")).toEqual(["5"]);
  expect(await rows("select id from marts.other")).toEqual(["2"]);
  write({ "dashboards/spend.yaml": SPEND.replace("y: spend", "y: spent") });
  const { error } = stepOf(await run(), "dashboards.spend");
  // Within a select of its own: at the word.
  expect(error).toMatchObject({ message: "the panel has no column spend", location: { line: 19, column: 13 } });
  // As the model calls it now, in both of its panels.
  write({
    "dashboards/spend.yaml": SPEND.replaceAll("y: spend", "y: spent")
      .replaceAll("spend)", "spent)")
      .replace("as spend", "as spent")
      .replace("spend desc", "spent desc"),
  });
  expect(statuses(await run())).toMatchObject({ "marts.daily": "ok", "dashboards.spend": "ok" });
});

test.each([
  [
    "a figure that is no number",
    "y: spend",
    "y: campaign",
    11,
    8,
    "a figure is a number, and this column is of type text",
  ],
  [
    "a filter of days that are none",
    "column: day, dates",
    "column: currency, dates",
    4,
    15,
    "needs a date or a timestamp, and its column is of type text",
  ],
  [
    "a filter that the panel has no column for",
    "column: campaign, values",
    "column: device, values",
    9,
    11,
    "no column device, by which a filter filters",
  ],
  ["a condition on nothing", "    currency:", "    where: spend > 0 and nothing\n    currency:", 13, 26, "nothing"],
])("%s is refused before anything is published, at its line", async (_, from, to, line, column, message) => {
  const files = { "daily.sqlx": DAILY, "dashboards/spend.yaml": SPEND.replace(from, to) };
  const { run } = await warehouse(files);
  const report = await run();
  expect(statuses(report)).toEqual({ "marts.daily": "held", "dashboards.spend": "failed" });
  expect(stepOf(report, "dashboards.spend").error).toMatchObject({
    message: expect.stringContaining(message),
    location: { file: "dashboards/spend.yaml", line, column },
    expected: expect.stringMatching(/./),
    found: expect.stringMatching(/./),
    hint: expect.stringMatching(/./),
  });
});

test("what is read is one release with every digit, days counted from the last one, values in the server's order", async () => {
  const {
    project: { dir, compile },
    database,
    run,
  } = await project();
  await run();
  const graph = await compile();
  const readSource = (file: string) => readFileSync(join(dir, file), "utf8");
  const reading = { graph, environment: "main", readSource };
  await withClient(database.settings, {}, async (client) => {
    const [data] = await readDashboards(client, reading);
    expect(data).toMatchObject({
      version: 1,
      name: "spend",
      file: "dashboards/spend.yaml",
      title: "Spend",
      release: 1,
    });
    expect(data!.filters).toEqual([
      {
        kind: "dates",
        column: "day",
        label: "Day",
        first: "2026-01-30",
        last: "2026-02-28",
        from: "2026-01-29",
        to: "2026-02-28",
      },
      { kind: "values", column: "campaign", label: "Campaign", values: ['aä "x"', "b"], chosen: [] },
    ]);
    const [perDay, all] = data!.panels;
    expect(perDay!.columns.map(({ type, format }) => [type, format.kind])).toEqual([
      ["date", "text"],
      ["numeric", "number"],
      ["text", "text"],
      ["text", "text"],
    ]);
    // The last 28 days: neither the one before nor the row without a day. Amounts in two currencies are two figures.
    const shown = figuresOf(perDay!, data!.filters, { day: { from: "2026-02-01", to: "2026-02-28" } }).rows;
    expect(shown.map(({ cells, values }) => [...cells.filter((cell) => cell !== null), ...values])).toEqual([
      ["2026-02-27", "EUR", "0.10"],
      ["2026-02-28", "EUR", "12345678901234567890.01"],
      ["2026-02-28", "USD", "0.20"],
    ]);
    expect(all!.rows).toEqual([
      ['aä "x"', "12345678901234567891.11"],
      ["b", "5.30"],
    ]);
    // Rows beyond what is kept are told, not lost in silence.
    const [few] = await readDashboards(client, { ...reading, most: 2 });
    expect(few!.panels.map(({ rows, cut }) => [rows.length, cut])).toEqual([
      [2, true],
      [2, false],
    ]);
    await expect(readDashboards(client, { ...reading, only: ["spent"] })).rejects.toThrow(
      "the project has no dashboard spent",
    );
  });
});
