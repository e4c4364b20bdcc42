import type { Measure } from "../model/dashboard.ts";
import { type Action, type CompiledGraph, type Dashboard, isModel, type Model } from "../model/graph.ts";
import { compareTargets, type Target, targetKey } from "../model/target.ts";
import { declaredReferences, type ForeignKey } from "../sql/foreign-keys.ts";
import { id } from "../sql/identifiers.ts";
import { PRIVATE_SCHEMA } from "../sql/names.ts";
import { plainReferences } from "../sql/references.ts";
import { type Sql, sql } from "../sql/sql.ts";

/** What the project says of a relation that people read. */
export interface Said {
  readonly target: Target;
  readonly description?: string;
  readonly columns: readonly SaidColumn[];
  /** Columns that name a row. */
  readonly key: readonly string[];
  readonly references: readonly ForeignKey[];
  readonly metrics: readonly SaidMetric[];
  /** Has the tag `certified`. */
  readonly isCertified: boolean;
  /** Assertions that hold it. */
  readonly tests: number;
}

interface SaidColumn {
  readonly name: string;
  readonly description?: string;
  /** What dashboards call it, where all that do call it the same. */
  readonly label?: string;
}

/** A figure of a dashboard, as SQL over the rows of the relation. */
interface SaidMetric {
  readonly name: string;
  readonly label: string;
  readonly expression: string;
}

/** The tag of a model that its owners vouch for. */
const CERTIFIED = "certified";

/** Published models, sorted by name. */
export function saidOf(graph: CompiledGraph): readonly Said[] {
  const models = graph.actions.filter((action): action is Model => isModel(action) && !action.disabled);
  return models
    .map((model): Said => {
      const { target, description, columns, key = [], tags } = model;
      const panels = panelsOver(graph, target);
      return {
        target,
        ...(description ? { description } : {}),
        columns: withLabels(columns, panels),
        key,
        references: referencesOf(model),
        metrics: metricsOf(panels),
        isCertified: tags.includes(CERTIFIED),
        tests: graph.actions.filter((action) => holds(action, target)).length,
      };
    })
    .sort((a, b) => compareTargets(a.target, b.target));
}

/** Schemas that are not for readers: private objects, what others fill, and models of `staging` folders that stand alone in theirs. */
export function hiddenSchemas(graph: CompiledGraph): readonly string[] {
  const shown = new Set<string>();
  const hidden = new Set([PRIVATE_SCHEMA]);
  for (const action of graph.actions) {
    if (action.disabled) continue;
    if (action.kind === "declaration" || (isModel(action) && isStaging(action))) hidden.add(action.target.schema);
    else if (isModel(action)) shown.add(action.target.schema);
  }
  return [...hidden].filter((schema) => !shown.has(schema)).sort();
}

const isStaging = ({ file }: Action): boolean => file.split("/").includes("staging");

function holds(action: Action, target: Target): boolean {
  if (action.kind !== "assertion" || action.disabled) return false;
  const held = action.parent ? [action.parent] : action.dependencies;
  return held.some((one) => targetKey(one) === targetKey(target));
}

function referencesOf(model: Model): readonly ForeignKey[] {
  const all = [...model.postOperations, ...(model.kind === "incremental" ? model.incrementalPostOperations : [])];
  const found = all.flatMap((text) => declaredReferences(text));
  return [...new Map(found.map((one) => [JSON.stringify(one), one])).values()];
}

type Panel = Dashboard["panels"][number];

function panelsOver(graph: CompiledGraph, target: Target): readonly Panel[] {
  const dashboards = graph.actions.filter(
    (action): action is Dashboard => action.kind === "dashboard" && !action.disabled,
  );
  return dashboards.flatMap(({ panels }) =>
    panels.filter(({ reads }) => reads && targetKey(reads) === targetKey(target)),
  );
}

function withLabels(columns: Model["columns"], panels: readonly Panel[]): readonly SaidColumn[] {
  const labels = new Map<string, Set<string>>();
  for (const { columns: shown } of panels)
    for (const { name, label } of shown)
      if (label !== plainLabel(name)) labels.set(name, (labels.get(name) ?? new Set()).add(label));
  const described = new Map(columns.map(({ name, description }) => [name, description]));
  return [...new Set([...described.keys(), ...labels.keys()])].map((name) => {
    const description = described.get(name);
    const all = [...(labels.get(name) ?? [])];
    return { name, ...(description ? { description } : {}), ...(all.length === 1 ? { label: all[0]! } : {}) };
  });
}

/** What a dashboard calls a column of which nobody said more: that is no name that somebody gave. */
function plainLabel(name: string): string {
  const words = name.replaceAll("_", " ").trim();
  return words === "" ? name : `${words[0]!.toUpperCase()}${words.slice(1)}`;
}

/** Figures made of several rows. Those of one name that are not the same are nobody's. */
function metricsOf(panels: readonly Panel[]): readonly SaidMetric[] {
  const found = new Map<string, Map<string, SaidMetric>>();
  for (const panel of panels)
    for (const measure of panel.measures) {
      const metric = metricOf(panel, measure);
      if (metric) found.set(metric.name, (found.get(metric.name) ?? new Map()).set(metric.expression, metric));
    }
  return [...found.values()].flatMap((alike) => (alike.size === 1 ? [...alike.values()] : []));
}

function metricOf({ columns, parts }: Panel, { label, of }: Measure): SaidMetric | undefined {
  // What a condition means stands in the panel's own words.
  if (parts.where !== undefined) return undefined;
  const column = (at: number) => id(columns[at]!.name);
  const made = (expression: Sql): SaidMetric => ({
    name: label
      .toLowerCase()
      .replace(/[^\p{L}\p{N}]+/gu, "_")
      .replace(/^_|_$/g, ""),
    label,
    expression: plainReferences(expression.toString()),
  });
  if ("over" in of) return made(sql`sum(${column(of.of)})::numeric / nullif(sum(${column(of.over)}), 0)::numeric`);
  if (of.aggregate === undefined) return undefined;
  if (of.aggregate === "sum") return made(sql`sum(${column(of.column)})`);
  return made(of.aggregate === "min" ? sql`min(${column(of.column)})` : sql`max(${column(of.column)})`);
}
