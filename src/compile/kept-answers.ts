import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { giveToProjectOwner, makeStateFolder } from "../config/state-folder.ts";

/** The child says it by the same. */
const { digest, stateOf } = createRequire(import.meta.url)("./path-state.cjs") as {
  digest(content: string): string;
  stateOf(path: string): string;
};

/** What the project's code has found besides its request (inputs.cjs): files, folders, and what is not there. */
export type States = readonly (readonly [path: string, state: string])[];

export interface Inputs {
  readonly states: States;
  /** What it asked for that is not the same again. */
  readonly unsteady?: string;
}

/** Whether all of it is what it was. */
export const isAsFound = (states: States): boolean => states.every(([path, state]) => stateOf(path) === state);

/** An answer, what was printed on the way, and what it is made of. */
interface Kept<Answer> {
  readonly states: States;
  /** Of what came from outside the project's code. */
  readonly given: string;
  readonly printed: readonly string[];
  readonly answer: Answer;
}

/** Changes with what is in a file of these. */
const FORMAT = 2;
/** So many ways to compile a project, by variables and schemas, are kept. */
const MOST = 8;

/**
 * Answers of a project's code, each in a file of a folder that may be deleted at any time. One is good for as long as all that its code
 * has read is what it was; whatever is not as this version writes it is as none, and where nothing can be written, nothing is kept.
 */
export class KeptAnswers<Answer> {
  readonly #folder: string;
  readonly #file: string;

  /** @param asked what the code is told before anything is read */
  constructor(folder: string, asked: object) {
    this.#folder = folder;
    this.#file = join(
      folder,
      `${digest(JSON.stringify([FORMAT, process.version, process.arch, process.platform, asked]))}.json`,
    );
  }

  /** The answer that was given before, where nothing that its code has found is otherwise. */
  find(): Kept<Answer> | undefined {
    try {
      const kept = JSON.parse(readFileSync(this.#file, "utf8")) as Kept<Answer>;
      if (!isAsFound(kept.states)) return undefined;
      const now = new Date();
      utimesSync(this.#file, now, now);
      return kept;
    } catch {
      return undefined;
    }
  }

  keep(kept: Kept<Answer>): void {
    const unfinished = `${this.#file}.${randomUUID()}`;
    try {
      makeStateFolder(this.#folder);
      // Variables may be secrets, and SQL has them.
      writeFileSync(unfinished, JSON.stringify(kept), { mode: 0o600 });
      giveToProjectOwner(unfinished, join(this.#folder, ".."));
      renameSync(unfinished, this.#file);
      for (const path of this.#old()) rmSync(path, { force: true });
    } catch {
      // It is compiled again the next time.
    }
  }

  /** Those that were used least lately. */
  #old(): readonly string[] {
    const files = readdirSync(this.#folder).flatMap((name) => {
      const path = join(this.#folder, name);
      return name.startsWith(".") ? [] : [{ path, used: statSync(path).mtimeMs }];
    });
    return files
      .sort((a, b) => b.used - a.used)
      .slice(MOST)
      .map(({ path }) => path);
  }
}

/** As one text, of what comes from outside the project's code. */
export const givenAs = (given: readonly unknown[]) => digest(JSON.stringify(given));
