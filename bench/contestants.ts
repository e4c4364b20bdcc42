import { cpSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ConnectionSettings, connectionUrl } from "../src/model/connection-settings.ts";
import { runTool, timeProcess } from "./process.ts";

export const OLD_CLI = "2.6.7";
export const OLD_CORE = "2.9.0";

/** A command line that compiles and runs the project, each time as a whole new process. */
export interface CommandLine {
  /** Seconds. */
  compile(): Promise<number>;
  run(database: ConnectionSettings, ...flags: string[]): Promise<number>;
}

/** Ours, as built into dist/. */
export function ourCommandLine(root: string, projectDir: string, logDir: string): CommandLine {
  const main = join(root, "dist", "cli", "main.js");
  const start = (name: string, parameters: readonly string[]) =>
    timeProcess(process.execPath, [main, ...parameters], {
      cwd: projectDir,
      logFile: join(logDir, `ours-${name}.log`),
    });
  return {
    compile: () => start("compile", ["compile", "--json"]),
    run: (database, ...flags) => start("run", ["run", "--url", urlOf(database), ...flags]),
  };
}

/** connectionUrl() leaves TLS out. */
function urlOf(database: ConnectionSettings): string {
  return connectionUrl(database, { password: true });
}

/** The last command line of Dataform that spoke to PostgreSQL, installed from npm once. */
export function oldCommandLine(cacheDir: string, projectDir: string, logDir: string): CommandLine {
  const installed = installOld(cacheDir);
  const modules = join(installed, "node_modules");
  // Its project is what its own `dataform init` writes: core in the project's folder, named in package.json.
  cpSync(join(modules, "@dataform", "core"), join(projectDir, "node_modules", "@dataform", "core"), {
    recursive: true,
  });
  writeFileSync(join(projectDir, "package.json"), JSON.stringify({ dependencies: { "@dataform/core": OLD_CORE } }));
  const home = join(cacheDir, "home");
  mkdirSync(home, { recursive: true });
  const start = (name: string, parameters: readonly string[]) =>
    timeProcess(
      process.execPath,
      [join(modules, "@dataform", "cli", "bundle.js"), ...parameters, "--track=false", "--timeout=10m"],
      {
        cwd: projectDir,
        env: { ...process.env, HOME: home },
        logFile: join(logDir, `old-${name}.log`),
      },
    );
  return {
    compile: () => start("compile", ["compile", projectDir, "--json"]),
    run: (database, ...flags) => {
      const { host, port, user, password, database: databaseName } = database;
      writeFileSync(
        join(projectDir, ".df-credentials.json"),
        JSON.stringify({ host, port, username: user, password, databaseName }),
      );
      return start("run", ["run", projectDir, ...flags]);
    },
  };
}

function installOld(cacheDir: string): string {
  const folder = join(cacheDir, `dataform-${OLD_CLI}`);
  if (existsSync(join(folder, "node_modules", "@dataform", "cli", "bundle.js"))) return folder;
  mkdirSync(folder, { recursive: true });
  const dependencies = { "@dataform/cli": OLD_CLI, "@dataform/core": OLD_CORE };
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, dependencies }));
  runTool("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts"], { cwd: folder });
  return folder;
}

/** Builds dist/ where it is absent or older than src/, so that the figures are of the code that is there. */
export function ensureBuilt(root: string): void {
  const built = join(root, "dist", "cli", "main.js");
  const changed = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" }).map(
    (path) => statSync(join(root, "src", path)).mtimeMs,
  );
  if (existsSync(built) && statSync(built).mtimeMs >= Math.max(...changed)) return;
  runTool("npm", ["run", "-s", "prepare"], { cwd: root });
}
