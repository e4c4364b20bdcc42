import { relation } from "../../sql/authored.ts";
import { type Sql, sql } from "../../sql/sql.ts";
import { fail, foundOf, isText } from "./check-options.ts";

// What a packaged function uses of Dataform's own JavaScript: globals where a project is compiled.

/** The name of an action as in `ref()`. */
export type Name =
  | string
  | readonly [schema: string, name: string]
  | { readonly schema?: string; readonly name: string };

/** What a query is made with. */
export interface Context {
  ref(name: Name): string;
  /** The same, without reading it. */
  resolve(name: Name): string;
  self(): string;
  incremental(): boolean;
}

/** An action that was made: what more can be said of it. */
export interface Action {
  query(query: (context: Context) => string): Action;
  preOps(statements: string | readonly string[] | ((context: Context) => string | readonly string[])): Action;
  postOps(statements: string | readonly string[] | ((context: Context) => string | readonly string[])): Action;
}

interface Globals {
  publish(name: string, config: object): Action;
  assert(name: string, config: object): Action;
  declare(config: object): void;
  readonly dataform?: {
    readonly projectConfig?: { readonly defaultSchema?: string; readonly vars?: Readonly<Record<string, string>> };
  };
}

const globals = globalThis as unknown as Globals;

/** A model whose query is a value of ours. */
export function publishModel(name: string, config: object, query: (context: Context) => Sql): Action {
  return globals.publish(name, config).query((context) => query(context).toString());
}

/** An assertion whose query is a value of ours. */
export function assertModel(name: string, config: object, query: (context: Context) => Sql): Action {
  return globals.assert(name, config).query((context) => query(context).toString());
}

/** A table that others fill. */
export function declareTable(target: { readonly schema: string; readonly name: string }): void {
  globals.declare(target);
}

/** What is said of every model and assertion that one call makes. */
export interface Made {
  readonly schema?: string | undefined;
  readonly tags?: readonly string[];
}

/** The config that they share. */
export function modelOf({ schema, tags = [] }: Made): { readonly schema?: string; readonly tags: readonly string[] } {
  return { ...(schema ? { schema } : {}), tags };
}

/** One of them by its name, as in `ref()`. With its schema: a raw table, or another model, may be called the same. */
export function nameIn(made: Made, name: string): { readonly schema?: string; readonly name: string } {
  const schema = made.schema ?? globals.dataform?.projectConfig?.defaultSchema;
  return { ...(schema ? { schema } : {}), name };
}

/** A project variable, of `vars` in the project's settings or of `--vars`; undefined where it is not set. */
export function projectVar(name: string): string | undefined {
  const vars = globals.dataform?.projectConfig?.vars ?? {};
  return Object.hasOwn(vars, name) ? String(vars[name]) : undefined;
}

/** The target that a name of `ref()` says, schema left out where it is the project's own. */
export function targetOf(name: Name | undefined): { readonly schema?: string; readonly name: string } | undefined {
  if (typeof name === "string") return { name };
  if (Array.isArray(name)) return { schema: name[0] as string, name: name[1] as string };
  return (name ?? undefined) as { readonly schema?: string; readonly name: string } | undefined;
}

/** Whether it is a name as in `ref()`, and nothing more: a third part would mean nothing. */
function isName(given: unknown): given is Name {
  if (Array.isArray(given)) return given.length === 2 && given.every(isText);
  if (typeof given !== "object" || given === null) return isText(given);
  const { schema, name, ...more } = given as Readonly<Record<string, unknown>>;
  return isText(name) && (schema === undefined || isText(schema)) && !Object.keys(more).length;
}

/**
 * The target that an option says by a name of `ref()`.
 * @throws Error for what is no such name
 */
export function namedTarget(caller: string, given: unknown, where: string): NonNullable<ReturnType<typeof targetOf>> {
  if (isName(given)) return targetOf(given)!;
  return fail(caller, `needs ${where}: a name, [schema, name] or { schema, name }, found ${foundOf(given)}`);
}

/** The relation that a name of `ref()` means where a query is made; `what` it is, for a message. */
export function referTo(context: Context, name: Name, what: string): Sql {
  const found = context.ref(targetOf(name)!);
  // What is not there is told by the compiler, which gives no text for it.
  return found === "" ? sql`(select)` : relation(found, what);
}

/**
 * The relation that an input means. Refused is what the call makes itself: an input that nothing declares may have the name of
 * an output.
 * @param made the names of its outputs, in the schema of its models
 */
export function inputTo(
  context: Context,
  name: Name,
  what: string,
  { made: outputs, ...model }: Made & { readonly made: readonly string[] },
): Sql {
  const target = targetOf(name)!;
  const own = nameIn(model, target.name);
  const isOwn = outputs.includes(target.name) && context.resolve(own) === context.resolve(target);
  if (!isOwn) return referTo(context, name, what);
  const [made, asked] = [`${own.schema === undefined ? "" : `${own.schema}.`}${own.name}`, JSON.stringify(own.name)];
  throw new Error(
    `${what}: ${made} is made by this call, and ${asked} alone means it. Say the schema of the table that is meant: ["raw", ${asked}] of one that ingest/*.yaml lands; declare what no file lands; or give one of the two another name`,
  );
}
