import { LEDGERS } from "../model/declarations.ts";
import type { Action } from "../model/graph.ts";
import { nearest } from "../model/nearest.ts";
import { type Target, targetKey } from "../model/target.ts";
import { PRIVATE_SCHEMA } from "../sql/names.ts";

/** The name between the quotes of any language of the server's messages. */
const QUOTED = /["»«„“]([^"»«„“”]+)["»«„“”]/;

const SERVERS_OWN = /^(?:information_schema|pg_catalog)$/;

/** The command that lands what a file declares; undefined for one that is no source. */
export function landing(file: string, isCollected = false): string | undefined {
  const source = /^ingest\/(.+)\.ya?ml$/.exec(file)?.[1];
  return source && `dataform ${isCollected ? "collect" : "ingest"} ${source}`;
}

/** The relation with its schema that the server says is not there. */
export function namedMissing(message: string): Target | undefined {
  const [schema, name, ...more] = QUOTED.exec(message)?.[1]?.split(".") ?? [];
  return schema === undefined || name === undefined || more.length ? undefined : { schema, name };
}

/**
 * What to do about a column that the server says is not there, where a declaration of landing has it: a raw table that landed
 * before it was declared gets it with the next landing.
 * @param file the one of the action that reads it
 */
export function missingColumn(
  message: string,
  file: string | undefined,
  actions: readonly Action[],
): string | undefined {
  const named = QUOTED.exec(message)?.[1] ?? /[^\s.]\.([^\s.]+)/.exec(message)?.[1];
  const read = new Set(
    actions.filter((action) => action.file === file).flatMap(({ dependencies }) => dependencies.map(targetKey)),
  );
  for (const action of actions) {
    if (action.kind !== "declaration" || named === undefined || !action.lands?.includes(named)) continue;
    const [lander, key] = [action.landedBy!, targetKey(action.target)];
    if (read.has(key))
      return `${lander} declares ${named} of ${key}: where the table has not got it yet, ${landing(lander, action.isCollected) ?? "the next landing"} adds it, with new records or without`;
  }
  return undefined;
}

/** What to do about a relation that is not there, as far as its name and the project say it. */
export function missingRelation(message: string, actions: readonly Action[]): string | undefined {
  const missing = namedMissing(message);
  if (!missing) return undefined;
  const { schema, name } = missing;
  const known = actions.find(({ target }) => targetKey(target) === targetKey(missing));
  const { landedBy: lander, isCollected } = known?.kind === "declaration" ? known : {};
  if (lander !== undefined) return `nothing has landed there yet: ${landing(lander, isCollected) ?? `see ${lander}`}`;
  if (known) return undefined;
  if (LEDGERS.some((ledger) => ledger === name))
    return `landing makes it, with the first records of a source in schema ${schema}: dataform ingest <source>`;
  if (schema === PRIVATE_SCHEMA)
    return `schema ${schema} is dataform's own, and changes with each run: read the public views`;
  if (SERVERS_OWN.test(schema)) return `PostgreSQL itself has no such view: look ${name} up in its manual`;
  const targets = actions.map(({ target }) => target);
  const beside = targets.filter((target) => target.schema === schema);
  const found = nearest(
    name,
    beside.map((target) => target.name),
  );
  const other = beside.find((target) => target.name === found) ?? targets.find((target) => target.name === name);
  return other && `did you mean \${ref("${other.schema}", "${other.name}")}?`;
}
