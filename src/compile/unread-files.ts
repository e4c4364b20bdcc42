import { basename } from "node:path";
import type { ProjectFiles } from "./project.ts";
import { readSource } from "./source.ts";

const ACTIONS = "actions.yaml";

/** Notes on files in definitions/ that look like a part of the project, and that nothing reads. */
export function unreadFiles({ projectDir, files }: ProjectFiles): readonly string[] {
  const suspects = files.filter((file) => file.startsWith("definitions/") && /\.(?:sqlx?|js|ya?ml)$/i.test(file));
  const lists = suspects.filter((file) => basename(file) === ACTIONS);
  const listed = lists.map((file) => readSource(projectDir, file)).join("\n");
  return suspects.flatMap((file) => {
    const why = whyUnread(file, listed);
    return why === undefined ? [] : [`${file} is not read: ${why}`];
  });
}

function whyUnread(file: string, listed: string): string | undefined {
  const name = basename(file);
  if (/\.(?:sqlx|js)$/i.test(name)) return /\.(?:sqlx|js)$/.test(name) ? undefined : "write the end of its name small";
  if (name.endsWith(".sql") && listed.includes(name)) return undefined;
  if (/\.sql$/i.test(name)) return `a model ends with .sqlx; a .sql file counts where ${ACTIONS} names it`;
  return name === ACTIONS
    ? undefined
    : "descriptions and tests of a model stand in its own config { … } (docs/models.md)";
}

/** A note on a project that has nothing to do. */
export function emptyProject(files: ProjectFiles["files"], actions: number): readonly string[] {
  if (actions > 0 || files.some((file) => /^definitions\/.*\.(?:sqlx|js)$/.test(file))) return [];
  return ["the project has no models: they are .sqlx files in definitions/ (docs/start.md)"];
}
