import { execFileSync } from "node:child_process";
import { realpathSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { UserError } from "../../model/errors.ts";

/** The account that runs the server when we are root, which PostgreSQL refuses to run as. */
export interface ServerUser {
  readonly uid: number;
  readonly gid: number;
  readonly name: string;
}

function id(...args: string[]): string | undefined {
  try {
    return execFileSync("id", args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  } catch {
    return undefined;
  }
}

/** initdb looks its user up by number and gives up on one without a name, so a nameless uid is no candidate. */
function ownerOf(path: string): ServerUser | undefined {
  const { uid, gid } = statSync(path, { throwIfNoEntry: false }) ?? { uid: 0, gid: 0 };
  const name = uid === 0 ? undefined : id("-un", String(uid));
  return name === undefined ? undefined : { uid, gid, name };
}

function named(name: string): ServerUser | undefined {
  const [uid, gid] = [id("-u", name), id("-g", name)].map(Number);
  return uid && gid ? { uid, gid, name } : undefined;
}

/**
 * Who runs the server: undefined means ourselves. As root, in this order: whoever owns the cluster already,
 * whoever owns the project (so that it also works later without sudo), `postgres`, `nobody`.
 */
export function serverUser(projectDir: string, dataDir: string): ServerUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const user = ownerOf(dataDir) ?? ownerOf(projectDir) ?? named("postgres") ?? named("_postgres") ?? named("nobody");
  if (user) return user;
  throw new UserError({
    message: "the embedded PostgreSQL cannot run as root",
    found: "no user called postgres or nobody to run it as",
    hint: "run as another user, create a user called postgres, or set DATABASE_URL",
  });
}

/** Whether `user` can open `path` for reading and executing: mode bits of the path and x of all its parents. */
export function canReach(path: string, user: ServerUser | undefined): boolean {
  if (!user) return true;
  const target = realpathSync(path);
  for (let at = target; ; at = dirname(at)) {
    const { mode, uid, gid } = statSync(at);
    const bits = uid === user.uid ? mode >> 6 : gid === user.gid ? mode >> 3 : mode;
    const needed = at === target && !statSync(at).isDirectory() ? 0o5 : 0o1;
    if ((bits & needed) !== needed) return false;
    if (dirname(at) === at) return true;
  }
}
