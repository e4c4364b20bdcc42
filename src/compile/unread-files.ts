import { basename } from "node:path";
import type { ProjectFiles } from "./project.ts";

const ACTIONS = "actions.yaml";

/**
 * Notes on files in definitions/ that look like a part of the project, and that nothing reads.
 * @param read those that were read while the project was compiled, whoever named them
 */
export function unreadFiles({ files }: ProjectFiles, read: readonly string[]): readonly string[] {
  const suspects = files.filter((file) => file.startsWith("definitions/") && /\.(?:sqlx?|js|ya?ml)$/i.test(file));
  return suspects.flatMap((file) => {
    const why = read.includes(file) ? undefined : whyUnread(file);
    return why === undefined ? [] : [`${file} is not read: ${why}`];
  });
}

function whyUnread(file: string): string | undefined {
  const name = basename(file);
  if (/\.(?:sqlx|js)$/i.test(name)) return /\.(?:sqlx|js)$/.test(name) ? undefined : "write the end of its name small";
  if (/\.sql$/i.test(name))
    return `a model ends with .sqlx; a .sql file counts where ${ACTIONS} names it, or dataform.json is the project file`;
  return name === ACTIONS
    ? undefined
    : "descriptions and tests of a model stand in its own config { … } (docs/models.md)";
}

/** A note on a project that has nothing to do. */
export function emptyProject(files: ProjectFiles["files"], actions: number): readonly string[] {
  if (actions > 0 || files.some((file) => /^definitions\/.*\.(?:sqlx|js)$/.test(file))) return [];
  return ["the project has no models: they are .sqlx files in definitions/ (docs/start.md)"];
}
