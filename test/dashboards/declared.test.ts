import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { Document, isMap, isSeq, LineCounter, type Pair, parseDocument, type Scalar, type YAMLMap } from "yaml";
import { adoptDashboards } from "../../src/compile/dashboards.ts";
import { readDashboards } from "../../src/config/load-dashboards.ts";
import { formatUserError, type UserError } from "../../src/model/errors.ts";
import type { Action } from "../../src/model/graph.ts";

const base = { file: "", tags: [], dependencies: [], disabled: false, columns: [] };
const action = (name: string, kind: string, more = {}): [string, Action] => [
  `marts.${name}`,
  { ...base, kind, target: { schema: "marts_dev", name }, ...more } as unknown as Action,
];
const ACTIONS = [
  action("daily", "table"),
  action("check", "assertion"),
  action("vacuum", "operations", { hasOutput: false }),
];

/** Reads dashboards of a project that has marts.daily, in the database marts_dev.daily. */
function read(files: Readonly<Record<string, string>>) {
  const dir = mkdtempSync(join(tmpdir(), "dashboards-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  mkdirSync(join(dir, "dashboards"));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, "dashboards", name), text);
  const found = readDashboards(dir);
  const names = new Map(ACTIONS.map(([key, { target }]) => [key, target]));
  const adopted = adoptDashboards(
    found,
    ACTIONS.map(([, one]) => one),
    names,
  );
  return { ...adopted, notes: found.notes, errors: [...found.errors, ...adopted.errors] };
}

const dashboard = (panel: string, filters = "") => `title: Spend
${filters && `filters: ${filters}\n`}panels:
  - title: Per day
    ${panel.replaceAll("\n", "\n    ")}
`;

const LINE = "chart: line\nfrom: marts.daily\nx: day\ny: spend";
const DATES = "[{ column: day, dates: last 28 days }]";

test.each<[string, string, string, ...string[]]>([
  // What is written, where it is wrong, what is said.
  ["an unknown key", dashboard(`${LINE}\ncolour: red`), "8:5", 'unknown property "colour"'],
  ["an unknown kind of chart", dashboard("chart: pie\nfrom: marts.daily\ny: spend"), "4:12", "one of line, bar, area"],
  [
    "a chart that is nearly one",
    dashboard("chart: lines\nfrom: marts.daily\ny: spend"),
    "4:12",
    'did you mean "line"?',
  ],
  ["no figure", dashboard("chart: number\nfrom: marts.daily"), "3:5", '"y" is missing in panels.0'],
  [
    "an unknown key of a figure",
    dashboard("chart: number\nfrom: marts.daily\ny: { colum: a }"),
    "6:10",
    'unknown property "colum"',
  ],
  [
    "a figure without a column",
    dashboard("chart: number\nfrom: marts.daily\ny: { label: a }"),
    "6:8",
    "neither column nor ratio",
  ],
  [
    "a ratio with an aggregate",
    dashboard("chart: number\nfrom: marts.daily\ny: { ratio: { of: a, over: b }, aggregate: sum }"),
    "6:37",
    "it has no aggregate",
  ],
  [
    "an x that is a figure",
    dashboard("chart: line\nfrom: marts.daily\ny: a\nx: { column: a, unit: m }"),
    "7:21",
    "x is no figure",
  ],
  ["no x", dashboard("chart: line\nfrom: marts.daily\ny: a"), "4:5", "chart line needs x"],
  ["a heat map of one row", dashboard("chart: heat\nfrom: marts.daily\nx: a\ny: a"), "4:5", "chart heat needs series"],
  ["a number with x", dashboard("chart: number\nfrom: marts.daily\nx: a\ny: a"), "6:5", "takes no x"],
  ["a line in another order", dashboard(`${LINE}\norder: spend desc`), "8:5", "its rows stand along x"],
  ["a line of its first rows", dashboard(`${LINE}\nlimit: 3`), "8:5", "takes no limit"],
  ["two x", dashboard("chart: bar\nfrom: marts.daily\nx: [a, b]\ny: a"), "6:5", "has one x"],
  ["neither from nor select", dashboard("chart: number\ny: a"), "3:5", "neither from nor select"],
  ["from and select", dashboard("chart: number\nfrom: marts.daily\nselect: select 1\ny: a"), "6:5", "not both"],
  [
    "a relation that is not there",
    dashboard("chart: number\nfrom: marts.dayly\ny: a"),
    "5:11",
    "did you mean marts.daily?",
  ],
  ["a relation without rows", dashboard("chart: number\nfrom: marts.check\ny: a"), "5:11", "of kind assertion"],
  ["operations that make nothing", dashboard("chart: number\nfrom: vacuum\ny: a"), "5:11", "of kind operations"],
  ["a placeholder", dashboard("chart: number\nselect: |\n  select a\n  from ${marts}\ny: a"), "7:12", "not ref()"],
  [
    "a ref to nothing",
    dashboard("chart: number\nselect: |\n  select a\n  from x, ${ref('daili')}\ny: a"),
    "7:15",
    "no relation daili",
  ],
  [
    "a placeholder without an end",
    dashboard('chart: number\nselect: |\n  select ${ref("daily")\ny: a'),
    "6:14",
    "not ref()",
  ],
  [
    "two statements",
    dashboard("chart: number\nselect: select 1 as a; drop table x\ny: a"),
    "5:13",
    "select is not one select",
  ],
  ["a statement that gives no rows", dashboard("chart: number\nselect: delete from x\ny: a"), "5:13", "one select"],
  [
    "a condition that closes more than it opens",
    dashboard("chart: number\nfrom: daily\nwhere: a) or (b\ny: a"),
    "6:12",
    "where is not one SQL condition",
  ],
  [
    "a format without its currency",
    dashboard("chart: number\nfrom: daily\ny: a\nformat: currency"),
    "7:5",
    "of which currency",
  ],
  [
    "a currency that is a column",
    dashboard("chart: number\nfrom: daily\ny: a\ncurrency: currency"),
    "7:15",
    "{ column: currency }",
  ],
  [
    "a percentage with a unit",
    dashboard("chart: number\nfrom: daily\ny: a\nformat: percent\nunit: EUR"),
    "8:5",
    "has a unit already",
  ],
  [
    "digits of a whole number",
    dashboard("chart: number\nfrom: daily\ny: { column: a, format: integer, decimals: 2 }"),
    "6:38",
    "no digits behind the point",
  ],
  [
    "a percentage with a currency",
    dashboard("chart: number\nfrom: daily\ny: a\nformat: percent\ncurrency: EUR"),
    "8:5",
    "has no currency",
  ],
  [
    "three scales",
    dashboard("chart: line\nfrom: daily\nx: day\ny: [a, { column: b, unit: °C }, { column: c, format: percent }]"),
    "7:5",
    "3 scales",
  ],
  [
    "figures of one row and of several",
    dashboard("chart: line\nfrom: daily\nx: day\ny: [a, { column: b, aggregate: sum }]"),
    "7:5",
    "give it an aggregate",
  ],
  [
    "a filter that leaves several rows",
    dashboard("chart: line\nfrom: daily\nx: campaign\ny: a", DATES),
    "8:5",
    "aggregate: sum",
  ],
  ["a filter that the dashboard has not", dashboard(`${LINE}\nfilters: [dai]`, DATES), "9:15", "did you mean day?"],
  [
    "a comparison without days",
    dashboard("chart: number\nfrom: daily\ny: a\naggregate: sum\ncompare: previous period"),
    "8:5",
    "no filter of dates",
  ],
  ["a comparison of rows", dashboard(`${LINE}\ncompare: previous period`, DATES), "9:5", "say nothing of that"],
  [
    "an order by nothing",
    dashboard("chart: bar\nfrom: daily\nx: campaign\ny: spend\naggregate: sum\norder: Spent desc"),
    "9:12",
    "did you mean Spend?",
  ],
  [
    "an order by both",
    dashboard("chart: bar\nfrom: daily\nx: campaign\ny: spend\naggregate: sum\norder: [Spend desc, campaign]"),
    "9:5",
    "not by both",
  ],
  ["a filter of nothing", dashboard(LINE, "[{ column: day }]"), "2:11", "neither dates nor values"],
  ["a filter of both", dashboard(LINE, "[{ column: day, dates: all, values: all }]"), "2:11", "not both"],
  [
    "two filters of one column",
    dashboard(LINE, "[{ column: day, dates: all }, { column: day, values: all }]"),
    "2:50",
    "two filters of day",
  ],
  ["days in other words", dashboard(LINE, "[{ column: day, dates: the last days }]"), "2:33", "last 28 days"],
  ["a day that is none", dashboard(LINE, "[{ column: day, dates: { from: 2026-02-30 } }]"), "2:41", "is no day"],
  [
    "days that end before they begin",
    dashboard(LINE, "[{ column: day, dates: { from: 2026-02-03, to: 2026-02-01 } }]"),
    "2:57",
    "end before they begin",
  ],
  [
    "a name that PostgreSQL cannot have",
    dashboard(`chart: number\nfrom: daily\ny: ${"a".repeat(64)}`),
    "6:8",
    "cannot be a name",
  ],
])("%s is an error at its line: what was expected, what is there, what to do", (_, text, place, ...said) => {
  const { errors } = read({ "spend.yaml": text });
  const told = errors.map((error) => formatUserError(error)).join("\n");
  expect(told).toContain(`dashboards/spend.yaml:${place}`);
  for (const words of said) expect(told).toContain(words);
  expect(errors).toHaveLength(1);
  expectTold(errors[0]!);
});

/** Nobody is left to guess. */
function expectTold({ message, location, expected, found, hint }: UserError): void {
  const whole = { message, file: location?.file, line: location?.line, expected, found, hint };
  const empty = Object.entries(whole).flatMap(([part, text]) => (text === undefined || text === "" ? [part] : []));
  expect(empty, formatUserError({ ...whole, message })).toEqual([]);
}

/** A panel of every key, as it is right. */
const WHOLE = `title: Spend
text: What it costs.
tags: [money]
filters:
  - { column: day, label: Days, dates: { from: 2026-01-01, to: 2026-01-31 } }
  - { column: campaign, values: [a] }
panels:
  - title: Per campaign
    text: The dear ones.
    chart: bar
    width: 2
    from: marts.daily
    where: spend > 0
    filters: [day]
    x: { column: campaign, label: Campaign }
    y: { column: spend, label: Spend, aggregate: sum, format: currency, decimals: 2, currency: EUR }
    series: { column: device, label: Device }
    order: Spend desc
    limit: 10
    compare: previous period
`;

/** The places of all keys in it. */
function keysIn(node: unknown, path: readonly (string | number)[] = []): (readonly (string | number)[])[] {
  if (isSeq(node)) return node.items.flatMap((item, at) => keysIn(item, [...path, at]));
  if (!isMap(node)) return [];
  return node.items.flatMap(({ key, value }) => {
    const own = [...path, String((key as Scalar).value)];
    return [own, ...keysIn(value, own)];
  });
}

/** The key at a path, with its value; `misspelt` where an x was put behind it. */
function pairAt(document: ReturnType<typeof parseDocument>, path: readonly (string | number)[], misspelt = ""): Pair {
  const parent = path.length > 1 ? document.getIn(path.slice(0, -1)) : document.contents;
  return (parent as YAMLMap<Scalar>).items.find(({ key }) => [path.at(-1), misspelt].includes(key.value as string))!;
}

const WRONG_VALUES = [[[]], null, { no: "way" }];

test.each(keysIn(parseDocument(WHOLE).contents).map((path) => [path.join("."), path] as const))(
  "%s is told by its name at its line where its value is of another type or missing, and where it is misspelt",
  (_, path) => {
    const key = String(path.at(-1));
    const changed = (change: (pair: Pair) => void) => {
      const document = parseDocument(WHOLE);
      change(pairAt(document, path));
      return document.toString({ lineWidth: 0 });
    };
    const texts = [
      ...WRONG_VALUES.map((value) =>
        changed((pair) => {
          pair.value = new Document(value).contents;
          if (isMap(pair.value) || isSeq(pair.value)) pair.value.flow = true;
        }),
      ),
      changed((pair) => {
        (pair.key as Scalar).value = `${key}x`;
      }),
    ];
    for (const text of texts) {
      const lines = new LineCounter();
      const { range } = pairAt(parseDocument(text, { lineCounter: lines }), path, `${key}x`).key as Scalar;
      const { line } = lines.linePos(range![0]);
      const { errors } = read({ "spend.yaml": text });
      const own = errors.filter(({ location }) => location?.line === line);
      expect([text, own.map(({ message }) => message).join()]).toEqual([text, expect.stringContaining(key)]);
      errors.forEach(expectTold);
    }
  },
);

test("a dashboard with every key is right", () => {
  expect(read({ "spend.yaml": WHOLE }).errors).toEqual([]);
});

test("every panel that is wrong is told, and the files beside", () => {
  const two = `${dashboard("chart: pie\nfrom: daily\ny: a").trimEnd()}\n  - title: b\n    chart: number\n    y: a\n`;
  const { errors, notes } = read({
    "a.yaml": two.replace("pie", "number").replace("from: daily", "from: nothing"),
    "a.yml": dashboard(LINE),
    "no name.yaml": dashboard(LINE),
    "readme.md": "",
    "picture.png": "",
    "not.yaml": "title: [",
  });
  expect(errors.map(({ message }) => message.split(":")[0])).toEqual([
    "a dashboard is called like its file, and this is no name of one",
    "not valid YAML",
    "there are two dashboards a",
    "there is no relation nothing in the project",
    "the panel says neither from nor select",
  ]);
  expect(notes).toEqual(["dashboards/picture.png is not read: a dashboard is a .yaml file in dashboards/ itself"]);
});

test("a dashboard is an action: what it reads, and a query for each panel whose every piece stands in the file", () => {
  const text = dashboard(
    `chart: table
select: |
  -- days
    select day, "Spend" as spend, currency
  from \${ref("marts", "daily")} as d,

    \${ ref('daily') } as e;
where: spend > 0 -- not none
x: [{ column: day, label: On }]
y: [{ column: spend, aggregate: max, currency: { column: currency } }]
order: Spend desc`,
    "[{ column: campaign, values: [a] }, { column: day, dates: last 2 months }]",
  ).replaceAll("\n", "\r\n");
  const { actions, traces, errors } = read({ "spend.yaml": text });
  expect(errors).toEqual([]);
  const [{ target, dependencies, panels, filters }] = actions as [(typeof actions)[0]];
  expect({ target, dependencies }).toEqual({
    target: { schema: "dashboards", name: "spend" },
    dependencies: [{ schema: "marts_dev", name: "daily" }],
  });
  expect(filters).toMatchObject([{ chosen: ["a"] }, { last: { count: 2, unit: "month" } }]);
  expect(panels[0]).toMatchObject({
    filters: ["campaign", "day"],
    columns: [
      { name: "day", label: "On" },
      { name: "spend", label: "Spend" },
      { name: "currency", label: "Currency" },
      { name: "campaign", label: "Campaign" },
    ],
    x: [0],
    measures: [{ of: { column: 1, aggregate: "max" }, format: { kind: "currency", currency: 2 } }],
    order: [{ measure: 0, descending: true }],
    grouped: true,
    width: 4,
  });
  expect(panels[0]!.query.replaceAll("\uE000", "")).toMatchInlineSnapshot(`
    "-- 1: Per day
    select
      panel."day",
      panel."spend",
      panel."currency",
      panel."campaign"
    from (
    -- days
      select day, "Spend" as spend, currency
    from "marts_dev"."daily" as d,

      "marts_dev"."daily" as e
    ) as panel
    where (
    spend > 0 -- not none
    )
    order by
      panel."day" nulls last,
      panel."currency" nulls last,
      panel."day"::pg_catalog.text collate "C",
      panel."spend"::pg_catalog.text collate "C",
      panel."currency"::pg_catalog.text collate "C",
      panel."campaign"::pg_catalog.text collate "C""
  `);
  const file = text.replaceAll("\r\n", "\n");
  for (const { text: sql, pieces } of traces) {
    let start = 0;
    for (const [length, offset, made] of pieces) {
      const piece = sql.slice(start, start + length);
      if (made) expect(file[offset], piece).toMatch(/\S/);
      else expect(file.slice(offset, offset + length)).toBe(piece);
      start += length;
    }
    expect(start).toBe(sql.length);
  }
});
