import { join, relative } from "node:path";
import type { UserErrorDetails } from "../model/errors.ts";
import type { Shell } from "./shell.ts";

type Annotated = Pick<UserErrorDetails, "message" | "location" | "alsoAt" | "found" | "hint">;

/** Says what GitHub Actions shows beside the file; nothing elsewhere. */
export function annotate(shell: Shell, found: readonly Annotated[], level: "error" | "warning" = "error"): void {
  if (shell.env.GITHUB_ACTIONS !== "true") return;
  // Actions shows files by their place in the repository, and a project may be a folder of it.
  const folder = relative(shell.env.GITHUB_WORKSPACE ?? process.cwd(), shell.projectDir);
  const tell = shell.tellRunner ?? shell.say;
  const places = found.flatMap((one) => [one, ...(one.alsoAt ?? []).map((location) => ({ ...one, location }))]);
  for (const one of places) tell(annotation(one, level, folder.startsWith("..") ? "" : folder));
}

function annotation({ message, location, found, hint }: Annotated, level: string, folder: string): string {
  const place = location && {
    file: join(folder, location.file).replaceAll("\\", "/"),
    line: location.line ?? 1,
    col: location.column,
  };
  const properties = Object.entries(place ?? {})
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${escapeProperty(String(value))}`);
  const text = [message, ...(found ? [`found: ${found}`] : []), ...(hint ? [`→ ${hint}`] : [])].join("\n");
  return `::${[level, ...(properties.length ? [properties.join(",")] : [])].join(" ")}::${escapeData(text)}`;
}

/** A text in which Actions finds no command; what is JSON stays the same value. */
export function untold(text: string): string {
  return text.replaceAll(/^(\s*)::/gm, "$1\\::").replaceAll("##[", "#\\u0023[");
}

function escapeData(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}
