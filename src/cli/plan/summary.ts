import type { Catalog } from "../../model/catalog.ts";
import { counted, named } from "../../model/counted.ts";
import type { AuditStep, BuildStep, Plan, Step } from "../../model/plan.ts";
import { targetKey } from "../../model/target.ts";
import { CODE_UNCHANGED, changeOf } from "../../plan/choose.ts";
import type { ColumnChange, Preview } from "../../run/preview.ts";
import type { Item, Section } from "../show/section.ts";

/** A plan, and all that is known of what it would come to. */
export interface PlanFindings {
  readonly plan: Plan;
  readonly preview: Preview;
  readonly catalog: Catalog;
  /** Of published tables, by their private names. */
  readonly rows: ReadonlyMap<string, number>;
}

/** A plan in numbers. */
export interface PlanSummary {
  readonly models: Readonly<Record<"new" | "changed" | "rebuilt" | "removed" | "failing" | "waiting", number>>;
  readonly columns: Readonly<Record<"added" | "dropped" | "retyped", number>>;
  /** Of the published tables that are built again, as the server last counted them. */
  readonly rows: number;
  readonly assertions: number;
  readonly dashboards: number;
  readonly apis: number;
  readonly operations: number;
  /** What others built upon the models: all that reads them, and what notices more than new rows. */
  readonly readers: Readonly<Record<"all" | "noticing", number>>;
  readonly releases: readonly number[];
}

const EACH_BY_ITSELF = 10;

/** Ways of publishing that what others built may notice: old columns go on as NULL or are cast, views are made anew. */
const NOTICED = new Set(["shim", "rebuild", "adopt"]);

export function summarize(seen: PlanFindings): PlanSummary {
  const { plan, preview } = seen;
  const builds = buildsOf(plan);
  const changes = Object.values(columnChanges(seen)).flat();
  const count = (change: Change) => builds.filter((step) => changeIn(step, seen) === change).length;
  return {
    models: {
      new: count("new"),
      changed: count("changed"),
      rebuilt: count("rebuilt"),
      removed: plan.removed.length,
      failing: Object.keys(preview.failures).length,
      waiting: Object.keys(preview.awaits).length,
    },
    columns: {
      added: changes.filter(({ was }) => was === undefined).length,
      dropped: changes.filter(({ is }) => is === undefined).length,
      retyped: changes.filter(({ was, is }) => was !== undefined && is !== undefined).length,
    },
    rows: builds.reduce((sum, step) => sum + (rowsBuiltAgain(step, seen) ?? 0), 0),
    assertions: auditsOf(plan, "assertion").length,
    dashboards: auditsOf(plan, "dashboard").length,
    apis: auditsOf(plan, "api").length,
    operations: steps(plan).filter(({ step }) => step === "operations").length,
    readers: {
      all: readersOf(builds, seen).size,
      noticing: readersOf(
        builds.filter((step) => NOTICED.has(pathOf(step, seen) ?? "")),
        seen,
      ).size,
    },
    releases: plan.segments.map(({ release }) => release),
  };
}

/**
 * What a person reads: the summary, what changes and why, what readers notice, how to see more.
 * @param all every name; otherwise as many as one wants to read
 */
export function planSections(seen: PlanFindings, all = false): Section[] {
  const most = all ? Number.POSITIVE_INFINITY : EACH_BY_ITSELF;
  const builds = buildsOf(seen.plan);
  const by = (change: Change) => builds.filter((step) => changeIn(step, seen) === change);
  const [fresh, changed, rebuilt] = [by("new"), by("changed"), by("rebuilt")];
  const warnings = seen.preview.releases.flatMap(({ publish }) => publish.warnings);
  return [
    { title: headline(seen), items: facts(seen) },
    { title: "New", items: newModels(fresh, most) },
    {
      title: "What changes",
      items: folded([...changed.map((step) => changedModel(step, seen, most)), ...removed(seen.plan)], most),
    },
    ...builtAgain(rebuilt, most),
    { title: "Run in place", items: operations(seen.plan, most) },
    {
      title: "What readers notice",
      items: folded(
        warnings.map((text): Item => ({ mark: "!", text })),
        most,
      ),
    },
    {
      title: "More",
      items: [{ text: `${all ? "" : "--all shows every name, "}--sql every statement, --json is all of it` }],
    },
  ];
}

function headline(seen: PlanFindings): string {
  const { new: fresh, changed, rebuilt, removed, failing } = summarize(seen).models;
  const parts = [
    [fresh, "new"],
    [changed, "changed"],
    [rebuilt, "rebuilt"],
    [removed, "gone"],
    [failing, "would fail"],
  ].flatMap(([count, what]) => (count ? [`${count} ${what}`] : []));
  const { unchanged } = seen.plan;
  const left =
    unchanged === undefined ? [] : [`${counted(unchanged, "action")} as ${unchanged === 1 ? "it was" : "they were"}`];
  return `Plan: ${[parts.join(", ") || "no model to build", ...left].join(", ")}`;
}

/** Only what is there is said. */
function facts(seen: PlanFindings): Item[] {
  const { columns, rows, assertions, dashboards, apis, operations, readers, releases, models } = summarize(seen);
  const { environment, baseRelease } = seen.plan;
  const changes = Object.entries(columns).flatMap(([what, count]) => (count ? [`${count} ${what}`] : []));
  const upon = baseRelease === null ? "the first" : `upon release ${baseRelease}`;
  const facts: [string, string | false][] = [
    ["columns", changes.join(", ")],
    ["rows", rows > 0 && `about ${counted(rounded(rows), "row")} built again`],
    ["checks", assertions > 0 && `${counted(assertions, "assertion")} before anything is seen`],
    ["dashboards", dashboards > 0 && `${counted(dashboards, "dashboard")} held against the columns they show`],
    ["APIs", apis > 0 && `${counted(apis, "API")} held against the columns they answer`],
    ["operations", operations > 0 && `${counted(operations, "operation")}, run in place`],
    ["waiting", models.waiting > 0 && `${counted(models.waiting, "model")} for data that has not landed`],
    ["readers", readers.all > 0 && describeReaders(readers)],
    ["release", releases.length > 0 && `${releases.join(", ")} of environment ${environment}, ${upon}`],
  ];
  return facts.flatMap(([text, note]) => (note ? [{ text, note }] : []));
}

function auditsOf({ segments }: PlanFindings["plan"], kind: AuditStep["kind"]): readonly AuditStep[] {
  return segments.flatMap(({ audits }) => audits).filter((step) => step.kind === kind);
}

function describeReaders({ all, noticing }: PlanSummary["readers"]): string {
  return `${counted(all, "view of others", "views of others")}, ${noticing || "none"} affected by more than new rows`;
}

type Change = ReturnType<typeof changeOf>;

/** The columns of a model may change although its code does not: what it reads has others. */
function changeIn(step: BuildStep, seen: PlanFindings): Change {
  const change = changeOf(step);
  return change === "rebuilt" && columnChanges(seen)[targetKey(step.target)] ? "changed" : change;
}

/** Each by itself, or the many of a first run by their schemas. */
function newModels(fresh: readonly BuildStep[], most: number): Item[] {
  if (fresh.length > EACH_BY_ITSELF) return groups(fresh, "+", most);
  return fresh.map(({ target, kind }) => ({ mark: "+", text: targetKey(target), note: kind }));
}

function changedModel(step: BuildStep, seen: PlanFindings, most: number): Item {
  const key = targetKey(step.target);
  const rows = rowsBuiltAgain(step, seen);
  const readers = [...readersOf([step], seen)];
  return {
    mark: "~",
    text: key,
    note: [
      step.reason === CODE_UNCHANGED ? "what it reads changed" : step.reason,
      ...(rows ? [`about ${counted(rounded(rows), "row")}`] : []),
    ].join("; "),
    details: [
      ...folded((columnChanges(seen)[key] ?? []).map(describeColumn), most),
      ...(readers.length ? [{ text: `read by ${named(readers)}` }] : []),
    ],
  };
}

function describeColumn({ name, was, is }: ColumnChange): Item {
  if (was === undefined) return { mark: "+", text: `${name} ${is}` };
  if (is === undefined) return { mark: "-", text: `${name} ${was}` };
  return { mark: "~", text: `${name} ${was} → ${is}` };
}

function removed({ removed }: Plan): Item[] {
  return removed.map((text) => ({
    mark: "-",
    text,
    note: "no longer in the project",
  }));
}

function operations(plan: Plan, most: number): Item[] {
  const found = steps(plan).filter(({ step }) => step === "operations");
  return groups(found, undefined, most);
}

/** The names of each schema in one item, as many as one wants to read. */
function groups(all: readonly Step[], mark: Item["mark"], most: number): Item[] {
  const schemas = [...new Set(all.map(({ target }) => target.schema))].sort(byNumbers);
  const items = schemas.map((schema): Item => {
    const names = all.filter(({ target }) => target.schema === schema).map(({ target }) => target.name);
    return { ...(mark ? { mark } : {}), text: schema, note: named(names.sort(byNumbers), most) };
  });
  return folded(items, most);
}

/** model_2 before model_10. */
function byNumbers(one: string, other: string): number {
  return one.localeCompare(other, "en", { numeric: true });
}

function folded(items: readonly Item[], most: number): Item[] {
  // "and 1 more" takes the place that it would itself.
  if (items.length <= most + 1) return [...items];
  return [...items.slice(0, most), { text: `… and ${items.length - most} more` }];
}

/** A section for each reason, and one for the models whose reason only they have. */
function builtAgain(all: readonly BuildStep[], most: number): Section[] {
  const reasons = [...new Set(all.map(({ reason }) => reason))].map(
    (reason) => [reason, all.filter((step) => step.reason === reason)] as const,
  );
  const many = reasons.length > REASONS;
  const own = many ? reasons.filter(([, steps]) => steps.length === 1).flatMap(([, steps]) => steps) : [];
  const shared = many ? reasons.filter(([, steps]) => steps.length > 1) : reasons;
  const items = own.map((step): Item => ({ text: targetKey(step.target), note: step.reason }));
  return [
    ...shared.map(([reason, steps]) => ({ title: again(reason), items: groups(steps, undefined, most) })),
    {
      title: "Built again",
      items: folded(
        items.sort((a, b) => byNumbers(a.text, b.text)),
        most,
      ),
    },
  ];
}

/** So many reasons have a section each. */
const REASONS = 4;

function again(reason: string): string {
  return reason === CODE_UNCHANGED ? "Built again, code unchanged" : `Built again: ${reason}`;
}

function steps({ segments }: Plan): Step[] {
  return segments.flatMap(({ steps }) => steps);
}

function buildsOf(plan: Plan): BuildStep[] {
  return steps(plan).filter((step) => step.step === "build");
}

function columnChanges({ preview }: PlanFindings): Readonly<Record<string, readonly ColumnChange[]>> {
  return Object.assign({}, ...preview.releases.map(({ columns }) => columns));
}

function pathOf({ target }: BuildStep, { preview }: PlanFindings): string | undefined {
  return preview.releases.map(({ paths }) => paths[targetKey(target)]).find((how) => how !== undefined);
}

/** What others built upon these models, by name. */
function readersOf(builds: readonly BuildStep[], { catalog }: PlanFindings): Set<string> {
  return new Set(
    builds.flatMap(({ target }) => (catalog.relations[targetKey(target)]?.dependents ?? []).map(({ what }) => what)),
  );
}

/** Undefined where rows stay, or nobody has counted them. */
function rowsBuiltAgain({ target, newRows }: BuildStep, { catalog, rows }: PlanFindings): number | undefined {
  const before = catalog.manifest[targetKey(target)];
  return before && !newRows ? rows.get(before.storage?.table ?? before.object) : undefined;
}

/** Three digits: the server counts by samples. */
function rounded(rows: number): number {
  return Number(rows.toPrecision(3));
}
