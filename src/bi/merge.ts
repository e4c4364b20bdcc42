import { createHash } from "node:crypto";

/** What is to become of a text of a tool. */
export type Verdict =
  /** It says what the project says, or the project says nothing. */
  | "same"
  /** It is empty, or what was written before: the project's takes its place. */
  | "set"
  /** A person typed it: it stays. */
  | "kept";

/**
 * @param written the mark of what this program wrote last, where the tool remembers it
 * @param overwrite whether the project's text takes the place of what people typed
 */
export function verdictOn(
  current: string | null | undefined,
  wanted: string | undefined,
  { written, overwrite = false }: { readonly written?: string; readonly overwrite?: boolean } = {},
): Verdict {
  if (wanted === undefined || (current ?? "").trim() === wanted.trim()) return "same";
  if (!current?.trim() || overwrite) return "set";
  return written === markOf(current) ? "set" : "kept";
}

/** Tells later whether a text is still the one that was written. */
export function markOf(text: string): string {
  return createHash("sha256").update(text.trim()).digest("hex").slice(0, 16);
}

/** One thing that a tool is told, or is not told because a person said something else. */
export interface Change {
  /** schema.name, and behind it a column or a metric. */
  readonly about: string;
  readonly what: string;
  readonly from?: string;
  readonly to: string;
}

/** What came of telling a tool; of `--dry-run` what would. */
export interface BiReport {
  readonly version: 1;
  readonly tool: string;
  readonly toolVersion: string;
  readonly dryRun: boolean;
  readonly changes: readonly Change[];
  /** What people typed, and stays. */
  readonly kept: readonly Change[];
  /** Relations of the project that the tool does not know. */
  readonly missing: readonly string[];
  /** What a person should look at. */
  readonly notes: readonly string[];
}
