import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { UserError } from "../../model/errors.ts";
import type { RunReport } from "../../model/report.ts";
import type { KeptPast, NamedSelections } from "../../model/selection.ts";
import { targetKey } from "../../model/target.ts";
import { needsPast } from "../../plan/selectors.ts";
import type { Shell } from "../shell.ts";
import type { ArtifactName } from "./files.ts";
import type { ProjectManifest } from "./manifest.ts";

interface Words {
  readonly select?: readonly string[];
  readonly exclude?: readonly string[];
  readonly named?: NamedSelections;
}

/**
 * Reads what `--artifacts` wrote of an earlier run.
 * @throws UserError where a file that the words ask is not there, or is not of this program
 */
export function readState(folder: string, { select = [], exclude = [], named }: Words, shell: Shell): KeptPast {
  const words = [...select, ...exclude];
  if (!needsPast(words, named))
    throw new UserError({
      message: "--state is what state: and result: are asked of, and nothing asks",
      expected: "--select or --exclude with state:… or result:…",
      hint: `--select state:modified+ --state ${folder}`,
    });
  const { actions } = read<ProjectManifest>(folder, "manifest", shell, isManifest);
  const names = new Map(actions.map(({ id, bareId }) => [id, bareId]));
  const steps = needsPast(words, named, ["result"])
    ? read<RunReport>(folder, "run_results", shell, isReport).steps
    : [];
  return {
    code: Object.fromEntries(
      actions.filter(({ kind }) => kind !== "declaration").map(({ bareId, code }) => [bareId, code]),
    ),
    results: Object.fromEntries(
      steps.map(({ target, status, error }) => {
        const id = targetKey(target);
        return [names.get(id) ?? id, { status, error: error !== undefined }];
      }),
    ),
  };
}

function read<Document>(
  folder: string,
  name: ArtifactName,
  shell: Shell,
  isOne: (document: Partial<Document>) => boolean,
): Document {
  const file = join(folder, `${name}.json`);
  const path = resolve(shell.projectDir, file);
  const wrong = (message: string, found: string) =>
    new UserError({
      message,
      location: { file },
      expected: "what `dataform run --artifacts` wrote, of version 1",
      found,
      hint: "--state names the folder that `dataform compile --artifacts` or `run --artifacts` filled",
    });
  if (!existsSync(path)) throw wrong(`--state: there is no ${name}.json`, path);
  try {
    const document = JSON.parse(readFileSync(path, "utf8")) as Partial<Document> & { readonly version?: unknown };
    if (document.version === 1 && isOne(document)) return document as Document;
    throw wrong(`--state: this is no ${name}.json of dataform-postgres`, keysOf(document));
  } catch (error) {
    if (error instanceof SyntaxError) throw wrong(`--state: this is no JSON`, error.message);
    throw error;
  }
}

function keysOf(document: unknown): string {
  if (typeof document !== "object" || document === null) return JSON.stringify(document) ?? "nothing";
  const { version } = document as { readonly version?: unknown };
  const keys = Object.keys(document).slice(0, 5).join(", ");
  return version === undefined ? `keys ${keys || "none"}, without a version` : `version ${JSON.stringify(version)}`;
}

function isManifest({ actions }: Partial<ProjectManifest>): boolean {
  const isText = (value: unknown) => typeof value === "string";
  return Array.isArray(actions) && actions.every(({ id, bareId, code }) => [id, bareId, code].every(isText));
}

function isReport({ steps }: Partial<RunReport>): boolean {
  return Array.isArray(steps) && steps.every(({ target, status }) => target !== undefined && status !== undefined);
}
