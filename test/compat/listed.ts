import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Difference } from "./differences.ts";
import { type ComparedProject, VERSIONS, type Version } from "./projects.ts";

/** A difference on purpose: a row of the table in docs/compatibility.md. `*` stands for any text. */
export interface Listed {
  readonly version: string;
  readonly project: string;
  readonly where: string;
}

const PAGE = resolve(import.meta.dirname, "../../docs/compatibility.md");

export const listed: readonly Listed[] = readFileSync(PAGE, "utf8")
  .split("\n")
  .flatMap((line): readonly Listed[] => {
    const [, version, project, where] = /^\| (2\.6\.7|3\.0\.69) \| `([^`]+)` \| `([^`]+)` \|/.exec(line) ?? [];
    return version ? [{ version, project: project!, where: where! }] : [];
  });

/** The rows that speak of a difference. */
export function rowsOf(project: ComparedProject, version: Version, { where }: Difference): readonly Listed[] {
  return listed.filter(
    (row) => row.version === VERSIONS[version] && isLike(row.project, project.name) && isLike(row.where, where),
  );
}

function isLike(pattern: string, text: string): boolean {
  const parts = pattern.split("*").map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`, "s").test(text);
}
