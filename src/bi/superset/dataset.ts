import { counted } from "../../model/counted.ts";
import { type Change, markOf, type Verdict, verdictOn } from "../merge.ts";
import type { Said } from "../said.ts";

/** A dataset as `GET /api/v1/dataset/{id}` answers it: what is asked of it here. */
export interface Dataset {
  readonly id: number;
  readonly description: string | null;
  readonly extra: string | null;
  readonly columns: readonly DatasetColumn[];
  readonly metrics: readonly DatasetMetric[];
}

interface DatasetColumn {
  readonly id?: number;
  readonly column_name: string;
  readonly description: string | null;
  readonly verbose_name: string | null;
  readonly extra: string | null;
}

interface DatasetMetric {
  readonly id?: number;
  readonly metric_name: string;
  readonly expression: string;
  readonly description?: string | null;
  readonly verbose_name?: string | null;
  readonly extra?: string | null;
}

/** What `PUT /api/v1/dataset/{id}` takes, of the columns and metrics that it is given. */
const COLUMN_KEYS =
  "id uuid column_name verbose_name description expression filterable groupby is_active is_dttm type advanced_data_type python_date_format datetime_format extra".split(
    " ",
  );
const METRIC_KEYS =
  "id uuid metric_name verbose_name description expression d3format currency extra metric_type warning_text".split(" ");

export interface DatasetPlan {
  /** The body of the PUT; absent where nothing changes. Columns and metrics are whole lists: the tool deletes what is left out. */
  readonly body?: Readonly<Record<string, unknown>>;
  readonly changes: readonly Change[];
  readonly kept: readonly Change[];
}

export interface PlanOptions {
  readonly overwrite: boolean;
  /** Who vouches for models with the tag `certified`. */
  readonly certifiedBy: string;
  /** Descriptions of columns that reading the columns again has replaced, by name. */
  readonly before?: ReadonlyMap<string, string>;
}

/** What a dataset is to be told so that it says what the project says, and loses nothing that people typed. */
export function planDataset(dataset: Dataset, said: Said, options: PlanOptions): DatasetPlan {
  const about = `${said.target.schema}.${said.target.name}`;
  const notes = new Notes(about, options);
  const own = memoryOf(dataset.extra);
  const description = notes.text("", "description", dataset.description, said.description, own.description);
  const extra = { ...jsonOf(dataset.extra) };
  if (description.written !== undefined) extra[MEMORY] = { ...own, description: description.written };
  certify(extra, said, notes, options);
  const columns = dataset.columns.map((column) => planColumn(column, said, notes, options));
  const metrics = planMetrics(dataset.metrics, said, notes);
  const { changes, kept } = notes;
  const body = {
    ...(description.value === undefined ? {} : { description: description.value }),
    ...(differs(dataset.extra, extra) ? { extra: JSON.stringify(extra) } : {}),
    ...(columns.some((column, at) => column !== dataset.columns[at])
      ? { columns: columns.map((column) => only(column, COLUMN_KEYS)) }
      : {}),
    ...(metrics.some((metric, at) => metric !== dataset.metrics[at])
      ? { metrics: metrics.map((metric) => only(metric, METRIC_KEYS)) }
      : {}),
  };
  return { ...(Object.keys(body).length ? { body } : {}), changes, kept };
}

/** Beside what others keep in `extra`: marks of what was written. */
const MEMORY = "dataform";

interface Memory {
  readonly description?: string;
  readonly label?: string;
  readonly expression?: string;
}

function jsonOf(text: string | null | undefined): Record<string, unknown> {
  try {
    const value = JSON.parse(text || "{}") as unknown;
    return value !== null && typeof value === "object" && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : {};
  } catch {
    return {};
  }
}

function memoryOf(extra: string | null | undefined): Memory {
  const own = jsonOf(extra)[MEMORY];
  return own !== null && typeof own === "object" ? (own as Memory) : {};
}

function differs(text: string | null | undefined, extra: object): boolean {
  return JSON.stringify(jsonOf(text)) !== JSON.stringify(extra);
}

function planColumn(column: DatasetColumn, said: Said, notes: Notes, { before }: PlanOptions): DatasetColumn {
  const wanted = said.columns.find(({ name }) => name === column.column_name);
  const own = memoryOf(column.extra);
  const typed = before?.get(column.column_name);
  const current = typed !== undefined && typed !== (column.description ?? "") ? typed : column.description;
  const description = notes.text(column.column_name, "description", current, wanted?.description, own.description);
  const label = notes.text(column.column_name, "label", column.verbose_name, wanted?.label, own.label);
  const isRestored = current !== column.description;
  if (description.written === own.description && label.written === own.label && !isRestored) {
    if (description.value === undefined && label.value === undefined) return column;
  }
  const memory = {
    ...own,
    ...(description.written === undefined ? {} : { description: description.written }),
    ...(label.written === undefined ? {} : { label: label.written }),
  };
  const extra = Object.keys(memory).length ? { ...jsonOf(column.extra), [MEMORY]: memory } : jsonOf(column.extra);
  return {
    ...column,
    description: description.value ?? current,
    verbose_name: label.value ?? column.verbose_name,
    extra: differs(column.extra, extra) ? JSON.stringify(extra) : column.extra,
  };
}

function planMetrics(metrics: readonly DatasetMetric[], said: Said, notes: Notes): readonly DatasetMetric[] {
  const wanted = new Map(said.metrics.map((metric) => [metric.name, metric]));
  const told = metrics.map((metric) => {
    const own = wanted.get(metric.metric_name);
    wanted.delete(metric.metric_name);
    const memory = memoryOf(metric.extra);
    const { value } = notes.text(metric.metric_name, "metric", metric.expression, own?.expression, memory.expression);
    if (value === undefined) return metric;
    const extra = { ...jsonOf(metric.extra), [MEMORY]: { ...memory, expression: markOf(value) } };
    return { ...metric, expression: value, extra: JSON.stringify(extra) };
  });
  const added = [...wanted.values()].map(({ name, label, expression }): DatasetMetric => {
    notes.text(name, "metric", null, expression, undefined);
    const extra = JSON.stringify({ [MEMORY]: { expression: markOf(expression) } });
    return { metric_name: name, verbose_name: label, expression, extra };
  });
  return [...told, ...added];
}

/** Who vouches for it is said where nobody else is. */
function certify(extra: Record<string, unknown>, said: Said, notes: Notes, { certifiedBy }: PlanOptions): void {
  const there = extra.certification as { certified_by?: string; details?: string } | undefined;
  if (!said.isCertified || (there?.certified_by && there.certified_by !== certifiedBy)) return;
  const details = `${counted(said.tests, "test")} ${said.tests === 1 ? "holds" : "hold"} it before it is published`;
  if (there?.details === details) return;
  notes.changes.push({ about: notes.about, what: "certification", to: `${certifiedBy}: ${details}` });
  extra.certification = { certified_by: certifiedBy, details };
}

function only(one: object, keys: readonly string[]): object {
  const known = Object.entries(one).filter(
    ([key, value]) => keys.includes(key) && value !== null && value !== undefined,
  );
  return Object.fromEntries(known);
}

/** Collects what changes and what stays. */
class Notes {
  readonly changes: Change[] = [];
  readonly kept: Change[] = [];
  readonly about: string;
  readonly #overwrite: boolean;

  constructor(about: string, { overwrite }: PlanOptions) {
    this.about = about;
    this.#overwrite = overwrite;
  }

  /** The text to write, where one is, and the mark of what then stands there of ours. */
  text(
    part: string,
    what: string,
    current: string | null | undefined,
    wanted: string | undefined,
    written: string | undefined,
  ) {
    const about = part === "" ? this.about : `${this.about}.${part}`;
    const verdict: Verdict = verdictOn(current, wanted, {
      ...(written === undefined ? {} : { written }),
      overwrite: this.#overwrite,
    });
    if (verdict === "same") return wanted === undefined ? { written } : { written: markOf(wanted) };
    const change: Change = { about, what, ...(current ? { from: current } : {}), to: wanted! };
    (verdict === "set" ? this.changes : this.kept).push(change);
    return verdict === "set" ? { value: wanted!, written: markOf(wanted!) } : { written };
  }
}
