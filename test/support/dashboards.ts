import { expect } from "vitest";
import { figuresOf } from "../../src/charts/figures.ts";
import { quotientOf } from "../../src/charts/sums.ts";
import { compile } from "../../src/compile/compile.ts";
import { readSource } from "../../src/compile/source.ts";
import { readDashboards } from "../../src/dashboards/read.ts";
import type { ConnectionSettings } from "../../src/model/connection-settings.ts";
import type { Measure, PanelData } from "../../src/model/dashboard.ts";
import type { Dashboard } from "../../src/model/graph.ts";
import { publicNames } from "../../src/plan/authored-statements.ts";
import { type Client, withClient } from "../../src/postgres/client.ts";
import { script } from "../../src/sql/authored.ts";
import { resolveReferences } from "../../src/sql/references.ts";
import { expectInGrafana } from "./grafana-panels.ts";

/**
 * A dashboard of the project shows what the server says: nothing of it cannot be read, some of it has rows, and the figures of
 * every panel over all rows are those of one `group by` in the server.
 */
export async function expectDashboard(name: string, projectDir: string, settings: ConnectionSettings): Promise<void> {
  const graph = await compile(projectDir);
  const declared = graph.actions.find(
    (action): action is Dashboard => action.kind === "dashboard" && action.target.name === name,
  )!;
  await withClient(settings, {}, async (client) => {
    const reading = {
      graph,
      environment: "main",
      only: [name],
      readSource: (file: string) => readSource(projectDir, file),
    };
    const [data] = await readDashboards(client, reading);
    expect(
      data!.panels.flatMap(({ title, problem, cut }) => (problem || cut ? [{ title, problem, cut }] : [])),
    ).toEqual([]);
    expect(data!.panels.filter(({ rows }) => rows.length).length, "panels with rows").toBeGreaterThan(
      data!.panels.length / 2,
    );
    const all = Object.fromEntries(
      data!.filters.map(({ kind, column }) => [column, kind === "dates" ? { from: null, to: null } : { values: [] }]),
    );
    for (const [at, panel] of data!.panels.entries()) {
      if (!panel.grouped) continue;
      const { rows } = figuresOf(withoutLimit(panel), data!.filters, all);
      const ours = rows.map(({ cells, values }) => [
        ...cells.filter((_, place) => apart(panel).includes(place)),
        ...values,
      ]);
      const query = resolveReferences(declared.panels[at]!.query, publicNames);
      const theirs = await grouped(client, panel, query);
      expect(sorted(ours), panel.title).toEqual(sorted(theirs));
    }
    await expectInGrafana(client, graph, [data!], "dashboards/project/");
  });
}

const withoutLimit = ({ limit: _, ...panel }: PanelData): PanelData => panel;

const sorted = (rows: readonly unknown[][]) => rows.map((row) => JSON.stringify(row)).sort();

function apart({ x, series, measures }: PanelData): number[] {
  const currencies = measures.flatMap(({ format }) => (typeof format.currency === "number" ? [format.currency] : []));
  return [...new Set([...x, ...(series === undefined ? [] : [series]), ...currencies])].sort((a, b) => a - b);
}

/** The same by the server; quotients of its sums, which sums.test.ts holds against its own. */
async function grouped(client: Client, panel: PanelData, query: string): Promise<(string | null)[][]> {
  const column = (at: number) => `"${panel.columns[at]!.name}"`;
  const sums = panel.measures.flatMap(({ of }) =>
    "over" in of
      ? [`sum(${column(of.of)})::numeric`, `sum(${column(of.over)})::numeric`]
      : [`${of.aggregate}(${column(of.column)})::numeric`],
  );
  const places = apart(panel).map(column);
  const text = `select ${[...places, ...sums].join(", ")} from (${query}\n) as panel ${places.length ? `group by ${places.join(", ")}` : "having count(*) > 0"}`;
  await client.query(script("set timezone = 'UTC'"));
  const { rows } = await client.table(script(text));
  return rows.map((row) => {
    const figures = row.slice(places.length);
    const next = () => figures.shift() ?? null;
    return [
      ...row.slice(0, places.length),
      ...panel.measures.map(({ of }: Measure) => ("over" in of ? quotientOf(next(), next()) : next())),
    ];
  });
}
