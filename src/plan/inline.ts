import { UserError } from "../model/errors.ts";
import { type Action, type CompiledGraph, isModel } from "../model/graph.ts";
import { type Target, targetKey } from "../model/target.ts";
import { select } from "../sql/authored.ts";
import { relationId } from "../sql/identifiers.ts";
import { MARK, type Replacement, resolveReferences } from "../sql/references.ts";
import { queryIn } from "../sql/split.ts";
import { sql } from "../sql/sql.ts";
import { meaningful, type Token } from "../sql/tokens.ts";
import { publicNames } from "./authored-statements.ts";
import { matching } from "./select.ts";

/** A query that can be read now, and the models whose own query stands in it, since nothing of them is published. */
export interface Inlined {
  readonly sql: string;
  readonly unbuilt: readonly string[];
}

/** Whether a relation of that key is there to be read. */
type IsThere = (key: string) => boolean;

/**
 * A query with names in it as it can be read now: what is there is read, what was never built is its query.
 * @throws UserError for what cannot be read, such as what operations make
 */
export function inlined(graph: CompiledGraph, text: string, isThere: IsThere): Inlined {
  const actions = new Map(graph.actions.map((action) => [targetKey(action.target), action]));
  const unbuilt = new Set<string>();
  const filledIn = (query: string): string => resolveReferences(queryIn(query), resolve);
  const resolve = (target: Target): Replacement => {
    const key = targetKey(target);
    const action = actions.get(key);
    if (!action || isThere(key) || action.kind === "declaration") return publicNames(target);
    if (!isModel(action)) throw notBuilt(key, action);
    unbuilt.add(key);
    const query = sql`(${select(filledIn(action.query), key)})`;
    return { sql: query.toString(), renamed: true };
  };
  return { sql: filledIn(text), unbuilt: [...unbuilt] };
}

function notBuilt(key: string, { file, kind }: Action): UserError {
  return new UserError({
    message: `${key} is not there, and has no query that could stand in its place`,
    location: { file },
    found: kind,
    hint: `dataform run --actions ${key}`,
  });
}

/**
 * A text with `ref("name")` in it, as the project means these names: marked, as compiled SQL has them.
 * @throws UserError for a name that nothing has
 */
export function withReferences(graph: CompiledGraph, text: string): string {
  const tokens = meaningful(text);
  const keys = graph.actions.map(({ target }) => targetKey(target));
  const edits: { readonly start: number; readonly end: number; readonly key: string }[] = [];
  for (let at = 0; at < tokens.length; at++) {
    const names = namesAt(tokens, at);
    if (!names) continue;
    const last = at + names.length * 2 + 1;
    const isWrapped = tokens[at - 1]?.text === "{" && tokens[at - 2]?.text === "$" && tokens[last + 1]?.text === "}";
    const from = tokens[isWrapped ? at - 2 : at]!;
    const to = tokens[isWrapped ? last + 1 : last]!;
    edits.push({ start: from.start, end: to.start + to.text.length, key: keyOf(names, keys, graph) });
    at = last;
  }
  const marked = (key: string) => {
    const { target } = graph.actions.find((action) => targetKey(action.target) === key)!;
    return relationId({ ...target, schema: `${MARK}${target.schema}` }).toString();
  };
  return edits.reduceRight((sql, { start, end, key }) => sql.slice(0, start) + marked(key) + sql.slice(end), text);
}

/** The names in `ref("schema", "name")` that begins at a token; undefined where none does. */
function namesAt(tokens: readonly Token[], at: number): string[] | undefined {
  if (tokens[at]?.text !== "ref" || tokens[at + 1]?.text !== "(") return undefined;
  const names: string[] = [];
  for (let next = at + 2; ; next += 2) {
    const { kind, text = "" } = tokens[next] ?? {};
    if ((kind !== "string" && kind !== "quoted") || !/^['"]/.test(text)) return undefined;
    names.push(text.slice(1, -1));
    const after = tokens[next + 1]?.text;
    if (after === ")") return names;
    if (after !== ",") return undefined;
  }
}

function keyOf(names: readonly string[], keys: readonly string[], { project }: CompiledGraph): string {
  const name = names.slice(-2).join(".");
  if (names.length > 1 && project.schemaSuffix) {
    const suffixed = `${names.at(-2)}_${project.schemaSuffix}.${names.at(-1)}`;
    if (keys.includes(suffixed)) return suffixed;
  }
  return matching("ref()", name, keys)[0]!;
}
