import type { DeclaredEndpoint } from "../model/api.ts";
import type { Action, Dashboard } from "../model/graph.ts";
import { isModel } from "../model/graph.ts";
import { showsLanded } from "../model/live.ts";
import type {
  RelationFacts,
  SiteCore,
  SiteDetail,
  SiteEndpoint,
  SiteKind,
  SiteRelation,
  SiteState,
  SiteTest,
  SiteText,
  SiteTexts,
  SiteUnitTest,
} from "../model/site.ts";
import { compareTargets, type Target, targetKey } from "../model/target.ts";
import { fingerprint } from "../sql/fingerprint.ts";
import { type Column, columnsOf, withoutPersonal } from "./describe-columns.ts";
import { inParts, partOf, shownSql } from "./describe-parts.ts";
import { testQueries, testsByRelation, unitTestsByRelation } from "./describe-tests.ts";
import { headlineOf } from "./headline.ts";
import type { SiteInput } from "./input.ts";

export interface Described {
  readonly core: SiteCore;
  /** As many lists as there are parts `relations-<n>`. */
  readonly details: readonly (readonly SiteDetail[])[];
  /** Of `files-<n>` and of `tests-<n>`. */
  readonly files: readonly SiteTexts[];
  readonly tests: readonly SiteTexts[];
}

/** What a page shows of each relation of the project, of what it reads, and of what others built on it. */
export function describe(input: SiteInput): Described {
  const { release, project, environment, madeAt, live, explores, graph } = input;
  const found = relationsOf(input);
  const places = new Map(found.map(({ key }, place) => [key, place]));
  const placesIn = (keys: Iterable<string>) =>
    [...new Set(keys)].flatMap((key) => places.get(key) ?? []).sort(ascending);
  const tests = testsByRelation(input);
  const relations = found.map((one, place) =>
    summary(one, { input, place, tests: tests.get(one.key) ?? [], placesIn }),
  );
  const filePlaces = new Map([...input.sources.keys()].map((file, place) => [file, place]));
  const filePartOf = (file: string): FilePart => {
    const place = filePlaces.get(file);
    return place === undefined ? {} : { filePart: partOf(place) };
  };
  const unitTests = unitTestsByRelation(input, filePartOf);
  const details = found.map((one, place) =>
    detail(one, {
      input,
      place,
      tests: tests.get(one.key) ?? [],
      unitTests: unitTests.get(one.key) ?? [],
      filePartOf,
      placeOf: (key) => places.get(key),
    }),
  );
  const parts = inParts(details);
  const files = inParts([...input.sources]);
  const queries = testQueries(input);
  const core: SiteCore = {
    version: 1,
    project,
    environment,
    ...(release ? { release } : {}),
    madeAt,
    live,
    explores,
    relations,
    dashboards: dashboardsOf(input).map(({ target, title, text, dependencies }) => {
      const data = input.dashboards.find(({ name }) => name === target.name);
      const headline = data && headlineOf(data);
      return {
        name: target.name,
        title,
        ...(text ? { description: text } : {}),
        reads: placesIn(dependencies.map(targetKey)),
        ...(headline ? { headline } : {}),
        ...(showsLanded(dependencies, graph.actions) ? { moves: true as const } : {}),
      };
    }),
    parts: [
      ...parts.map((_, part) => `relations-${part}`),
      ...files.map((_, part) => `files-${part}`),
      ...queries.map((_, part) => `tests-${part}`),
      ...(input.lineage ? ["lineage"] : []),
      ...input.dashboards.map(({ name }) => `dashboard-${name}`),
      ...input.parts.keys(),
    ],
  };
  return { core, details: parts, files, tests: queries };
}

function dashboardsOf({ graph }: SiteInput): readonly Dashboard[] {
  return graph.actions.filter((action): action is Dashboard => action.kind === "dashboard" && !action.disabled);
}

const ascending = (a: number, b: number) => a - b;

interface Found {
  readonly key: string;
  readonly target: Target;
  readonly kind: SiteKind;
  readonly action?: Action;
  readonly facts?: RelationFacts;
  /** Keys of what it reads. */
  readonly reads: readonly string[];
  readonly columns: readonly Column[];
}

/** Every relation that has a page, sorted by name. */
function relationsOf({ graph, manifest, facts, dependents }: SiteInput): Found[] {
  const shown = new Map<string, Found>();
  const add = (target: Target, one: Omit<Found, "key" | "target" | "facts" | "columns">) => {
    const key = targetKey(target);
    const known = facts.get(key);
    if (shown.has(key)) return;
    shown.set(key, { key, target, ...(known ? { facts: known } : {}), ...one, columns: columnsOf(one.action, known) });
  };
  for (const action of graph.actions) {
    if (action.disabled || action.kind === "assertion") continue;
    const kind = action.kind === "declaration" ? "source" : action.kind;
    add(action.target, { kind, action, reads: action.dependencies.map(targetKey) });
  }
  for (const { target, kind } of Object.values(manifest)) add(target, { kind, reads: [] });
  const readers = new Map<string, { target: Target; reads: string[] }>();
  for (const [key, others] of dependents)
    for (const { target, kind, depth } of others) {
      if (depth !== 1 || !kind.endsWith("view")) continue;
      const reader = readers.get(targetKey(target)) ?? { target, reads: [] };
      readers.set(targetKey(target), { target, reads: [...reader.reads, key] });
    }
  for (const { target, reads } of readers.values()) add(target, { kind: "foreign", reads });
  return [...shown.values()].sort((a, b) => compareTargets(a.target, b.target));
}

interface About {
  readonly input: SiteInput;
  readonly place: number;
  readonly tests: readonly SiteTest[];
}

/** The part that has a file's text, where one has. */
type FilePart = Pick<SiteUnitTest, "filePart">;

interface DetailAbout extends About {
  readonly unitTests: readonly SiteUnitTest[];
  readonly filePartOf: (file: string) => FilePart;
  readonly placeOf: (key: string) => number | undefined;
}

function summary(
  { key, target, kind, action, facts, reads, columns }: Found,
  { input, place, tests, placesIn }: About & { readonly placesIn: (keys: Iterable<string>) => readonly number[] },
): SiteRelation {
  const description = action?.description ?? facts?.comment ?? "";
  const verdict = input.verdicts.get(key);
  return {
    ...target,
    kind,
    ...shelf(target, action),
    tags: action?.tags ?? [],
    summary: firstParagraph(description),
    state: stateOf(key, action, input),
    columns: columns.map(({ name, type, description }) => [name, type, description] as const),
    reads: placesIn(reads),
    tests: tests.length,
    failing: tests.filter(({ verdict }) => verdict === "failed").length,
    ...(facts?.stored.owner === undefined ? {} : { owner: facts.stored.owner }),
    ...(verdict?.status === "ok" && action && isModel(action) ? { seconds: verdict.seconds } : {}),
    part: partOf(place),
  };
}

/** Where it stands in lists: `definitions/<product>/<group>/…`; a landed table is of its source. */
function shelf({ schema }: Target, action: Action | undefined): Pick<SiteRelation, "product" | "group"> {
  if (!action) return { product: schema, group: "others" };
  if (action.kind === "dashboard") return { product: "dashboards", group: "dashboards" };
  if (action.kind === "api") return { product: "serve", group: "APIs" };
  if (action.kind === "declaration") {
    const [folder, source = schema] = (action.landedBy ?? action.file).split("/");
    const product = folder === "ingest" ? source.replace(/\.ya?ml$/, "") : folder === "definitions" ? source : schema;
    return { product: product.endsWith(".sqlx") ? schema : product, group: "sources" };
  }
  const [, product, group] = action.file.split("/").slice(0, -1);
  return { product: product ?? schema, group: group ?? "models" };
}

function firstParagraph(text: string): string {
  return text
    .trim()
    .split(/\n\s*\n/)[0]!
    .replaceAll(/\s+/g, " ");
}

function stateOf(key: string, action: Action | undefined, { manifest, verdicts }: SiteInput): SiteState {
  const entry = manifest[key];
  if (!action) return entry ? "removed" : "none";
  if (!isModel(action)) return "none";
  const status = verdicts.get(key)?.status;
  if (status === "held" || status === "failed" || status === "skipped") return status;
  if (!entry) return "unpublished";
  return entry.fingerprint === fingerprint(action) ? "published" : "changed";
}

function detail(
  { key, action, facts, columns }: Found,
  { input, place, tests, unitTests, filePartOf, placeOf }: DetailAbout,
): SiteDetail {
  const file = action && (action.kind === "declaration" ? (action.landedBy ?? action.file) : action.file);
  const sample = input.samples.get(key);
  const entry = input.manifest[key];
  const description = action?.description ?? facts?.comment;
  const origin = input.origins.get(key);
  return {
    relation: place,
    ...(description ? { description } : {}),
    ...(file ? { file } : {}),
    columns: columns.map(({ name: _, type: __, description: ___, ...more }) => more),
    ...(action?.kind === "api" ? { endpoints: action.endpoints.map((one) => endpointOf(one, placeOf)) } : {}),
    tests,
    unitTests,
    ...(file === undefined ? {} : filePartOf(file)),
    compiled: action ? textsOf(action) : [],
    facts: {
      indexes: [],
      grants: [],
      ...facts?.stored,
      ...(entry ? { builtIn: entry.release } : {}),
      readers: (input.dependents.get(key) ?? []).map(({ what }) => what),
      settings: settingsOf(action),
      ...(action?.kind === "declaration" && action.landedBy ? { landedBy: action.landedBy } : {}),
      ...(origin === undefined ? {} : { from: origin }),
    },
    ...(sample ? { sample: withoutPersonal(sample, columns) } : {}),
  };
}

function endpointOf(
  { path, title, text, reads, parameters }: DeclaredEndpoint,
  placeOf: DetailAbout["placeOf"],
): SiteEndpoint {
  const place = placeOf(targetKey(reads));
  return {
    path,
    title,
    ...(text ? { text } : {}),
    ...(place === undefined ? {} : { reads: place }),
    parameters: parameters.map(({ name }) => name),
  };
}

/** The statements of an action, as they reach the server, each with what it is. */
function textsOf(action: Action): SiteText[] {
  const text = (title: string, sqls: readonly string[]): SiteText[] => {
    const sql = sqls.map(shownSql).join(";\n\n");
    return sql === "" ? [] : [{ title, sql }];
  };
  switch (action.kind) {
    case "operations":
      return text("operations", action.queries);
    case "incremental":
      return [
        ...text("before", action.preOperations),
        ...text("first run", [action.query]),
        ...(action.incrementalQuery === action.query ? [] : text("later runs", [action.incrementalQuery])),
        ...text("after", action.postOperations),
      ];
    case "view":
    case "table":
      return [
        ...text("before", action.preOperations),
        ...text("query", [action.query]),
        ...text("after", action.postOperations),
      ];
    default:
      return [];
  }
}

function settingsOf(action: Action | undefined): string[] {
  if (!action || !isModel(action)) return [];
  return Object.entries(action.postgres).map(([key, value]) => `${key}: ${JSON.stringify(value)}`);
}
