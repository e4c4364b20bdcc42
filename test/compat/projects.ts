import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

/** Dataform's own command lines, as `test/compat/package.json` has them. */
export const VERSIONS = { 2: "2.6.7", 3: "3.0.69" } as const;
export type Version = keyof typeof VERSIONS;

/** What is done with a project, in its order: a run or the unit tests, with these flags, or SQL that somebody else sends. */
type Step = { readonly run: readonly string[] } | { readonly test: readonly string[] } | { readonly sql: string };

/** `compat.json` of a project. */
interface Case {
  /** Which versions it is compared with: 2 by what is in the database, 3 by the compiled graph. */
  readonly versions?: readonly `${Version}`[];
  readonly steps?: readonly Step[];
  /** Flags of `compile`. */
  readonly compile?: readonly string[];
  /** What the project file of Dataform 3 says besides. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Tables that operations write, by `schema.name`: their rows are compared, too. */
  readonly state?: readonly string[];
}

export interface ComparedProject extends Required<Omit<Case, "versions">> {
  readonly name: string;
  readonly folder: string;
  readonly versions: readonly Version[];
  /** Sent before anything is run. */
  readonly setup: string;
}

const folder = resolve(import.meta.dirname, "projects");

/** Small projects of ours that together have every type of action and every property of their configs. */
export const projects: readonly ComparedProject[] = readdirSync(folder).sort().map(readCase);

function readCase(name: string): ComparedProject {
  const path = join(folder, name);
  const read = (file: string) => (existsSync(join(path, file)) ? readFileSync(join(path, file), "utf8") : "");
  const said = JSON.parse(read("compat.json") || "{}") as Case;
  return {
    name,
    folder: path,
    versions: (said.versions ?? ["2", "3"]).map((version) => Number(version) as Version),
    steps: said.steps ?? [{ run: [] }, { run: [] }],
    compile: said.compile ?? [],
    settings: said.settings ?? {},
    state: said.state ?? [],
    setup: read("setup.sql"),
  };
}

/** What is said of a project and is no part of it. */
const ABOUT = /^(?:compat\.json|setup\.sql|dataform-[\d.]+\.json)$/;

/** Makes a folder the project, as a version of Dataform has it, and keeps its `node_modules`. */
export function putProject({ folder: from, settings }: ComparedProject, version: Version, to: string): void {
  for (const name of readdirSync(to)) if (name !== "node_modules") rmSync(join(to, name), { recursive: true });
  for (const name of readdirSync(from))
    if (!ABOUT.test(name)) cpSync(join(from, name), join(to, name), { recursive: true });
  writeFileSync(join(to, "package.json"), "{}\n");
  if (version === 3) replaceSettings(to, settings);
}

/** The project file of Dataform 3 that says what that of Dataform 2 says. */
function replaceSettings(project: string, more: ComparedProject["settings"]): void {
  const path = join(project, "dataform.json");
  const said = JSON.parse(readFileSync(path, "utf8")) as Readonly<Record<string, unknown>>;
  rmSync(path);
  const settings = {
    defaultProject: "compat",
    defaultLocation: "US",
    defaultDataset: said.defaultSchema,
    defaultAssertionDataset: said.assertionSchema,
    datasetSuffix: said.schemaSuffix,
    namePrefix: said.tablePrefix,
    vars: said.vars,
    ...more,
  };
  // JSON is YAML.
  writeFileSync(join(project, "workflow_settings.yaml"), `${JSON.stringify(settings, null, 2)}\n`);
}

/** The file of what a version of Dataform said of a project. */
export function answerFile({ folder: path }: ComparedProject, version: Version): string {
  return join(path, `dataform-${VERSIONS[version]}.json`);
}
