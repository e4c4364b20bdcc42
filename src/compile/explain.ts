import { UserError } from "../model/errors.ts";
import { nearest } from "../model/nearest.ts";
import type { ProjectFiles } from "./project.ts";
import type { CoreError, CoreGraph, SandboxAnswer } from "./sandbox.ts";
import { escapePattern, findInSource } from "./source.ts";

const knownProperties =
  "type name schema dataset database project tags description columns dependencies dependOnDependencyAssertions disabled hermetic hasOutput uniqueKey protected onSchemaChange materialized assertions metadata postgres uniqueKeys nonNull rowConditions filename incrementalStrategy incrementalPredicates bigquery".split(
    " ",
  );

/** Core's compilation errors in our words: file, line, what was expected, what to do. */
export function explainCoreErrors({ graph, lines }: SandboxAnswer, project: ProjectFiles): UserError[] {
  const errors = graph.graphErrors?.compilationErrors ?? [];
  const names = targetNames(graph);
  const explained = errors.map((error, index) => explain(error, lines[index], names, project));
  const bigQueryOnly = [...(graph.notebooks ?? []), ...(graph.dataPreparations ?? [])].map((action) =>
    onlyBigQuery(action.fileName, project),
  );
  return withoutRepeats([...explained, ...bigQueryOnly]);
}

function explain(
  error: CoreError,
  line: string | undefined,
  names: readonly string[],
  project: ProjectFiles,
): UserError {
  const file = projectPath(error.fileName ?? project.settingsFile, project);
  const message = error.message ?? "unknown error";
  for (const [pattern, explainMatch] of explanations) {
    const match = pattern.exec(message);
    if (match) return explainMatch(match, file, names, project);
  }
  return new UserError({ message, location: locateThrow(message, line, file, project) });
}

type Explanation = (match: RegExpExecArray, file: string, names: readonly string[], project: ProjectFiles) => UserError;

const explanations: readonly (readonly [RegExp, Explanation])[] = [
  [
    /^Missing dependency detected: Action "(.*)" depends on "(.*)" which does not exist/s,
    (m, ...rest) => missing(m[2]!, ...rest),
  ],
  [/^Could not resolve (.*)$/s, (m, ...rest) => missing(m[1]!, ...rest)],
  [
    /^Unexpected property "([^"]+)"(?:, or property value type of "([^"]+)" is incorrect| in ([^.]*))/,
    (m, file, _, project) => {
      const property = m[1]!;
      const suggestion = nearest(property, knownProperties);
      const known = knownProperties.includes(property);
      return new UserError({
        message: known
          ? `"${property}" is not allowed here, or its value has the wrong type`
          : `unknown property "${property}"`,
        location: findInSource(project.projectDir, file, new RegExp(`\\b${escapePattern(property)}\\b\\s*["']?\\s*:`)),
        ...(known ? { found: `a value of type ${m[2] ?? "unknown"}` } : { found: property }),
        hint:
          !known && suggestion ? `did you mean "${suggestion}"?` : "see docs/models.md for the properties of each type",
      });
    },
  ],
  [
    /^Circular dependency detected in chain: \[(.*)\]/,
    (m, file) =>
      new UserError({
        message: "the models depend on each other in a circle",
        location: { file },
        found: m[1]!.replace(/\{"name":"([^"]*)","schema":"([^"]*)"\}/g, "$2.$1").replaceAll(" > ", " → "),
        hint: "break the circle: move what both need into a model of its own",
      }),
  ],
  [
    /^Duplicate (?:action name|canonical target) detected\.[\s\S]*?(\{.*\})/,
    (m, file) => {
      const { schema, name } = JSON.parse(m[1]!) as { schema?: string; name: string };
      return new UserError({
        message: `two actions are named ${schema ? `${schema}.` : ""}${name}`,
        location: { file },
        hint: "give one of them another name or schema",
      });
    },
  ],
  [
    /^Ambiguous Action name: (.*)\. Did you mean one of: (.*)\.$/,
    (m, file, _, project) => {
      const wanted = readReference(m[1]!);
      const choices = [...new Set(m[2]!.split(", "))];
      const [schema, name] = choices[0]!.split(".");
      return new UserError({
        message: choices.length > 1 ? `${wanted} names several things` : `two actions are named ${choices[0]}`,
        location: findReference(file, wanted, project),
        found: choices.join(", "),
        hint: choices.length > 1 ? `say which: ref("${schema}", "${name}")` : "give one of them another name or schema",
      });
    },
  ],
  [
    /^A test needs a dataset/,
    (_, file, __, project) =>
      new UserError({
        message: "a test must say which model it tests",
        location: findInSource(project.projectDir, file, /\btype\s*:/),
        hint: 'config { type: "test", dataset: "model" }, or dataset: { schema: "…", name: "model" }',
      }),
  ],
  [
    /^Input for dataset "(.*)" has not been provided\. Provided inputs: (.*)$/s,
    (m, file) =>
      new UserError({
        message: `a test gives no input for ${readReference(m[1]!)}, which the model reads`,
        location: { file },
        found: m[2]!.replaceAll('\\"', '"'),
        hint: `add to the test: input "${readReference(m[1]!)}" { select … }`,
      }),
  ],
  [/^Actions of type "(.*)" exist only on BigQuery/, (_, file, __, project) => onlyBigQuery(file, project)],
  [
    /^Unrecognized action type: (.*)$/,
    (m, file, _, project) => {
      const types = ["table", "view", "incremental", "assertion", "operations", "declaration", "test"];
      const suggestion = nearest(m[1]!, types);
      return new UserError({
        message: `unknown type "${m[1]}"`,
        location: findInSource(project.projectDir, file, /\btype\s*:/),
        expected: types.join(", "),
        found: m[1]!,
        ...(suggestion ? { hint: `did you mean "${suggestion}"?` } : {}),
      });
    },
  ],
];

function missing(reference: string, file: string, names: readonly string[], project: ProjectFiles): UserError {
  const wanted = readReference(reference);
  const last = wanted.split(".").at(-1)!;
  const suggestion = nearest(wanted, names) ?? names.find((name) => nearest(last, [name.split(".").at(-1)!]));
  return new UserError({
    message: `nothing in the project is named ${wanted}`,
    location: findReference(file, wanted, project),
    expected: "the name of a model, a declaration or an operation with output",
    found: wanted,
    hint: suggestion ? `did you mean ${suggestion}?` : 'declare it: config { type: "declaration", schema: …, name: … }',
  });
}

function findReference(file: string, wanted: string, project: ProjectFiles) {
  const name = escapePattern(wanted.split(".").at(-1)!);
  return findInSource(project.projectDir, file, new RegExp(`["'\`]${name}["'\`]`));
}

/** core prints a reference as `"name"`, `name` or as the JSON of a target. */
function readReference(text: string): string {
  try {
    const value = JSON.parse(text) as string | { schema?: string; name: string };
    return typeof value === "string" ? value : value.schema ? `${value.schema}.${value.name}` : value.name;
  } catch {
    return text;
  }
}

function onlyBigQuery(file: string, project: ProjectFiles): UserError {
  return new UserError({
    message: "notebooks, data preparations and property graphs exist only on BigQuery",
    location: findInSource(project.projectDir, projectPath(file, project), /\btype\s*:/),
    hint: "remove the file, or write the step as a table or as operations",
  });
}

function targetNames(graph: CoreGraph): string[] {
  const actions = [graph.tables, graph.declarations, graph.operations].flatMap((list) => list ?? []);
  return actions.map(({ target }) => (target.schema ? `${target.schema}.${target.name}` : target.name));
}

function projectPath(file: string, project: ProjectFiles): string {
  const base = `${project.projectDir}/`;
  return file.startsWith(base) ? file.slice(base.length) : file;
}

/** The place in the source that threw. Core turns SQLX into JavaScript in which the text of a line stays what it was. */
function locateThrow(message: string, compiled: string | undefined, file: string, project: ProjectFiles) {
  const identifier = /^(\S+) is not (?:defined|a function)/.exec(message)?.[1];
  if (identifier) return findInSource(project.projectDir, file, new RegExp(`\\b${escapePattern(identifier)}\\b`));
  if (message.startsWith("Semi-colons")) return findInSource(project.projectDir, file, /;\s*$/);
  const line = compiled
    ?.replace(/^\s*return \[?`/, "")
    .replace(/`\]?;?$/, "")
    .trim();
  return line ? findInSource(project.projectDir, file, new RegExp(escapePattern(line))) : { file };
}

/** Core reports one missing reference from several places. */
function withoutRepeats(errors: readonly UserError[]): UserError[] {
  const seen = new Set<string>();
  return errors.filter(({ location, message }) => {
    const key = `${location?.file}\n${message}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}
