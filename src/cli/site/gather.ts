import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { readFacts } from "../../catalogue/facts.ts";
import { readOperations, withoutFailingRows } from "../../catalogue/operations.ts";
import { readSamples } from "../../catalogue/samples.ts";
import type { DeclaredLine } from "../../catalogue/schedules.ts";
import { readSource } from "../../compile/source.ts";
import { originsOf } from "../../config/origins.ts";
import { readDashboards } from "../../dashboards/read.ts";
import { hasMetadata } from "../../environment/layout.ts";
import { cacheFile } from "../../lineage/cache-file.ts";
import { readLineage } from "../../lineage/read-lineage.ts";
import type { Catalog } from "../../model/catalog.ts";
import type { ConnectionSettings } from "../../model/connection-settings.ts";
import { counted } from "../../model/counted.ts";
import { UserError } from "../../model/errors.ts";
import type { Action, CompiledGraph } from "../../model/graph.ts";
import type { SiteSample, UnitVerdict } from "../../model/site.ts";
import { type Target, targetKey } from "../../model/target.ts";
import { type ConnectOptions, withClient, withTransaction } from "../../postgres/client.ts";
import { readNamedRelease } from "../../release/store.ts";
import { runUnitTests, type UnitTestResult } from "../../run/unit-tests.ts";
import { isPersonal } from "../../site/describe-columns.ts";
import type { SiteInput } from "../../site/input.ts";
import { sql } from "../../sql/sql.ts";
import type { Chosen } from "../ingest/choose.ts";
import { readRelease, shownIn } from "../read-release.ts";

export interface GatherOptions extends Pick<ConnectOptions, "signal" | "onWait"> {
  readonly projectDir: string;
  /** The declared sources, as far as they can be read. */
  readonly sources: readonly Chosen[];
  /** The lines of schedules.yaml. */
  readonly schedules: readonly DeclaredLine[];
  /** Where what was found of the lineage is kept. */
  readonly stateDir: string;
  readonly environment: string;
  /** Whether ten rows of each relation are shown. */
  readonly withSamples: boolean;
  readonly live: boolean;
  readonly explores: boolean;
}

/** So often a site is read again where a release was published meanwhile. */
const MOST_TIMES = 5;

/**
 * All that a site shows: what the code says, and what one release in the database has. It is read by several questions, of
 * several duties: where another release was published between the first and the last of them, all are asked again.
 */
export async function gather(
  graph: CompiledGraph,
  settings: ConnectionSettings,
  options: GatherOptions,
): Promise<SiteInput> {
  const { environment, signal, onWait } = options;
  const reach = { signal, onWait, applicationName: "dataform-site", duty: "publisher" } as const;
  for (let times = 1; ; times++) {
    const input = await gatherOnce(graph, settings, options);
    const release = await withClient(settings, reach, async (client) =>
      (await hasMetadata(client)) ? readNamedRelease(client, environment) : null,
    );
    if (release === (input.release?.number ?? null)) return input;
    if (times < MOST_TIMES) continue;
    throw new UserError({
      message: `a release was published each of the ${MOST_TIMES} times that environment ${environment} was read`,
      expected: "a moment without one: what a site shows is one release",
      hint: "try again when fewer runs publish",
    });
  }
}

async function gatherOnce(
  graph: CompiledGraph,
  settings: ConnectionSettings,
  options: GatherOptions,
): Promise<SiteInput> {
  const { projectDir, stateDir, sources, schedules, environment, withSamples, live, explores, signal, onWait } =
    options;
  const reach = { signal, onWait, applicationName: "dataform-site" };
  let knowCatalog!: (catalog: Catalog) => void;
  const known = new Promise<Catalog>((resolve) => {
    knowCatalog = resolve;
  });
  const reading = withClient(settings, { ...reach, duty: "publisher" }, (client) =>
    withTransaction(
      client,
      () => readRelease(client, graph, environment, knowCatalog),
      sql`begin transaction isolation level repeatable read read only`,
    ),
  );
  // The lineage takes longest, and asks for no more than the catalog.
  const tracing = Promise.race([known, reading.then(({ catalog }) => catalog)]).then((catalog) =>
    withClient(settings, { ...reach, duty: "builder" }, (client) =>
      readLineage(client, graph, catalog, { cache: cacheFile(join(stateDir, "lineage.json")) }),
    ),
  );
  const rest = reading.then(({ catalog, facts }) => {
    const open = shownIn(graph, catalog).filter((target) => !isGuarded(facts, targetKey(target)));
    // Each has a connection of its own, and most of what it takes is time of the server.
    return together([
      withClient(settings, { ...reach, duty: "builder" }, (client) =>
        readDashboards(client, { graph, environment, readSource: (file) => readSource(projectDir, file) }),
      ),
      withClient(settings, { ...reach, duty: "publisher" }, (client) =>
        // The builder reads what landed. It is our own question, whatever the database's search path says.
        withClient(settings, { ...reach, duty: "builder", names: "ours" }, (landed) =>
          readOperations(client, {
            environment,
            rawSchemas: [...new Set(sources.map(({ declaration }) => declaration.schema))],
            graph,
            sources,
            schedules,
            landed,
          }),
        ),
      ),
      runUnitTests(graph, settings, { signal, onWait }),
      withSamples ? readRows(settings, reach, open) : new Map<string, SiteSample>(),
    ]);
  });
  const [read, lineage, [dashboards, operations, { tests }, samples]] = await together([reading, tracing, rest]);
  return {
    project: graph.project.name ?? "dataform project",
    environment,
    graph,
    ...read,
    manifest: read.catalog.manifest,
    dependents: new Map(Object.entries(read.catalog.relations).map(([key, { dependents }]) => [key, dependents])),
    samples,
    unitTests: tests.map(verdictOf),
    sources: sourcesOf(graph, projectDir),
    origins: originsOf(projectDir),
    lineage,
    dashboards,
    parts: new Map([
      ["operations", withoutFailingRows(operations, withSamples ? readsGuarded(graph, read.facts) : undefined)],
    ]),
    madeAt: new Date().toISOString(),
    live,
    explores,
  };
}

/** What all of them come to. Where some fail, the first of these failures, once none is at work any more. */
async function together<const T extends readonly unknown[]>(
  work: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(work);
  return Promise.all(work);
}

type Facts = Awaited<ReturnType<typeof readFacts>>;

const isGuarded = (facts: Facts, key: string): boolean => facts.get(key)?.stored.hasPolicies === true;

/**
 * Whether an assertion reads a relation with a column tagged `pii`, whose value its rows may hold under any name, or one whose rows
 * are not for everybody.
 */
function readsGuarded({ actions }: CompiledGraph, facts: Facts) {
  const isPrivate = ({ columns, target }: Action) =>
    columns.some(({ tags }) => isPersonal(tags ?? [])) || isGuarded(facts, targetKey(target));
  const guarded = new Set(actions.filter(isPrivate).map(({ target }) => targetKey(target)));
  const telling = new Set(
    actions
      .filter(({ dependencies }) => dependencies.some((one) => guarded.has(targetKey(one))))
      .map(({ target }) => targetKey(target)),
  );
  return (assertion: string): boolean => telling.has(assertion);
}

function readRows(
  settings: ConnectionSettings,
  reach: ConnectOptions,
  targets: readonly Target[],
): Promise<SiteInput["samples"]> {
  return withClient(settings, { ...reach, duty: "builder" }, (client) =>
    withTransaction(
      client,
      () => readSamples(client, targets),
      sql`begin transaction isolation level repeatable read read only`,
    ),
  );
}

function verdictOf({ passed, error, missing, unexpected }: UnitTestResult): UnitVerdict {
  if (passed) return { passed };
  const rows = [
    ...(missing.length ? [`${counted(missing.length, "expected row")} did not come`] : []),
    ...(unexpected.length ? [`${counted(unexpected.length, "row")} came that were not expected`] : []),
  ];
  return { passed, why: error?.message ?? rows.join(", ") };
}

/** The files that actions and unit tests stand in. What is gone since it was compiled is not shown. */
function sourcesOf({ actions, tests }: CompiledGraph, projectDir: string): ReadonlyMap<string, string> {
  const files = new Set([
    ...actions.flatMap((action) => [action.file, ...(action.kind === "declaration" ? [action.landedBy ?? ""] : [])]),
    ...tests.map(({ file }) => file),
  ]);
  return new Map(
    [...files].flatMap((file): [string, string][] => {
      try {
        return file === "" ? [] : [[file, readFileSync(join(projectDir, file), "utf8")]];
      } catch {
        return [];
      }
    }),
  );
}
