import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, cpSync, lstatSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, onTestFinished } from "vitest";
import type { ConnectionSettings } from "../../src/model/connection-settings.ts";
import { withClient } from "../../src/postgres/client.ts";
import { findNative } from "../../src/postgres/embedded/binaries.ts";
import { embeddedStatus, resetEmbedded } from "../../src/postgres/embedded/server.ts";
import { script } from "../../src/sql/authored.ts";

export const isRoot = process.getuid?.() === 0;
export const nobody = 65534;

/** A temporary folder that the server's user can enter, unlike mkdtemp's own 0700. */
export function folder(mode = 0o755, owner?: number): string {
  const path = mkdtempSync(join(tmpdir(), "dataform-embedded-"));
  chmodSync(path, mode);
  if (owner !== undefined) chownSync(path, owner, owner);
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** A state folder. Its server and its files, wherever they are, go away after the test. */
export function project(mode?: number, owner?: number): string {
  const stateDir = join(folder(mode, owner), ".dataform");
  onTestFinished(() => reset(stateDir));
  return stateDir;
}

/** Ends the server of a project folder, and removes its files. */
export const resetProject = (dir: string): Promise<void> => reset(join(dir, ".dataform"));

export async function reset(stateDir: string): Promise<void> {
  await resetEmbedded(stateDir);
}

/** A package as npm leaves it with --ignore-scripts: no links. Returns its `native` folder. */
export function packageWithoutLinks(mode?: number): string {
  const copy = folder(mode);
  const filter = (path: string) => !lstatSync(path).isSymbolicLink();
  cpSync(dirname(findNative()), copy, { recursive: true, filter });
  return join(copy, "native");
}

/** The same call from another process; its result, or its error. Returns when nobody holds its stdout any more. */
export async function elsewhere<T = ConnectionSettings>(name: string, args: unknown[], uid?: number): Promise<T> {
  const child = spawnCall(name, args, uid);
  let output = "";
  child.stdout!.on("data", (chunk) => (output += chunk));
  await once(child, "close");
  const { result, error } = JSON.parse(output) as { result: T; error?: object };
  if (error) throw Object.assign(new Error(), error);
  return result;
}

/** Begins the call in another process. The function returned kills that process. */
export function startElsewhere(name: string, args: unknown[]): () => Promise<void> {
  const child = spawnCall(name, args);
  return async () => {
    child.kill("SIGKILL");
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  };
}

function spawnCall(name: string, args: unknown[], uid?: number): ChildProcess {
  const module = new URL("../../dist/postgres/embedded/server.js", import.meta.url).href;
  const script = `import * as api from ${JSON.stringify(module)};
    try { console.log(JSON.stringify({ result: await api.${name}(...${JSON.stringify(args)}) })) }
    catch (error) { console.log(JSON.stringify({ error: { message: error.message, ...error } })) }`;
  const command = ["--input-type=module", "-e", script];
  return spawn(process.execPath, command, { uid, gid: uid, cwd: "/", stdio: ["ignore", "pipe", "inherit"] });
}

export async function ask(settings: ConnectionSettings, sql: string) {
  return (await withClient(settings, {}, (client) => client.query(script(sql)))).rows[0];
}

/** Somebody else's program on this port. */
export async function occupy(port: number): Promise<void> {
  const server = createServer().listen(port, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
}

/** Ends the server the hard way and waits until it is gone. */
export async function killServer(stateDir: string): Promise<void> {
  const { pid } = await embeddedStatus(stateDir);
  process.kill(pid!, "SIGKILL");
  await expect
    .poll(() => embeddedStatus(stateDir), { timeout: 30_000 })
    .toMatchObject({ state: "stopped", crashed: true });
}

/** A living program that is not PostgreSQL, run by the owner of `path`. Its process number. */
export function bystander(path: string): number {
  const { uid, gid } = statSync(path);
  const child = spawn("sleep", ["600"], { ...(isRoot && { uid, gid }), stdio: "ignore" });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child.pid!;
}
