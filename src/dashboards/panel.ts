import { figuresOf } from "../charts/figures.ts";
import { counted } from "../model/counted.ts";
import {
  type DeclaredColumn,
  type DeclaredPanel,
  formatOf,
  type PanelColumn,
  type PanelData,
} from "../model/dashboard.ts";
import type { Action, Dashboard } from "../model/graph.ts";
import type { StepError } from "../model/report.ts";
import { targetKey } from "../model/target.ts";
import { publicNames } from "../plan/authored-statements.ts";
import { type Client, type TableResult, withNames } from "../postgres/client.ts";
import { backToSavepoint } from "../postgres/savepoint.ts";
import { connectionLost, SQLSTATE, sqlState } from "../postgres/sqlstate.ts";
import { explainAudit } from "../run/explain.ts";
import { placeOfText, type Sources } from "../run/place.ts";
import { select } from "../sql/authored.ts";
import { literal } from "../sql/literals.ts";
import { resolveReferences } from "../sql/references.ts";
import { sql } from "../sql/sql.ts";
import { statement } from "../sql/statement.ts";

export interface Reading {
  readonly dashboard: Dashboard;
  readonly actions: readonly Action[];
  readonly sources: Sources;
  /** Rows that are kept. */
  readonly most: number;
}

/** Where a panel that fails takes its transaction back to. */
export const BEFORE_PANEL = "panel";

/** What the server says of a panel: rows, or why there are none. */
type Answer = { readonly table: TableResult } | Pick<PanelData, "absent" | "problem">;

/**
 * Reads panels of a dashboard, in one transaction that has the savepoint `BEFORE_PANEL`. What is wrong with one is data of it.
 * @throws the server's error where nothing can be read
 */
export async function readPanels(
  client: Client,
  panels: readonly DeclaredPanel[],
  reading: Reading,
): Promise<readonly PanelData[]> {
  const answers: Answer[] = [];
  for (const panel of panels) answers.push(await ask(client, panel, reading));
  const types = await typesOf(
    client,
    answers.flatMap((answer) => ("table" in answer ? answer.table.types : [])),
  );
  let at = 0;
  return panels.map((panel, place) => {
    const answer = answers[place]!;
    const known = "table" in answer ? types.slice(at, at + answer.table.types.length) : [];
    at += known.length;
    return withoutSeveral(panelOf(panel, answer, known, reading), reading);
  });
}

async function ask(client: Client, panel: DeclaredPanel, reading: Reading): Promise<Answer> {
  const { dashboard, sources, most } = reading;
  const authored = select(resolveReferences(panel.query, publicNames), panel.title);
  const asked = sql`${authored}
    limit ${literal(most + 1)}`;
  try {
    return { table: await client.table(asked) };
  } catch (error) {
    if (connectionLost(error) || sqlState(error) === undefined) throw error;
    await backToSavepoint(client, BEFORE_PANEL);
    const absent = sqlState(error) === SQLSTATE.undefinedTable ? await absentOf(client, dashboard) : [];
    if (absent.length) return { absent };
    const origins = [{ file: dashboard.file, text: authored.toString(), start: 0 }];
    const problem = explainAudit(error, { kind: "dashboard", file: dashboard.file }, sources, [
      { ...statement("read", asked), origins },
    ]);
    return { problem };
  }
}

function panelOf(
  panel: DeclaredPanel,
  answer: Answer,
  types: readonly string[],
  { actions, most }: Reading,
): PanelData {
  const { query: _query, check: _check, parts: _parts, reads, columns, ...shape } = panel;
  if (!("table" in answer)) {
    const unknown = columns.map((column) => columnOf(column, "unknown", undefined));
    return { ...shape, columns: unknown, rows: [], cut: false, ...answer };
  }
  const described = new Map(
    actions
      .find(({ target }) => reads && targetKey(target) === targetKey(reads))
      ?.columns.map(({ name, description }) => [name, description]),
  );
  const { rows } = answer.table;
  const known = columns.map((column, at) => columnOf(column, types[at]!, described.get(column.name)));
  const measures = shape.measures.map((one) => withDescription(one, known));
  return { ...shape, columns: known, rows: rows.slice(0, most), cut: rows.length > most, measures };
}

/** What of a dashboard's relations is not there. */
async function absentOf(client: Client, { dependencies }: Dashboard): Promise<readonly string[]> {
  const asked = sql`
      select concat(asked.schema, '.', asked.name) as name
      from jsonb_to_recordset($1::jsonb) as asked (schema text, name text)
      where to_regclass(format('%I.%I', asked.schema, asked.name)) is null
      order by name`;
  const { rows } = await withNames(client, "ours", () =>
    client.query<{ name: string }>(asked, [JSON.stringify(dependencies)]),
  );
  return rows.map(({ name }) => name);
}

async function typesOf(client: Client, types: TableResult["types"]): Promise<readonly string[]> {
  if (!types.length) return [];
  const question = sql`
    select format_type(f.oid, nullif(f.modifier, -1)) as type
    from unnest($1::oid[], $2::int[]) with ordinality as f (oid, modifier, place)
    order by place`;
  const given = [types.map(({ oid }) => oid), types.map(({ modifier }) => modifier)];
  const { rows } = await withNames(client, "ours", () => client.query<{ type: string }>(question, given));
  return rows.map(({ type }) => type);
}

function columnOf({ name, label, format }: DeclaredColumn, type: string, description: string | undefined): PanelColumn {
  const own = format ?? formatOf(type);
  return { name, label, type, ...(description ? { description } : {}), format: own };
}

function withDescription(measure: PanelData["measures"][number], columns: readonly PanelColumn[]) {
  const { of } = measure;
  const description = "over" in of ? undefined : columns[of.column]!.description;
  return description ? { ...measure, description } : measure;
}

/** One figure stands at each place of a chart: of several rows nobody knows which is meant. */
function withoutSeveral(panel: PanelData, { dashboard: { file, panels }, sources }: Reading): PanelData {
  if (panel.grouped || panel.chart === "table" || panel.chart === "scatter" || panel.problem) return panel;
  const seen = new Set<string>();
  for (const { cells } of figuresOf({ ...panel, filters: [] }, []).rows) {
    const places = [...panel.x, ...(panel.series === undefined ? [] : [panel.series])];
    const key = JSON.stringify(places.map((at) => cells[at]));
    if (!seen.has(key)) {
      seen.add(key);
      continue;
    }
    const where = places.map((at) => `${panel.columns[at]!.name} ${cells[at] ?? "NULL"}`).join(", ");
    const query = panels.find(({ title }) => title === panel.title)?.query ?? "";
    const problem: StepError = {
      message: `${panel.title}: there are several rows ${where ? `of ${where}` : "where one number is shown"}`,
      location: placeOfText(file, query, sources),
      expected: "one row for each x and series",
      found: counted(panel.rows.length, "row"),
      hint: "write aggregate: sum (or min, max), or name what tells them apart as series",
    };
    return { ...panel, rows: [], problem };
  }
  return panel;
}
