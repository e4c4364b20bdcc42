import { createRequire } from "node:module";
import { join } from "node:path";
import { UserError } from "../../model/errors.ts";

/** Loads a driver that only those install who need it: the project's own copy first, then ours. */
export function loadDriver<T>(name: string, projectDir: string | undefined): T {
  const places = [...(projectDir === undefined ? [] : [join(projectDir, "package.json")]), import.meta.url];
  for (const place of places) {
    const require = createRequire(place);
    let path: string;
    try {
      path = require.resolve(name);
    } catch {
      continue;
    }
    return require(path) as T;
  }
  throw new UserError({
    message: `the driver ${name} is not installed`,
    hint: `npm install ${name}`,
  });
}
