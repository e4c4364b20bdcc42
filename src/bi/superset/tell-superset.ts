import { UserError } from "../../model/errors.ts";
import type { CompiledGraph } from "../../model/graph.ts";
import { nearest } from "../../model/nearest.ts";
import type { BiReport, Change } from "../merge.ts";
import { hiddenSchemas, type Said, saidOf } from "../said.ts";
import { planDataset } from "./dataset.ts";
import type { DatasetEntry, Superset } from "./superset-api.ts";

export interface TellSuperset {
  readonly graph: CompiledGraph;
  readonly project: string;
  /** The name of the database in Superset; where it has one of PostgreSQL only, that one. */
  readonly database?: string;
  /** A role whose readers are to see the schemas of marts. */
  readonly role?: string;
  /** Registers relations that are no datasets yet. */
  readonly create: boolean;
  readonly overwrite: boolean;
  readonly dryRun: boolean;
}

/** Tells Superset what the project says of its relations. Reads everything first; every list it sends is whole. */
export async function tellSuperset(superset: Superset, options: TellSuperset): Promise<BiReport> {
  const { graph, dryRun } = options;
  const database = await databaseOf(superset, options.database);
  const hidden = new Set(hiddenSchemas(graph));
  const datasets = (await superset.datasets(database.id)).filter(({ kind }) => kind === "physical");
  const bySaid = new Map(datasets.map((entry) => [`${entry.schema}.${entry.table_name}`, entry]));
  const changes: Change[] = [];
  const kept: Change[] = [];
  const missing: string[] = [];
  const all = saidOf(graph);
  for (const said of all) {
    const about = `${said.target.schema}.${said.target.name}`;
    const entry =
      bySaid.get(about) ?? (await registered(superset, database.id, said, { ...options, hidden, changes, missing }));
    if (!entry) continue;
    const told = await tellDataset(superset, entry, said, options);
    changes.push(...told.changes);
    kept.push(...told.kept);
  }
  const isAnyKnown = all.some(({ target: { schema, name } }) => bySaid.has(`${schema}.${name}`));
  if (missing.length && !isAnyKnown && !options.create)
    throw nothingKnown(superset, database.database_name, missing, datasets);
  const notes = datasets
    .filter(({ schema }) => schema !== null && hidden.has(schema))
    .map(({ schema, table_name }) => `${schema}.${table_name} is a dataset, and its schema is not for readers`);
  if (options.role !== undefined)
    notes.push(
      ...(await tellRole(superset, options.role, database.database_name, { ...options, hidden, changes, said: all })),
    );
  return { version: 1, tool: "Superset", toolVersion: superset.version, dryRun, changes, kept, missing, notes };
}

async function databaseOf(superset: Superset, name: string | undefined) {
  const all = await superset.databases();
  const own = all.filter(({ backend }) => backend === "postgresql");
  const found = name === undefined ? own : all.filter(({ database_name }) => database_name === name);
  if (found.length === 1) return found[0]!;
  const suggestion =
    name === undefined
      ? undefined
      : nearest(
          name,
          all.map(({ database_name }) => database_name),
        );
  throw new UserError({
    message:
      name === undefined
        ? `Superset knows ${own.length || "no"} databases of PostgreSQL, and which of them is meant nobody said`
        : `Superset knows no database ${name}`,
    expected: all.map(({ database_name }) => database_name).join(", ") || "a database, connected in Superset",
    found: name ?? "no --database",
    hint: suggestion ? `did you mean ${suggestion}?` : "--database says which; docs/bi.md tells how to connect one",
  });
}

interface Registering extends TellSuperset {
  readonly hidden: ReadonlySet<string>;
  readonly changes: Change[];
  readonly missing: string[];
}

/** A relation of readers that is no dataset yet, made one where that is asked for. */
async function registered(
  superset: Superset,
  database: number,
  { target }: Said,
  { create, dryRun, hidden, changes, missing }: Registering,
): Promise<Pick<DatasetEntry, "id"> | undefined> {
  const about = `${target.schema}.${target.name}`;
  if (hidden.has(target.schema)) return undefined;
  if (!create) {
    missing.push(about);
    return undefined;
  }
  const id = dryRun ? undefined : await superset.create(database, target.schema, target.name);
  if (id === undefined && !dryRun) {
    missing.push(about);
    return undefined;
  }
  changes.push({ about, what: "dataset", to: "registered" });
  return id === undefined ? undefined : { id };
}

async function tellDataset(
  superset: Superset,
  { id }: Pick<DatasetEntry, "id">,
  said: Said,
  { project, overwrite, dryRun }: TellSuperset,
): Promise<{ readonly changes: readonly Change[]; readonly kept: readonly Change[] }> {
  let dataset = await superset.dataset(id);
  const before = new Map(
    dataset.columns.flatMap(({ column_name, description }) => (description ? [[column_name, description]] : [])),
  );
  const known = new Set(dataset.columns.map(({ column_name }) => column_name));
  const added = said.columns.filter(({ name }) => !known.has(name)).map(({ name }) => name);
  const about = `${said.target.schema}.${said.target.name}`;
  if (added.length && !dryRun) {
    await superset.put(`/api/v1/dataset/${id}/refresh`);
    dataset = await superset.dataset(id);
  }
  const reread = added.filter((name) => dryRun || dataset.columns.some(({ column_name }) => column_name === name));
  const plan = planDataset(dataset, said, { overwrite, certifiedBy: project, before });
  if (plan.body && !dryRun) await superset.put(`/api/v1/dataset/${id}?override_columns=false`, { body: plan.body });
  return {
    ...plan,
    changes: [
      ...reread.map((name) => ({ about: `${about}.${name}`, what: "column", to: "read again" })),
      ...plan.changes,
    ],
  };
}

function nothingKnown(
  superset: Superset,
  database: string,
  missing: readonly string[],
  datasets: readonly DatasetEntry[],
) {
  return new UserError({
    message: `Superset at ${superset.api.address} has no dataset of this project in database ${database}`,
    expected: missing.slice(0, 5).join(", "),
    found:
      datasets
        .slice(0, 5)
        .map(({ schema, table_name }) => `${schema}.${table_name}`)
        .join(", ") || "no dataset",
    hint: "--create registers those that readers may see; or is --database another one?",
  });
}

interface Granting extends TellSuperset {
  readonly hidden: ReadonlySet<string>;
  readonly changes: Change[];
  readonly said: readonly Said[];
}

/** Lets a role see the schemas of marts. What it may see besides stays, and is told. */
async function tellRole(
  superset: Superset,
  name: string,
  database: string,
  { hidden, changes, said, dryRun }: Granting,
): Promise<readonly string[]> {
  const roles = await superset.roles();
  const role = roles.find((one) => one.name === name);
  if (!role)
    throw new UserError({
      message: `Superset has no role ${name}`,
      expected: roles.map((one) => one.name).join(", "),
      found: name,
      hint: "make it in Superset (Settings, List Roles), or name another one with --role",
    });
  const rights = await superset.rightsOf(role.id);
  const known = await superset.schemaRights();
  const held = rights
    .filter(({ permission_name }) => permission_name === "schema_access")
    .map(({ view_menu_name }) => view_menu_name);
  const isOf = (right: string, schema: string) => right.startsWith(`[${database}].`) && right.endsWith(`.[${schema}]`);
  const shown = [...new Set(said.map(({ target }) => target.schema))].filter((schema) => !hidden.has(schema));
  const lacking = shown.filter((schema) => !held.some((right) => isOf(right, schema)));
  const found = lacking.map((schema) => [schema, [...known].find(([right]) => isOf(right, schema))] as const);
  for (const [schema, right] of found) if (right) changes.push({ about: `role ${name}`, what: "schema", to: schema });
  const ids = found.flatMap(([, right]) => (right ? [right[1]] : []));
  if (ids.length && !dryRun) await superset.setRights(role.id, [...rights.map(({ id }) => id), ...ids]);
  return [
    ...found.flatMap(([schema, right]) =>
      right
        ? []
        : [
            `Superset does not know schema ${schema} yet: open the database's settings there and save, and run this again`,
          ],
    ),
    ...[...hidden].flatMap((schema) =>
      held.some((right) => isOf(right, schema))
        ? [`role ${name} may see schema ${schema}, which is not for readers`]
        : [],
    ),
  ];
}
