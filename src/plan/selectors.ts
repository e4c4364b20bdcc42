import { UserError } from "../model/errors.ts";
import { type Action, type ActionKind, type CompiledGraph, isModel, type ProjectSettings } from "../model/graph.ts";
import { nearest } from "../model/nearest.ts";
import type { NamedSelections, Past, Result } from "../model/selection.ts";
import { targetKey } from "../model/target.ts";
import { fingerprint } from "../sql/fingerprint.ts";
import { dependenciesOf, dependentsOf } from "./order.ts";

/** What is chosen among. */
type Graph = Pick<CompiledGraph, "actions"> & {
  readonly project?: Partial<Pick<ProjectSettings, "name" | "schemaSuffix" | "tablePrefix">>;
  readonly past?: Past;
};

/** How words are read. */
interface Asked {
  /** Named in errors. */
  readonly flag: string;
  /** The keys that a name means. */
  readonly byName: (name: string) => readonly string[];
  readonly named: NamedSelections;
  /** The named selections that these words stand in. */
  readonly inside?: readonly string[];
}

/** One word of a selection: what it names, and how far around that it reaches. */
interface Term {
  readonly method: string;
  readonly value: string;
  /** Steps towards what it reads, and towards what reads it. */
  readonly up: number;
  readonly down: number;
  /** `@`: what reads it, and all that these read. */
  readonly whole: boolean;
}

const METHODS: Readonly<Record<string, (action: Action, matches: Matches, graph: Graph) => boolean>> = {
  tag: ({ tags }, matches) => tags.some(matches),
  path: ({ file }, matches) => pathsOf(file).some(matches),
  file: ({ file }, matches) => matches(file.slice(file.lastIndexOf("/") + 1)),
  type: (action, matches) => [action.kind, ...(isModel(action) ? ["model"] : [])].some(matches),
  schema: ({ target }, matches) => matches(target.schema),
  source: ({ kind, target }, matches) =>
    kind === "declaration" && [target.schema, targetKey(target)].some((name) => matches(name)),
  package: (action, matches, { project }) => matches(packageOf(action) ?? project?.name ?? "this"),
  state: (action, matches, { past }) => action.kind !== "declaration" && statesOf(action, past!).some(matches),
  result: ({ target }, matches, { past }) => resultsOf(past!.results[targetKey(target)]).some(matches),
};

/** Those that are asked of a database. */
const OF_PAST: ReadonlySet<string> = new Set(["state", "result"]);

/** Whether words are asked of the past, or of one kind of it. */
export function needsPast(
  words: readonly string[] = [],
  named: NamedSelections = new Map(),
  methods: Iterable<string> = OF_PAST,
): boolean {
  const all = [...words, ...[...named.values()].flatMap(({ select = [], exclude = [] }) => [...select, ...exclude])];
  const asks = new RegExp(`(?:^|[\\s,+@\\d])(?:${[...methods].join("|")}):`);
  return all.some((text) => asks.test(text));
}

/** As dbt has them: what is new is modified, too. */
function statesOf(action: Action, { code, now }: Past): readonly string[] {
  const key = targetKey(action.target);
  const published = code[key];
  if (published === undefined) return ["new", "modified"];
  return published === (now ? now[key] : fingerprint(action)) ? ["old", "unmodified"] : ["old", "modified"];
}

function resultsOf(result: Result | undefined): readonly string[] {
  if (!result) return [];
  const { status, error } = result;
  const others: Partial<Record<Result["status"], readonly string[]>> = {
    ok: ["success", "pass"],
    failed: [error ? "error" : "fail"],
    warned: ["warn"],
  };
  return [status, ...(others[status] ?? [])];
}

/** Methods of dbt that are called otherwise here, or are not there. */
const OTHERS: Readonly<Record<string, string>> = {
  resource_type: "here it is type:",
  fqn: "here it is a name, without a method",
  name: "here it is a name, without a method",
  config: "here it is type: or tag:",
  "config.materialized": "here it is type:",
  "config.tags": "here it is tag:",
  "config.schema": "here it is schema:",
  exposure: "here it is type:dashboard, or type:api",
  metric: "figures are of dashboards: type:dashboard",
  semantic_model: "figures are of dashboards: type:dashboard",
  saved_query: "figures are of dashboards: type:dashboard",
  test_type: "here it is type:assertion; unit tests are run by `dataform test`",
  test_name: "here it is a name: *_uniqueKey_*, *_rowConditions",
  unit_test: "unit tests are run by `dataform test`",
  source_status: "run --changed builds what reads rows that are others now",
  group: "here it is schema: or tag:",
  access: "here it is schema: or tag:",
  version: "a version is a model of its own name",
};

/** What `type:` may say, whether the project has it or not. */
const TYPES: Readonly<Record<ActionKind | "model", true>> = {
  ...{ view: true, table: true, incremental: true, model: true, operations: true, assertion: true },
  ...{ declaration: true, dashboard: true, api: true },
};

/** Values that a method may say, whether anything has them or not. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  type: Object.keys(TYPES),
  state: ["new", "modified", "old", "unmodified"],
  result: [
    ...["ok", "failed", "warned", "held", "skipped", "waiting"],
    ...["success", "pass", "error", "fail", "warn"],
  ],
};

type Matches = (text: string) => boolean;

/**
 * The keys that words of dbt's kind choose: each word is a list of terms with commas, which all have to hold, and one of the words has to.
 * @throws UserError for a method, a name or a value that nothing has
 */
export function chosenBy(graph: Graph, words: readonly string[], asked: Asked): Set<string> {
  const chosen = new Set<string>();
  for (const word of words.flatMap((text) => text.split(/\s+/)).filter(Boolean)) {
    const terms = word.split(",").map((text) => reached(graph, parsed(text, asked.flag), asked));
    const [first = new Set<string>(), ...others] = terms;
    for (const key of first) if (others.every((other) => other.has(key))) chosen.add(key);
  }
  return chosen;
}

/**
 * The keys that words, which `chosenBy` takes, name without a pattern, or by what came of them in the last run. What runs only
 * when it is named is meant by nothing else.
 */
export function namedBy(graph: Graph, words: readonly string[], asked: Asked): readonly string[] {
  const terms = words.flatMap((text) => text.split(/[\s,]+/)).filter(Boolean);
  return terms.flatMap((text) => {
    const term = parsed(text, asked.flag);
    if (term.method === "selector") return namedBy(graph, asked.named.get(term.value)?.select ?? [], asked);
    const isNamed = term.method === "result" || (term.method === "name" && !/[*?]/.test(term.value));
    return isNamed ? rootsOf(graph, term, asked) : [];
  });
}

function parsed(text: string, flag: string): Term {
  const match = /^(@|(\d*)\+)?(?:(\w+|config\.\w+):)?(.+?)(\+(\d*))?$/.exec(text);
  if (!match || match[4] === "+")
    throw new UserError({
      message: `${flag}: this is no selection`,
      expected: "a name, a pattern or method:value, with + before or behind it: +orders, 2+tag:daily, orders+1",
      found: text === "" ? "nothing between two commas" : text,
    });
  const [, before, up, method = "name", value = "", after, down] = match;
  const steps = (sign: string | undefined, count: string | undefined) =>
    sign === undefined || sign === "@" ? 0 : count ? Number(count) : Number.POSITIVE_INFINITY;
  return { method, value, up: steps(before, up), down: steps(after, down), whole: before === "@" };
}

function reached(graph: Graph, term: Term, asked: Asked): Set<string> {
  const roots = rootsOf(graph, term, asked);
  const found = new Set(roots);
  const add = (keys: Iterable<string>) => {
    for (const key of keys) found.add(key);
  };
  if (term.up) add(dependenciesOf(graph.actions, roots, term.up));
  if (term.down || term.whole) add(dependentsOf(graph.actions, roots, term.whole ? undefined : term.down));
  if (term.whole) add(dependenciesOf(graph.actions, [...found]));
  return found;
}

function rootsOf(graph: Graph, term: Term, asked: Asked): readonly string[] {
  if (term.method === "name") return asked.byName(term.value);
  return term.method === "selector" ? byNamed(graph, term.value, asked) : byMethod(graph, term, asked.flag);
}

function byNamed(graph: Graph, name: string, asked: Asked): readonly string[] {
  const { named, inside = [], flag } = asked;
  const selection = named.get(name);
  const meant = nearest(name, named.keys());
  if (!selection)
    throw new UserError({
      message: `${flag}: no selection is called ${name}`,
      expected: [...named.keys()].join(", ") || "a name of selectors.yaml, which has none",
      found: name,
      ...(meant === undefined ? {} : { hint: `did you mean selector:${meant}?` }),
    });
  if (inside.includes(name))
    throw new UserError({
      message: "a selection of selectors.yaml is a part of itself",
      found: [...inside, name].join(" → "),
    });
  const within = { ...asked, flag: `selectors.yaml, ${name}`, inside: [...inside, name] };
  const { select, exclude = [] } = selection;
  const chosen = select
    ? chosenBy(graph, select, within)
    : new Set(graph.actions.map(({ target }) => targetKey(target)));
  const excluded = chosenBy(graph, exclude, within);
  return [...chosen].filter((key) => !excluded.has(key));
}

function byMethod(graph: Graph, { method, value }: Term, flag: string): readonly string[] {
  if (!Object.hasOwn(METHODS, method)) throw unknownMethod(flag, method);
  if (OF_PAST.has(method) && !graph.past)
    throw new UserError({
      message: `${flag}: ${method}: is asked of what a database has`,
      found: `${method}:${value}`,
      hint: "run, plan and ls take it",
    });
  const found = graph.actions.filter((action) => METHODS[method]!(action, pattern(value), graph));
  if (found.length || VALUES[method]?.includes(value)) return found.map(({ target }) => targetKey(target));
  const there = () => graph.actions.flatMap((action) => valuesOf(method, action, graph));
  const known = VALUES[method] ?? [...new Set(there())].sort();
  // Of dbt's `state:modified.body` and its kind the parts are not told apart.
  const meant = nearest(value, known) ?? nearest(value.split(".")[0]!, known);
  throw new UserError({
    message: `${flag}: no action has ${method}:${value}`,
    expected: known.length ? `${method}: ${shortened(known)}` : `the project has no ${method}`,
    found: value,
    ...(meant === undefined ? {} : { hint: `did you mean ${method}:${meant}?` }),
  });
}

function unknownMethod(flag: string, method: string): UserError {
  const known = [...Object.keys(METHODS), "selector"];
  const meant = nearest(method, known);
  const hint = Object.hasOwn(OTHERS, method) ? OTHERS[method] : meant && `did you mean ${meant}:?`;
  return new UserError({
    message: `${flag}: ${method}: is no way to choose`,
    expected: `${known.join(":, ")}:, or a name`,
    found: `${method}:`,
    ...(hint ? { hint } : {}),
  });
}

/** Every value by which a method finds the action. */
function valuesOf(method: string, action: Action, graph: Graph): readonly string[] {
  const values: string[] = [];
  METHODS[method]!(
    action,
    (text) => {
      values.push(text);
      return false;
    },
    graph,
  );
  return values;
}

function pattern(value: string): Matches {
  const text = value.replace(/\/$/, "");
  const source = text
    .replaceAll(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  const expression = new RegExp(`^${source}$`);
  return (one) => expression.test(one);
}

/** A file, and every folder that it is in: `definitions/` may be left out. */
function pathsOf(file: string): readonly string[] {
  const parts = file.split("/");
  const folders = parts.map((_, index) => parts.slice(0, index + 1).join("/"));
  return folders.flatMap((path) => [path, ...(path.startsWith("definitions/") ? [path.slice(12)] : [])]);
}

function packageOf(action: Action): string | undefined {
  return action.package ?? /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(action.file)?.[1];
}

function shortened(values: readonly string[]): string {
  const most = 10;
  return values.length > most
    ? `${values.slice(0, most).join(", ")}, and ${values.length - most} more`
    : values.join(", ");
}
