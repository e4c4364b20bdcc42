import { existsSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { UserError } from "../../model/errors.ts";

/** `owner.json` beside a cluster that is not in its project's folder: which project's it is. */
interface Owner {
  /** The project's folder, links resolved. */
  readonly project: string;
  /** The same as in the project's `server.json`; goes with a project that is moved. */
  readonly token?: string;
}

/** Whose cluster a folder holds. `unknown`: there is something, and nothing says whose it is. */
export type Ownership = "ours" | "another's" | "unknown" | "gone";

const ownerFile = (home: string) => join(home, "owner.json");
const projectOf = (stateDir: string) => realpathSync(dirname(resolve(stateDir)));

/**
 * Whether `home`, which holds a cluster and may be deleted with it, is this project's. A folder in the project is; of any
 * other one its own `owner.json` decides, never what a `server.json` or a link says, which may be copied or somebody's trap.
 */
export function ownership(home: string, stateDir: string, token: string | undefined): Ownership {
  if (!existsSync(home)) return "gone";
  if (isInProject(home, stateDir)) return "ours";
  const owner = readOwner(home);
  if (!owner) return "unknown";
  if (owner.project === projectOf(stateDir)) return "ours";
  const moved = token !== undefined && owner.token === token && !stillThere(owner, stateDir);
  return moved ? "ours" : "another's";
}

/** The project that a cluster outside of projects was made for. */
export const ownerOf = (home: string): string | undefined => readOwner(home)?.project;

export function notOurs(home: string, stateDir: string): UserError {
  const owner = readOwner(home);
  const line = JSON.stringify({ project: projectOf(stateDir) });
  return new UserError({
    message: `${home} is not known to be this project's`,
    expected: `${ownerFile(home)} with ${line}`,
    found: owner ? `it belongs to ${owner.project}` : "no such file",
    hint: owner
      ? `remove the link that leads there from ${resolve(stateDir)}, or set DATABASE_URL`
      : `if the database there is this project's, write that line into that file; if not, remove ${join(resolve(stateDir), "postgres")}`,
  });
}

/** Says whose the cluster in `home` is, where its place does not; of a project that was moved, where it is now. */
export function markOwner(home: string, stateDir: string, token: string | undefined): void {
  if (isInProject(home, stateDir)) return;
  const owner: Owner = { project: projectOf(stateDir), token };
  if (readOwner(home)?.project === owner.project) return;
  const temporary = `${ownerFile(home)}.tmp`;
  rmSync(temporary, { force: true });
  writeFileSync(temporary, `${JSON.stringify(owner)}\n`, { mode: 0o600, flag: "wx" });
  renameSync(temporary, ownerFile(home));
}

function isInProject(home: string, stateDir: string): boolean {
  return realpathSync(home) === join(projectOf(stateDir), basename(resolve(stateDir)), "postgres");
}

/** The project that the cluster was made for is where it was: this one is a copy of it. */
function stillThere({ project, token }: Owner, stateDir: string): boolean {
  try {
    const file = join(project, basename(stateDir), "postgres", "server.json");
    return (JSON.parse(readFileSync(file, "utf8")) as Partial<Owner>).token === token;
  } catch (error) {
    return !["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "");
  }
}

function readOwner(home: string): Owner | undefined {
  try {
    const owner = JSON.parse(readFileSync(ownerFile(home), "utf8")) as Partial<Owner>;
    return typeof owner?.project === "string" ? { project: owner.project, token: owner.token } : undefined;
  } catch {
    return undefined;
  }
}
