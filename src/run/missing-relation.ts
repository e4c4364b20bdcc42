import { LEDGERS } from "../model/declarations.ts";
import type { Action } from "../model/graph.ts";
import { nearest } from "../model/nearest.ts";
import { type Target, targetKey } from "../model/target.ts";
import { PRIVATE_SCHEMA } from "../sql/names.ts";

/** The name between the quotes of any language of the server's messages. */
const QUOTED = /["»«„“]([^"»«„“”]+)["»«„“”]/;

const SERVERS_OWN = /^(?:information_schema|pg_catalog)$/;

/** The command that lands what a file declares; undefined for one that is no source. */
export function landing(file: string): string | undefined {
  const source = /^ingest\/(.+)\.ya?ml$/.exec(file)?.[1];
  return source && `dataform ingest ${source}`;
}

/** The relation with its schema that the server says is not there. */
export function namedMissing(message: string): Target | undefined {
  const [schema, name, ...more] = QUOTED.exec(message)?.[1]?.split(".") ?? [];
  return schema === undefined || name === undefined || more.length ? undefined : { schema, name };
}

/** What to do about a relation that is not there, as far as its name and the project say it. */
export function missingRelation(message: string, actions: readonly Action[]): string | undefined {
  const missing = namedMissing(message);
  if (!missing) return undefined;
  const { schema, name } = missing;
  const known = actions.find(({ target }) => targetKey(target) === targetKey(missing));
  const lander = known?.kind === "declaration" ? known.landedBy : undefined;
  if (lander !== undefined) return `nothing has landed there yet: ${landing(lander) ?? `see ${lander}`}`;
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
