import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Place } from "./state.ts";

/** The log file written last: one per weekday inside the cluster. */
export function logFile(place: Place): string | undefined {
  const folder = join(place.dataDir, "log");
  try {
    const files = readdirSync(folder).map((name) => join(folder, name));
    return files.sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)[0];
  } catch {
    return undefined;
  }
}

/** The last lines the server wrote, on its way up and since. */
export function logTail(place: Place, lines = 12): string {
  const early = tail(place.startLog, lines);
  const later = logFile(place);
  // Until the server writes its own log file, that is the log of an earlier run.
  const redirected = early.some((line) => line.includes("redirecting log output"));
  return (redirected && later ? tail(later, lines) : early).join("\n");
}

function tail(file: string, lines: number): string[] {
  try {
    return readFileSync(file, "utf8").trimEnd().split("\n").slice(-lines);
  } catch {
    return [];
  }
}
