import { hostname, userInfo } from "node:os";

/** Who sits at this machine: `anna@laptop`. */
export function whoami(): string {
  try {
    return `${userInfo().username}@${hostname()}`;
  } catch {
    return hostname(); // A container's user may have no name.
  }
}
