import { UserError } from "../../model/errors.ts";
import { findNative, packageVersion } from "./binaries.ts";
import { checkCluster } from "./cluster.ts";
import { passwordLost } from "./server.ts";
import { clusterExists, placeOf, readStored } from "./state.ts";

/** Why the embedded server would not start, as far as that shows without starting it. Nothing is changed. */
export function startTrouble(stateDir: string): UserError | undefined {
  try {
    const stored = readStored(stateDir);
    const place = placeOf(stateDir, stored);
    const [major = ""] = packageVersion(findNative()).split(".");
    if (!clusterExists(place)) return undefined;
    if (!stored) return passwordLost(place);
    checkCluster({ major }, place);
    return undefined;
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
}
