import type { DeclaredFile } from "../config/yaml-folder.ts";
import { type Target, targetKey } from "../model/target.ts";
import { mistake } from "./mistake.ts";

interface Written {
  readonly title: string;
  readonly text?: string;
  readonly tags?: readonly string[];
}

/** What an action says that is a YAML which shows models, and makes nothing. */
export function showingAction({ file, written }: DeclaredFile<Written>, target: Target, reads: readonly Target[]) {
  const { title, text, tags = [] } = written;
  return {
    target,
    file,
    tags,
    dependencies: [...new Map(reads.map((one) => [targetKey(one), one])).values()],
    disabled: false,
    description: title,
    columns: [],
    title,
    ...(text ? { text } : {}),
  };
}

/** Something else in the project has its name. */
export function takenName({ file, place }: DeclaredFile<Written>, target: Target) {
  return mistake({
    message: `${targetKey(target)} is an action of the project already`,
    ...place.value(),
    expected: "a name that nothing else in the project has",
    found: file,
    hint: "give the file another name",
  });
}
