import { statSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../../model/errors.ts";
import { SCHEDULES_FILE } from "../../model/schedule.ts";
import type { Program } from "../../schedule/child.ts";
import type { Declared } from "../../schedule/scheduler.ts";
import type { ProjectFlags } from "../options.ts";
import { Rereading } from "../rereading.ts";
import { declaredApart } from "./declared-apart.ts";

/** The lines of a project while a scheduler runs them. */
export class Declaration {
  readonly #program: Program;
  readonly #flags: ProjectFlags;
  readonly #how: { readonly signal: AbortSignal; readonly say: (text: string) => void };
  readonly #file: Rereading;

  constructor(program: Program, flags: ProjectFlags, how: { signal: AbortSignal; say: (text: string) => void }) {
    this.#program = program;
    this.#flags = flags;
    this.#how = how;
    this.#file = new Rereading(this.#look());
  }

  /** @throws UserErrors with everything that is wrong */
  read(): Promise<Declared> {
    return this.#file.read(async () => {
      const declared = await declaredApart(this.#program, this.#flags, this.#how);
      if (!declared.lines.length) throw nothingDeclared();
      return declared;
    });
  }

  isOther(): boolean {
    return this.#file.isDue(this.#look());
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
