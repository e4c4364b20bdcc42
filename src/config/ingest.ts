import { readdirSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { UserError, UserErrors } from "../model/errors.ts";
import { type IngestDeclaration, type RestDeclaration, Secret, type StreamDeclaration } from "../model/ingest.ts";
import { nearest } from "../model/nearest.ts";
import { type Environment, readEnvironment } from "./environment.ts";
import { ingestSchema } from "./ingest-schema.ts";
import { readRecordSchema } from "./record-schema.ts";
import { validateYaml } from "./validate.ts";
import { fillVariables, readYaml, type YamlFile } from "./yaml.ts";

/** The file as written; `ingestSchema` guarantees this shape. */
interface Written {
  source: string;
  schema?: string;
  rest: Partial<RestDeclaration> & { baseUrl: string; auth?: { bearer: string } };
  streams: (Omit<StreamDeclaration, "recordSchema"> & { recordSchema: string })[];
}

export interface LoadIngestOptions {
  /** Where `.env` is, and what file names in messages are relative to. */
  readonly projectDir?: string;
  /** Instead of the process environment and `.env`. */
  readonly env?: Environment;
}

/** The `*.yaml` files in the project's `ingest/` folder, by name. */
export function ingestFiles(projectDir: string): readonly string[] {
  const folder = join(projectDir, "ingest");
  try {
    const names = readdirSync(folder).filter((name) => /\.ya?ml$/.test(name));
    return names.sort().map((name) => join(folder, name));
  } catch {
    return [];
  }
}

/** Reads one declaration, with its record schemas. Every mistake in it is told at once. */
export function loadIngest(path: string, options: LoadIngestOptions = {}): IngestDeclaration {
  const projectDir = options.projectDir ?? ".";
  const yaml = readYaml(path, relative(projectDir, path) || path);
  const written = validateYaml<Written>(yaml, ingestSchema);
  checkStreams(written, yaml);
  const env = options.env ?? readEnvironment(projectDir);
  const filled = fillVariables(yaml, env) as Written;
  const base = dirname(path);
  return {
    file: yaml.file,
    source: filled.source,
    schema: filled.schema ?? "raw",
    rest: restOf(filled, written, yaml),
    streams: filled.streams.map((stream, index) => streamOf(stream, index, base, yaml, projectDir)),
  };
}

function restOf(filled: Written, written: Written, yaml: YamlFile): RestDeclaration {
  const { baseUrl, auth, paging, retry, timeoutSeconds } = filled.rest;
  const variable = written.rest.auth?.bearer.slice(2, -1);
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password || url.search || url.hash) {
    throw new UserError({
      message: `rest.baseUrl is not a web address (it is written as ${written.rest.baseUrl})`,
      ...yaml.locate(["rest", "baseUrl"]),
      expected: "http://host or https://host, without user name, ? and #",
    });
  }
  return {
    baseUrl,
    ...(auth && variable ? { auth: { bearer: new Secret(variable, auth.bearer) } } : {}),
    ...(paging ? { paging: { ...paging, maxPages: paging.maxPages ?? 10_000 } } : {}),
    retry: { attempts: retry?.attempts ?? 5, maxDelaySeconds: retry?.maxDelaySeconds ?? 30 },
    timeoutSeconds: timeoutSeconds ?? 60,
  };
}

function streamOf(
  stream: Written["streams"][number],
  index: number,
  base: string,
  yaml: YamlFile,
  projectDir: string,
): StreamDeclaration {
  const path = join(base, stream.recordSchema);
  const recordSchema = readRecordSchema(path, relative(projectDir, path) || path);
  const known = recordSchema.columns.map((column) => column.name);
  if (stream.cursor && !known.includes(stream.cursor.field)) {
    const suggestion = nearest(stream.cursor.field, known);
    throw new UserError({
      message: `the cursor field "${stream.cursor.field}" is not in ${recordSchema.file}`,
      ...yaml.locate(["streams", index, "cursor", "field"]),
      expected: `one of ${known.join(", ")}`,
      hint: suggestion && `did you mean "${suggestion}"?`,
    });
  }
  return { ...stream, records: stream.records ?? "", params: stream.params ?? {}, recordSchema };
}

/** Two streams of one name would share a cursor; two of one table are a slip. */
function checkStreams(written: Written, yaml: YamlFile): void {
  const errors: UserError[] = [];
  const expected = basename(yaml.file).replace(/\.ya?ml$/, "");
  if (written.source !== expected) {
    // Two files of one source would move each other's cursors.
    const message = "a source is called like its file";
    errors.push(new UserError({ message, ...yaml.locate(["source"]), expected, found: written.source }));
  }
  for (const key of ["name", "table"] as const) {
    const first = new Map<string, number>();
    for (const [index, stream] of written.streams.entries()) {
      const earlier = first.get(stream[key]);
      if (earlier === undefined) first.set(stream[key], index);
      else {
        const line = yaml.locate(["streams", earlier, key]).location.line;
        const message = `two streams have the ${key} "${stream[key]}", the other on line ${line}`;
        errors.push(new UserError({ message, ...yaml.locate(["streams", index, key]), hint: "rename one of them" }));
      }
    }
  }
  if (errors.length > 0) throw new UserErrors(errors);
}
