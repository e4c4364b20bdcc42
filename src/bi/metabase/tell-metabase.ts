import { UserError } from "../../model/errors.ts";
import type { CompiledGraph } from "../../model/graph.ts";
import { nearest } from "../../model/nearest.ts";
import type { Target } from "../../model/target.ts";
import { type BiReport, type Change, verdictOn } from "../merge.ts";
import { hiddenSchemas, type Said, saidOf } from "../said.ts";
import type { Metabase, Table } from "./metabase-api.ts";

export interface TellMetabase {
  readonly graph: CompiledGraph;
  /** The name of the database in Metabase; where it has one of PostgreSQL only, that one. */
  readonly database?: string;
  readonly overwrite: boolean;
  readonly dryRun: boolean;
}

/** Tells Metabase what the project says of its relations: what is empty is filled, what people said stays. */
export async function tellMetabase(metabase: Metabase, options: TellMetabase): Promise<BiReport> {
  const { graph, dryRun } = options;
  const database = await databaseOf(metabase, options.database);
  const hidden = new Set(hiddenSchemas(graph));
  const said = saidOf(graph);
  const readable = said.filter(({ target }) => !hidden.has(target.schema));
  const tables = await metabase.tables(database.id);
  const notes: string[] = [];
  if (!dryRun && !isKnown(tables, readable)) {
    await metabase.sync(database.id);
    notes.push("Metabase was asked to look at the schema, which takes it a while: run this again for what is new");
  }
  const missing = readable.filter(({ target }) => !find(tables, target)).map(({ target }) => nameOf(target));
  if (missing.length && missing.length === readable.length)
    throw nothingKnown(metabase, database.name, missing, tables);
  const changes: Change[] = [];
  const kept: Change[] = [];
  for (const one of said) {
    const table = find(tables, one.target);
    if (!table) continue;
    const plan = planTable(table, one, options);
    changes.push(...plan.changes);
    kept.push(...plan.kept);
    if (dryRun) continue;
    if (plan.description !== undefined) await metabase.table(table.id, { description: plan.description });
    for (const [id, change] of plan.fields) await metabase.field(id, change);
  }
  // A foreign key points at a field that is a key by now.
  for (const one of said) {
    const plan = planReferences(one, { tables, said }, options);
    changes.push(...plan.changes);
    kept.push(...plan.kept);
    if (!dryRun) for (const [id, change] of plan.fields) await metabase.field(id, change);
  }
  const shown = tables.filter(
    ({ schema, visibility_type }) => schema !== null && hidden.has(schema) && visibility_type === null,
  );
  for (const { schema, name } of shown) changes.push({ about: `${schema}.${name}`, what: "visibility", to: "hidden" });
  if (shown.length && !dryRun) await metabase.hide(shown.map(({ id }) => id));
  return { version: 1, tool: "Metabase", toolVersion: metabase.version, dryRun, changes, kept, missing, notes };
}

const nameOf = ({ schema, name }: Target): string => `${schema}.${name}`;

function find(tables: readonly Table[], { schema, name }: Target): Table | undefined {
  return tables.find((table) => table.schema === schema && table.name === name);
}

async function databaseOf(metabase: Metabase, name: string | undefined) {
  const all = await metabase.databases();
  const own = all.filter((one) => (name === undefined ? one.engine === "postgres" : one.name === name));
  if (own.length === 1) return own[0]!;
  const names = all.map((one) => one.name);
  const suggestion = name === undefined ? undefined : nearest(name, names);
  throw new UserError({
    message:
      name === undefined
        ? `Metabase knows ${own.length || "no"} databases of PostgreSQL, and which of them is meant nobody said`
        : `Metabase knows no database ${name}`,
    expected: names.join(", ") || "a database, connected in Metabase",
    found: name ?? "no --database",
    hint: suggestion ? `did you mean ${suggestion}?` : "--database says which; docs/bi.md tells how to connect one",
  });
}

/** Whether Metabase has seen all that is published. Columns that nobody describes need nothing. */
function isKnown(tables: readonly Table[], said: readonly Said[]): boolean {
  return said.every(({ target, columns }) => {
    const fields = find(tables, target)?.fields.map(({ name }) => name);
    return fields !== undefined && columns.every(({ name }) => fields.includes(name));
  });
}

function nothingKnown(metabase: Metabase, database: string, missing: readonly string[], tables: readonly Table[]) {
  return new UserError({
    message: `Metabase at ${metabase.api.address} has no relation of this project in database ${database}`,
    expected: missing.slice(0, 5).join(", "),
    found:
      tables
        .slice(0, 5)
        .map(({ schema, name }) => `${schema}.${name}`)
        .join(", ") || "no table",
    hint: "publish them with `dataform run`; may its login read them, and is --database another one?",
  });
}

type FieldChanges = ReadonlyMap<number, Readonly<Record<string, unknown>>>;

interface TablePlan {
  readonly description?: string;
  readonly fields: FieldChanges;
  readonly changes: readonly Change[];
  readonly kept: readonly Change[];
}

const KEY = "type/PK";
const REFERENCE = "type/FK";

/** Descriptions, labels and keys of one relation. */
function planTable(table: Table, said: Said, { overwrite }: TellMetabase): TablePlan {
  const [changes, kept]: Change[][] = [[], []];
  const about = nameOf(said.target);
  const judge = (
    part: string,
    what: string,
    current: string | null,
    wanted: string | undefined,
  ): string | undefined => {
    const verdict = verdictOn(current, wanted, { overwrite });
    if (verdict === "same") return undefined;
    const change = { about: `${about}${part}`, what, ...(current ? { from: current } : {}), to: wanted! };
    (verdict === "set" ? changes! : kept!).push(change);
    return verdict === "set" ? wanted : undefined;
  };
  const description = judge("", "description", table.description, said.description);
  const fields = new Map<number, Record<string, unknown>>();
  for (const field of table.fields) {
    const column = said.columns.find(({ name }) => name === field.name);
    const isOwnName = field.display_name === humanized(field.name);
    const change = {
      description: judge(`.${field.name}`, "description", field.description, column?.description),
      display_name: judge(`.${field.name}`, "label", isOwnName ? null : field.display_name, column?.label),
      semantic_type: said.key.includes(field.name)
        ? judge(`.${field.name}`, "key", guessed(field.semantic_type), KEY)
        : undefined,
    };
    const known = Object.entries(change).filter(([, value]) => value !== undefined);
    if (known.length) fields.set(field.id, Object.fromEntries(known));
  }
  return { ...(description === undefined ? {} : { description }), fields, changes: changes!, kept: kept! };
}

interface Known {
  readonly tables: readonly Table[];
  readonly said: readonly Said[];
}

/** Foreign keys that the project declares, each to the field that is the key of its table: Metabase knows no other. */
function planReferences(from: Said, { tables, said }: Known, { overwrite }: TellMetabase): TablePlan {
  const [changes, kept]: Change[][] = [[], []];
  const fields = new Map<number, Record<string, unknown>>();
  for (const { column, target, targetColumn } of from.references) {
    const [name, ...more] = said.find((one) => nameOf(one.target) === nameOf(target))?.key ?? [];
    const field = find(tables, from.target)?.fields.find((one) => one.name === column);
    const key = find(tables, target)?.fields.find((one) => one.name === name);
    const isOwnKey = from.key.length === 1 && from.key[0] === column;
    if (!field || !key || more.length || isOwnKey || (targetColumn !== undefined && targetColumn !== name)) continue;
    if (field.semantic_type === REFERENCE && field.fk_target_field_id === key.id) continue;
    const isFree = overwrite || guessed(field.semantic_type) === null;
    (isFree ? changes! : kept!).push({
      about: `${nameOf(from.target)}.${column}`,
      what: "foreign key",
      to: `${nameOf(target)}.${key.name}`,
    });
    if (isFree) fields.set(field.id, { semantic_type: REFERENCE, fk_target_field_id: key.id });
  }
  return { fields, changes: changes!, kept: kept! };
}

/** What Metabase guesses of a column by its name or its values is nobody's word. */
function guessed(type: string | null): string | null {
  return type === null ||
    /^type\/(?:Category|Quantity|Score|Title|Name|Description|FK|Source|Birthdate|Creation\w+)$/.test(type)
    ? null
    : type;
}

/** As Metabase calls a column by itself: customer_id is Customer ID. */
function humanized(name: string): string {
  const words = name.split(/[_\-\s]+/).filter(Boolean);
  return words.map((word) => (/^id$/i.test(word) ? "ID" : `${word[0]!.toUpperCase()}${word.slice(1)}`)).join(" ");
}
