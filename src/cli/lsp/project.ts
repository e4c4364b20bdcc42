import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type CompileOptions, compileAll } from "../../compile/compile.ts";
import { settingsFileIn } from "../../compile/project.ts";
import type { ConnectionSettings } from "../../model/connection-settings.ts";
import { UserErrors, userErrorsOf } from "../../model/errors.ts";
import { type CompiledGraph, isModel } from "../../model/graph.ts";
import { targetKey } from "../../model/target.ts";
import { databaseFailure } from "../../postgres/sqlstate.ts";
import { compilerOptions } from "../compiling.ts";
import { openDatabaseThere } from "../database.ts";
import type { DescribedRelation } from "../describe/described.ts";
import { describeByCode, describeInDatabase } from "../describe/read.ts";
import type { ConnectionFlags, EnvironmentFlags } from "../options.ts";
import type { Shell } from "../shell.ts";
import { noteOf, type Told } from "./diagnostics.ts";
import { type Texts, UnsavedProject } from "./unsaved.ts";

export type LspFlags = EnvironmentFlags & ConnectionFlags;

const NAMING = /^(?:definitions|includes|dashboards|serve)\/.*\.(?:sqlx|sql|js|ya?ml)$/;

/** How long what a relation is may be remembered, in milliseconds: a run changes it, too. */
const REMEMBERED = 30_000;

/** The project with what stands in the editor, compiled as far as it goes. */
export class EditedProject {
  readonly #shell: Shell;
  readonly #flags: LspFlags;
  readonly #unsaved: UnsavedProject;
  #graph: CompiledGraph | undefined;
  #described = new Map<string, { readonly at: number; readonly what: Promise<DescribedRelation | undefined> }>();

  constructor(shell: Shell, flags: LspFlags) {
    this.#unsaved = new UnsavedProject(shell.projectDir);
    // What is compiled is the copy; the database and its state are the project's own.
    this.#shell = shell;
    this.#flags = flags;
  }

  /** The last that compiled, or of a project that never did what of it is known. */
  get graph(): CompiledGraph | undefined {
    return this.#graph;
  }

  get settingsFile(): string {
    return settingsFileIn(this.#shell.projectDir) ?? "dataform.json";
  }

  /** The text of a file as it was compiled last; "" where there is none. */
  read(file: string): string {
    try {
      return readFileSync(join(this.#unsaved.dir, file), "utf8");
    } catch {
      return "";
    }
  }

  /** Mistakes of the project with these texts, by their path. @throws the signal's reason */
  async compile(texts: ReadonlyMap<string, string>, signal: AbortSignal): Promise<readonly Told[]> {
    this.#unsaved.update(texts);
    try {
      const { graph, errors } = await compileAll(this.#unsaved.dir, { ...this.#options, signal });
      if (!errors.length || !this.#graph) {
        this.#graph = graph;
        this.#described = new Map();
      }
      if (errors.length) return errors.map((error) => ({ error, source: "dataform" }));
      const refused = graph.actions.flatMap((one) => ("refused" in one && one.refused ? [one.refused] : []));
      return [
        ...refused.map((error): Told => ({ error, source: "dataform" })),
        ...graph.notes.flatMap((note) => noteOf(note) ?? []),
      ];
    } catch (error) {
      signal.throwIfAborted();
      const mistakes = userErrorsOf(error);
      if (!mistakes) throw error;
      return mistakes.map((one) => ({ error: one, source: "dataform" }));
    }
  }

  /**
   * Compiles the project as it would be with other texts.
   * @throws UserErrors where it would not compile, or does not now
   */
  async refuseMistakes(after: Texts, open: ReadonlyMap<string, string>): Promise<void> {
    const trial = new UnsavedProject(this.#shell.projectDir);
    try {
      trial.update(new Map<string, string | undefined>([...open, ...after]));
      const { errors } = await compileAll(trial.dir, { ...this.#options });
      if (errors.length) throw new UserErrors(errors);
    } finally {
      trial.end();
    }
  }

  get #options(): CompileOptions {
    return { ...compilerOptions(this.#flags), env: this.#shell.env };
  }

  /** What PostgreSQL finds wrong with the models of these files, and with what reads them; nothing where there is no database. */
  async check(files: ReadonlySet<string>, signal: AbortSignal): Promise<readonly Told[]> {
    const graph = this.#graph;
    const models = graph?.actions.filter((one) => files.has(one.file) && one.kind !== "declaration" && !one.disabled);
    if (!graph || !models?.length) return [];
    const settings = await this.#database();
    if (!settings) return [];
    const { tryOut } = await import("../plan/print.ts");
    const select = models.map(({ target }) => `+${targetKey(target)}+`);
    const shell: Shell = Object.create(this.#shell, { projectDir: { value: this.#unsaved.dir } });
    const how = { signal, onWait: () => {} };
    const { preview } = await tryOut(graph, settings, { ...this.#flags, select }, { shell, how });
    const told = (found: typeof preview.failures, isWarning: boolean) =>
      Object.values(found).map((error): Told => ({ error, isWarning, source: "postgresql" }));
    return [...told(preview.failures, false), ...told(preview.warned, true)];
  }

  async #database(): Promise<ConnectionSettings | undefined> {
    return openDatabaseThere(this.#shell, this.#flags);
  }

  /** What is known of a relation, with its columns; the database is asked where there is one. */
  describe(key: string): Promise<DescribedRelation | undefined> {
    const known = this.#described.get(key);
    if (known && performance.now() - known.at < REMEMBERED) return known.what;
    const what = this.#describe(key);
    this.#described.set(key, { at: performance.now(), what });
    return what;
  }

  async #describe(key: string): Promise<DescribedRelation | undefined> {
    const graph = this.#graph;
    if (!graph) return undefined;
    // Nobody has asked for what would be said besides.
    const shell: Shell = Object.create(this.#shell, { say: { value: () => {} } });
    const byCode = () => describeByCode(key, graph, this.#flags, shell);
    try {
      const settings = await this.#database();
      return settings ? await describeInDatabase(key, graph, settings, { flags: this.#flags, shell }) : byCode();
    } catch (error) {
      if (!userErrorsOf(error) && !databaseFailure(error)) throw error;
      return byCode();
    }
  }

  /** Files of the project that may name relations, by their paths. */
  get files(): readonly string[] {
    return this.#unsaved.texts.filter((file) => NAMING.test(file));
  }

  /** What may be named in `ref()`. */
  get named() {
    return (this.#graph?.actions ?? []).filter(
      (action) =>
        isModel(action) || action.kind === "declaration" || (action.kind === "operations" && action.hasOutput),
    );
  }

  end(): void {
    this.#unsaved.end();
  }
}
