import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { UserError } from "../model/errors.ts";

/**
 * A package that only some projects need: the project's own, or else the one beside us.
 * @param name of the package, or of a file of it that it offers: `package/file.js`
 */
export async function importOptional<T>(name: string, projectDir: string | undefined, purpose: string): Promise<T> {
  const own = projectDir === undefined ? undefined : find(name, join(projectDir, "package.json"));
  const path = own ?? find(name, import.meta.url);
  if (path !== undefined) return (await import(pathToFileURL(path).href)) as T;
  const [itsPackage] = /^(?:@[^/]+\/)?[^/]+/.exec(name)!;
  throw new UserError({
    message: `${purpose} needs the package ${itsPackage}, which is not installed`,
    hint: `npm install ${itsPackage}`,
  });
}

function find(name: string, from: string): string | undefined {
  try {
    return createRequire(from).resolve(name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "MODULE_NOT_FOUND") return undefined;
    throw error;
  }
}
