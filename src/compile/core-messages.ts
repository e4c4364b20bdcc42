import { UserError } from "../model/errors.ts";
import { nearest } from "../model/nearest.ts";
import { ownValue } from "../model/own-value.ts";
import { type ConfigMistake, leftOut, TYPES, wrongConfig } from "./config-mistakes.ts";
import type { ProjectFiles } from "./project.ts";
import { findReference, makesNothing, missing, type Refused, readReference } from "./references.ts";
import { findInSource, lineOf, placeAfterSpace, projectPath, readLayout, readSource } from "./source.ts";

/** Types of Dataform 2, dbt and SQLMesh, and what is one here. */
const OTHER_TYPES: Readonly<Record<string, string>> = {
  ephemeral: 'type: "inline" is read by ref() as its query',
  operation: 'did you mean "operations"?',
  materializedview: 'config { type: "view", materialized: true }',
  materialized_view: 'config { type: "view", materialized: true }',
  incremental_by_time_range:
    'type: "incremental", and delete from ${self()} where … in pre_operations takes the range away first',
  incremental_by_unique_key: 'type: "incremental", uniqueKey: ["id"]',
  snapshot: "a history of a source is made by scd2.publish (docs/history.md)",
  seed: "a CSV in seeds/ is a table of every run (docs/models.md)",
  source: 'did you mean "declaration"?',
  model: 'did you mean "table"?',
};

type Explanation = (match: RegExpExecArray, refused: Refused) => UserError;

/** Each sentence of core that a person can cause, and ours for it. */
export const coreMessages: readonly (readonly [RegExp, Explanation])[] = [
  [
    /^Missing dependency detected: Action "(.*)" depends on "(.*)" which does not exist/s,
    (m, refused) => missing(m[2]!, refused),
  ],
  [/^Could not resolve (.*)$/s, (m, refused) => missing(m[1]!, refused)],
  [/^Dataset (.*) could not be found\.?$/s, (m, refused) => missing(m[1]!, refused)],
  [/^Actions cannot resolve operations which do not produce output/, (_, refused) => makesNothing(refused)],
  [
    /^Circular dependency detected in chain: \[(.*)\]/,
    (m, { file }) => {
      const circle = m[1]!.replace(/\{"name":"([^"]*)","schema":"([^"]*)"\}/g, "$2.$1").split(" > ");
      const isItself = new Set(circle).size === 1;
      return new UserError({
        message: isItself ? `${circle[0]} reads itself` : "the models depend on each other in a circle",
        location: { file },
        found: circle.join(" → "),
        hint: isItself
          ? "the rows that an incremental model has are ${self()}, where ${incremental()} is true"
          : "break the circle: move what both need into a model of its own",
      });
    },
  ],
  [
    /^Duplicate (?:action name|canonical target) detected\.[\s\S]*?(\{.*\})/,
    (m, { file }) => {
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
    (m, refused) => {
      const wanted = readReference(m[1]!);
      const choices = [...new Set(m[2]!.split(", "))];
      const [schema, name] = choices[0]!.split(".");
      return new UserError({
        message: choices.length > 1 ? `${wanted} names several things` : `two actions are named ${choices[0]}`,
        location: findReference(wanted, refused),
        found: choices.join(", "),
        hint:
          choices.length > 1
            ? `say which: ref("${schema}", "${name}"), in an option ["${schema}", "${name}"]`
            : "give one of them another name or schema",
      });
    },
  ],
  [
    /^Maximum call stack size exceeded$/,
    (_, { file }) =>
      new UserError({
        message: "the file has a text that is too long, or nested too deep, to be read",
        location: { file },
        hint: "data belongs into a table or a file that is landed (docs/ingest.md); a program's SQL into shorter pieces",
      }),
  ],
  [
    /^A test needs a dataset/,
    (_, { file, project }) =>
      new UserError({
        message: "a test must say which model it tests",
        location: findInSource(project.projectDir, file, /\btype\s*:/),
        hint: 'config { type: "test", dataset: "model" }, or dataset: { schema: "…", name: "model" }',
      }),
  ],
  [
    /^Input for dataset "(.*)" has not been provided\. Provided inputs: (.*)$/s,
    (m, { file, project }) =>
      new UserError({
        message: `a test gives no input for ${readReference(m[1]!)}, which the model reads`,
        location: findInSource(project.projectDir, file, /\bdataset\s*:|\btest\s*\(/),
        found: m[2]!.replaceAll('\\"', '"'),
        // Schema and name are each in quotes of their own: `input "raw.t"` begins no block.
        hint: `add to the test: input ${readReference(m[1]!)
          .split(".")
          .map((part) => `"${part}"`)
          .join(", ")} { select … }`,
      }),
  ],
  [
    /^Cannot read properties of (?:undefined|null) \(reading '(?:dataset|name|schema)'\)$|^Invalid input\. Accepted inputs/,
    (_, { file, project, frames: [place, ...calledFrom] }) =>
      new UserError({
        message: "a reference is given no name",
        ...(place ? { location: place, snippet: lineOf(place, project), calledFrom } : { location: { file } }),
        expected: 'ref("orders"), ref("raw", "orders") or ref({ schema: "raw", name: "orders" })',
      }),
  ],
  [/^No meaning: (.*)$/s, (m, { file, project }) => leftOut(m[1]!, file, project)],
  [
    /^Config: (.*)$/s,
    (m, { file, project, frames }) => wrongConfig(JSON.parse(m[1]!) as ConfigMistake, file, project, frames),
  ],
  [
    /^(?:Actions|'(?:input|incremental_where)' code blocks) may only contain/,
    (m, { file, project }) => {
      const layout = readLayout(readSource(project.projectDir, file));
      const lists = m[0].startsWith("Actions") ? [layout.sql] : [...layout.inputs, layout.where ?? []];
      const start = lists.find((list) => list.length > 1)?.[1]?.[0]?.[0];
      return new UserError({
        message: "there is one query, and --- separates the statements of operations",
        ...(start === undefined ? { location: { file } } : placeAfterSpace(file, start, project)),
        hint: 'write one select, or config { type: "operations" }',
      });
    },
  ],
  [
    /^Actions may only include (\w+)(?: blocks)? if they (?:are of type '(\w+)'|create a dataset)/,
    (m, { file, project }) =>
      new UserError({
        message: `${m[1]} has no meaning here`,
        location: findInSource(project.projectDir, file, new RegExp(`\\b${m[1]}(?= (?:\\{|"))`)),
        expected: m[2] ? `type: "${m[2]}"` : 'type: "table", "view" or "incremental"',
        hint: "take the block out, or change the type",
      }),
  ],
  [
    /^Warehouse does not support multiple databases$/,
    (_, { file, frames: [place, ...calledFrom], project }) =>
      new UserError({
        message: "database() has no name to give: a project has one database, the one it connects to",
        ...(place
          ? { location: place, snippet: lineOf(place, project), calledFrom }
          : { location: findInSource(project.projectDir, file, /\bdatabase\(\)/) }),
        hint: 'take it out; in SQL current_database() is that one. A name that is the same everywhere can stand in dataform.json: "defaultDatabase"',
      }),
  ],
  [/^Actions of type "(.*)" exist only on BigQuery/, (_, { file, project }) => onlyBigQuery(file, project)],
  [
    /^(?:Unrecognized action|Unrecognized table|Unexpected table) type: (.*)$/,
    (m, { file, project }) => {
      const suggestion = nearest(m[1]!, TYPES);
      const advice = ownValue(OTHER_TYPES, m[1]!.toLowerCase());
      return new UserError({
        message: m[1] === "[object Object]" ? "a type is a text" : `unknown type "${m[1]}"`,
        location: findInSource(project.projectDir, file, /\btype\s*[:(]/),
        expected: TYPES.join(", "),
        found: m[1] === "[object Object]" ? "an object" : m[1]!,
        ...(advice || suggestion ? { hint: advice ?? `did you mean "${suggestion}"?` } : {}),
      });
    },
  ],
];

/** What core compiles, and nothing here can run. */
export function onlyBigQuery(file: string, project: ProjectFiles): UserError {
  return new UserError({
    message: "notebooks, data preparations and property graphs exist only on BigQuery",
    location: findInSource(project.projectDir, projectPath(file, project), /\btype\s*:/),
    hint: "remove the file, or write the step as a table or as operations",
  });
}
