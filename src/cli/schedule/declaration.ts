import { statSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../../model/errors.ts";
import { SCHEDULES_FILE } from "../../model/schedule.ts";
import type { Program } from "../../schedule/child.ts";
import type { Declared } from "../../schedule/scheduler.ts";
import type { ProjectFlags } from "../options.ts";
import { declaredApart } from "./declared-apart.ts";

/** Before a file that could not be read is read again, in milliseconds, and twice as long each time: what it names may come. */
const FIRST_AGAIN = 5_000;
const LAST_AGAIN = 600_000;

/** The lines of a project while a scheduler runs them. */
export class Declaration {
  readonly #program: Program;
  readonly #flags: ProjectFlags;
  readonly #how: { readonly signal: AbortSignal; readonly say: (text: string) => void };
  /** The file as it was read, and as it was seen last. */
  #read: string;
  #seen: string;
  #again = FIRST_AGAIN;
  #failedAt: number | undefined;

  constructor(program: Program, flags: ProjectFlags, how: { signal: AbortSignal; say: (text: string) => void }) {
    this.#program = program;
    this.#flags = flags;
    this.#how = how;
    this.#seen = this.#read = this.#look();
  }

  /** @throws UserErrors with everything that is wrong */
  async read(): Promise<Declared> {
    this.#read = this.#seen;
    try {
      const declared = await declaredApart(this.#program, this.#flags, this.#how);
      if (!declared.lines.length) throw nothingDeclared();
      this.#failedAt = undefined;
      this.#again = FIRST_AGAIN;
      return declared;
    } catch (error) {
      this.#again = this.#failedAt === undefined ? FIRST_AGAIN : Math.min(this.#again * 2, LAST_AGAIN);
      this.#failedAt = performance.now();
      throw error;
    }
  }

  /** Whether it is to be read again: it is another one, and two looks in a row found it the same. */
  isOther(): boolean {
    const seen = this.#look();
    const isWritten = seen === this.#seen;
    this.#seen = seen;
    if (isWritten && seen !== this.#read) return true;
    return this.#failedAt !== undefined && performance.now() - this.#failedAt >= this.#again;
  }

  #look(): string {
    const found = statSync(join(this.#program.folder, SCHEDULES_FILE), { throwIfNoEntry: false });
    return found ? `${found.mtimeMs} ${found.size} ${found.ino}` : "";
  }
}

function nothingDeclared(): UserError {
  return new UserError({
    message: "there is nothing to schedule",
    expected: "lines in schedules.yaml, in the project's folder",
    hint: "docs/schedule.md has an example",
  });
}
