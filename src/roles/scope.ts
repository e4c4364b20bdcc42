import { UserError } from "../model/errors.ts";
import { type Action, type CompiledGraph, isModel } from "../model/graph.ts";
import type { Statement } from "../model/plan.ts";
import { DEFAULT_PREFIX, roleName } from "../model/roles.ts";
import { compareTargets, type Target, targetKey } from "../model/target.ts";
import { PRIVATE_SCHEMA } from "../sql/names.ts";

export interface RoleOptions {
  /**
   * The roles are `<prefix>_loader` and so on. Roles belong to the whole server.
   * @default "df"
   */
  readonly prefix?: string | undefined;
  /**
   * Where `dataform ingest` lands.
   * @default ["raw"]
   */
  readonly rawSchemas?: readonly string[] | undefined;
  /**
   * Published schemas that readers may read.
   * @default all of them
   */
  readonly readerSchemas?: readonly string[] | undefined;
}

export interface RoleStatement extends Statement {
  /** Why it is there, for the administrator who is to send it. */
  readonly why: string;
}

/** What the statements are about. */
export interface RoleScope {
  readonly prefix: string;
  readonly loader: string;
  readonly builder: string;
  readonly publisher: string;
  readonly reader: string;
  readonly server: string;
  readonly rawSchemas: readonly string[];
  /** Schemas the project publishes into. */
  readonly publicSchemas: readonly string[];
  readonly readerSchemas: readonly string[];
  /** Relations that operations make under their own name. */
  readonly outputs: readonly Target[];
  /** Declared relations that are not landed by `dataform ingest`. Of the record of runs each run lends what is declared. */
  readonly sources: readonly Target[];
  /** Declared relations that endpoints answer from. */
  readonly served: readonly Target[];
}

/** @throws UserError when the options do not fit the project. */
export function roleScope(graph: CompiledGraph, options: RoleOptions): RoleScope {
  const prefix = checkPrefix(options.prefix ?? DEFAULT_PREFIX);
  const actions = graph.actions.filter(({ disabled }) => !disabled);
  const outputs = actions.filter((action) => action.kind === "operations" && action.hasOutput);
  const published = [...actions.filter(isModel), ...outputs];
  const publicSchemas = [...new Set(published.map(({ target }) => target.schema))].sort();
  const readerSchemas = options.readerSchemas ?? publicSchemas;
  const wrong = readerSchemas.find((schema) => !publicSchemas.includes(schema));
  if (wrong !== undefined) {
    throw new UserError({
      message: `readers cannot be given schema ${wrong}: the project publishes nothing into it`,
      expected: publicSchemas.length ? `some of ${publicSchemas.join(", ")}` : "a project with models",
    });
  }
  const rawSchemas = options.rawSchemas ?? ["raw"];
  const elsewhere = ({ schema }: Target) =>
    !rawSchemas.includes(schema) && schema !== PRIVATE_SCHEMA && !/^(?:pg_|information_schema$)/.test(schema);
  return {
    prefix,
    loader: roleName(prefix, "loader"),
    builder: roleName(prefix, "builder"),
    publisher: roleName(prefix, "publisher"),
    reader: roleName(prefix, "reader"),
    server: roleName(prefix, "server"),
    rawSchemas: checkRaw(rawSchemas),
    publicSchemas,
    readerSchemas,
    outputs: outputs.map(({ target }) => target).sort(compareTargets),
    sources: actions
      .filter(({ kind, target }) => kind === "declaration" && elsewhere(target))
      .map(({ target }) => target)
      .sort(compareTargets),
    served: servedDeclarations(actions),
  };
}

function servedDeclarations(actions: readonly Action[]): readonly Target[] {
  const declared = new Map(
    actions.flatMap(({ kind, target }) => (kind === "declaration" ? [[targetKey(target), target] as const] : [])),
  );
  const read = actions.flatMap((action) => (action.kind === "api" ? action.endpoints.map(({ reads }) => reads) : []));
  const served = new Set(read.map(targetKey));
  return [...declared].flatMap(([key, target]) => (served.has(key) ? [target] : [])).sort(compareTargets);
}

function checkPrefix(prefix: string): string {
  if (/^(?!pg_)[a-z_][a-z0-9_]{0,49}$/.test(prefix)) return prefix;
  throw new UserError({
    message: "this cannot be the prefix of roles",
    expected: "up to 50 small letters, digits and _, not beginning with a digit or pg_",
    found: prefix,
  });
}

/** The loader owns what it lands, so it must not land where others keep what it may not touch. */
function checkRaw(schemas: readonly string[]): readonly string[] {
  if (!schemas.includes(PRIVATE_SCHEMA)) return schemas;
  throw new UserError({ message: `raw data cannot be landed in ${PRIVATE_SCHEMA}`, hint: "name another schema" });
}
