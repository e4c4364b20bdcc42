import { createRequire } from "node:module";
import { type SourceLocation, UserError } from "../model/errors.ts";
import { nearest } from "../model/nearest.ts";
import { ownValue } from "../model/own-value.ts";
import { meaningful } from "../sql/tokens.ts";
import { placeInConfig } from "./config-text.ts";
import type { ProjectFiles } from "./project.ts";
import { authorsPattern, findInSource, lineOf, placeAfterSpace, readLayout, readSource } from "./source.ts";

/** What `type` of a config can be. */
export const { TYPES } = createRequire(import.meta.url)("./config-shape.cjs") as { readonly TYPES: readonly string[] };

/** As config-shape.cjs finds it. */
export interface ConfigMistake {
  readonly path: readonly (string | number)[];
  /** Of a value of a wrong kind. */
  readonly expected?: string;
  readonly found?: string;
  /** Of a key that the type does not have. */
  readonly unknown?: string;
  readonly known?: readonly string[];
  readonly onlyBigQuery?: boolean;
  /** Whether a method of a builder was given it. */
  readonly inCall?: boolean;
}

/** Keys of other warehouses and other tools, and what is one here. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  database:
    "take it out: a project has one database, the one it connects to; what another has is landed by `dataform ingest`, or is a foreign table",
  project: "take it out: a project has one database, the one it connects to",
  redshift: "take it out: it is of Redshift; postgres: { indexes: […] } makes indexes",
  snowflake: "take it out: it is of Snowflake; postgres: { indexes: […] } makes indexes",
  sqldatawarehouse: "take it out: it is of Azure's data warehouse; postgres: { indexes: […] } makes indexes",
  presto: "take it out: it is of Presto",
  materialized: 'say it by the type: "view", "table", "incremental"; a view alone can be materialized: true',
  unique_key: 'uniqueKey: ["id"]',
  alias: "name",
  indexes: "postgres: { indexes: [{ columns: […] }] }",
  grants: "postgres: { grants: { select: […] } }",
  severity: "postgres: { severity: … } in an assertion, postgres: { assertions: { severity: … } } in a model",
};

export function wrongConfig(
  mistake: ConfigMistake,
  file: string,
  project: ProjectFiles,
  [call]: readonly SourceLocation[],
): UserError {
  const { path, expected, found, unknown, known = [], onlyBigQuery, inCall } = mistake;
  const place =
    inCall && call ? { location: call, snippet: lineOf(call, project) } : placeInConfig(project.projectDir, file, path);
  if (unknown === undefined)
    return new UserError({ message: `${path.join(".")} has a wrong value`, ...place, expected, found });
  const elsewhere = ownValue(ELSEWHERE, unknown);
  if (elsewhere) return new UserError({ message: `${path.join(".")} has no meaning here`, ...place, hint: elsewhere });
  if (onlyBigQuery)
    return new UserError({
      message: `${path.join(".")} has a meaning on BigQuery only`,
      ...place,
      hint: "take it out",
    });
  const suggestion = nearest(unknown, known);
  return new UserError({
    message: `unknown property "${unknown}"${path.length > 1 ? ` in ${path.slice(0, -1).join(".")}` : ""}`,
    ...place,
    expected: known.join(", "),
    found: unknown,
    hint: suggestion ? `did you mean "${suggestion}"?` : "see docs/models.md for the properties of each type",
  });
}

/** What core would leave out without a word. */
export function leftOut(what: string, file: string, project: ProjectFiles): UserError {
  const at = (pattern: RegExp) => ({ location: findInSource(project.projectDir, file, pattern) });
  const input = /^input (.*)$/s.exec(what)?.[1];
  if (input !== undefined)
    return new UserError({
      message: `the tested model does not read ${input}, and nothing in the project is called so`,
      ...at(new RegExp(`\\binput (?:"[^"]*",\\s*)*"${authorsPattern(input)}"`)),
      hint: "take the input out, or correct its name",
    });
  const { sql, configAgain = 0 } = readLayout(readSource(project.projectDir, file));
  if (what === "a second config")
    return new UserError({
      message: "there is one config, and this is the second",
      ...placeAfterSpace(file, configAgain, project),
      hint: "write all into the first",
    });
  const start = sql[0]?.[0]?.[0] ?? 0;
  const text = readSource(project.projectDir, file).slice(start);
  return new UserError({
    message: "a declaration has no text: somebody else fills what it names",
    ...placeAfterSpace(file, start + (meaningful(text)[0]?.start ?? 0), project),
    hint: 'take it out, or change the type: config { type: "view" }',
  });
}
