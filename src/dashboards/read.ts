import type { DashboardData } from "../model/dashboard.ts";
import { UserError } from "../model/errors.ts";
import type { CompiledGraph, Dashboard } from "../model/graph.ts";
import { showsLanded } from "../model/live.ts";
import { type Client, withNames } from "../postgres/client.ts";
import { openSavepoint } from "../postgres/savepoint.ts";
import { type ReadSource, sourcesOf } from "../run/place.ts";
import { literal } from "../sql/literals.ts";
import { referencesIn } from "../sql/references.ts";
import { READ_ALIKE } from "../sql/session.ts";
import { join, sql } from "../sql/sql.ts";
import { readFilters } from "./filters.ts";
import { BEFORE_PANEL, readPanels } from "./panel.ts";

export interface ReadDashboards {
  readonly graph: CompiledGraph;
  readonly environment: string;
  /** Without it, problems have no lines. */
  readonly readSource?: ReadSource;
  /** Names of dashboards; all of them where it is not there. */
  readonly only?: readonly string[];
  /**
   * Rows that are kept of one panel.
   * @default 20_000
   */
  readonly most?: number;
  /** What was read before by the same graph: while the release is the same, only panels that show what lands are read again. */
  readonly known?: readonly DashboardData[];
}

const MOST_ROWS = 20_000;

/**
 * Reads the dashboards of a project over what is published: every panel of all of them in one snapshot, so that all show one
 * release. What is wrong with a panel is data of it.
 * @param client in no transaction
 * @throws UserError for a dashboard that the project does not have; the server's error where nothing can be read
 */
export async function readDashboards(client: Client, options: ReadDashboards): Promise<readonly DashboardData[]> {
  const { graph, environment, only, known = [] } = options;
  const all = graph.actions.filter((action): action is Dashboard => action.kind === "dashboard");
  const wanted = only ? only.map((name) => named(all, name)) : all;
  const begin = sql`begin transaction isolation level repeatable read read only`;
  await client.script(join([begin, ...client.eachTransaction, ...READ_ALIKE], ";\n"));
  try {
    await openSavepoint(client, BEFORE_PANEL);
    const { release, at } = await readRelease(client, environment);
    const read: DashboardData[] = [];
    for (const dashboard of wanted) {
      const { target, file, title, text } = dashboard;
      const before = known.find((one) => release !== null && one.release === release && one.name === target.name);
      const panels = await readWhatMoves(client, dashboard, before?.panels, options);
      const filters = await readFilters(client, dashboard.filters, panels);
      const said = { title, ...(text ? { text } : {}) };
      read.push({ version: 1, name: target.name, file, ...said, release, readAt: at, filters, panels });
    }
    return read;
  } finally {
    await client.query(sql`rollback`).catch(() => {});
  }
}

function named(all: readonly Dashboard[], name: string): Dashboard {
  const found = all.find(({ target }) => target.name === name);
  if (found) return found;
  throw new UserError({
    message: `the project has no dashboard ${name}`,
    expected: all.map(({ target }) => target.name).join(", ") || "a file in dashboards/ (docs/dashboards.md)",
    hint: "`dataform dashboard ls` lists them",
  });
}

/** The published release, as far as the reader may know it. */
async function readRelease(client: Client, environment: string) {
  const there = sql`
    select
      to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as at,
      coalesce(
        has_schema_privilege(to_regnamespace('_dataform')::oid, 'usage')
          and has_table_privilege(to_regclass('_dataform.environment')::oid, 'select'),
        false
      ) as readable`;
  return withNames(client, "ours", async () => {
    const { at, readable } = (await client.query<Record<"at" | "readable", string>>(there)).rows[0]!;
    if (readable !== "t") return { at, release: null };
    const { rows } = await client.query<{ release_id: string | null }>(
      sql`select release_id from _dataform.environment where name = ${literal(environment)}`,
    );
    const release = rows[0]?.release_id ?? null;
    return { at, release: release === null ? null : Number(release) };
  });
}

/** All panels, of which those that were read before and show nothing that lands are as they were. */
async function readWhatMoves(
  client: Client,
  dashboard: Dashboard,
  before: DashboardData["panels"] | undefined,
  { graph: { actions }, graph, readSource, most }: ReadDashboards,
): Promise<DashboardData["panels"]> {
  const moves = ({ query }: Dashboard["panels"][number]) => showsLanded(referencesIn(query), actions);
  const moving = before ? dashboard.panels.filter(moves) : dashboard.panels;
  const sources = sourcesOf(graph, readSource);
  const read = await readPanels(client, moving, { dashboard, actions, sources, most: most ?? MOST_ROWS });
  return dashboard.panels.map((panel, place) => read[moving.indexOf(panel)] ?? before![place]!);
}
