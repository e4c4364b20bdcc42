import type { ChildProcess, ForkOptions } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { EventEmitter } from "node:events";
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createRequire, syncBuiltinESMExports } from "node:module";
import type { Socket } from "node:net";
import { dirname, join, resolve } from "node:path";
import { isWhole } from "./proof.ts";

/*
 * A file that Vitest runs before those of tests (vitest.config.ts says in which lanes): the child that src/compile/sandbox.ts starts
 * is one of these. Of the same project, compiled by the same compiler, there is one answer, with its errors and what was printed. It
 * is kept in node_modules/.cache, so that the same tests on another server, or once more, compile nothing; CI begins with none. What
 * is not kept yet is compiled in a process that goes on to the next project (warm-compiler.cjs): Node's start and core's reading
 * were most of a compilation. What stops the compiler is not kept, and ends that process.
 */

interface Request {
  readonly corePath: string;
  readonly projectDir: string;
  readonly files: readonly string[];
  /** Under a debugger, which leaves a process slow. */
  readonly placeThrown: boolean;
}

/** Stands for the project's folder in what is kept, which has no such escape otherwise. */
const FOLDER = "\\ue0ff";

const root = resolve(import.meta.dirname, "../..");
const require = createRequire(import.meta.url);
const childProcess = require("node:child_process") as { fork: Fork };
type Fork = (module: string, ...rest: (ForkOptions | readonly string[])[]) => ChildProcess;

const shared = globalThis as { dataformTestFork?: Fork };
shared.dataformTestFork ??= childProcess.fork;
const fork = shared.dataformTestFork;
childProcess.fork = (module, ...rest) =>
  module.endsWith("compile/worker.cjs")
    ? (new Compiler(module, rest[0] as ForkOptions) as unknown as ChildProcess)
    : fork(module, ...rest);
syncBuiltinESMExports();

/** Processes that wait for the next project, by their memory and flags. */
const waiting = new Map<string, ChildProcess[]>();

class Compiler extends EventEmitter {
  readonly stderr = new EventEmitter();
  readonly #module: string;
  readonly #options: ForkOptions;
  #child: ChildProcess | undefined;
  #killed = false;

  constructor(module: string, options: ForkOptions) {
    super();
    this.#module = module;
    this.#options = options;
  }

  send(request: Request): void {
    const kept = keptAt(request);
    try {
      const folder = JSON.stringify(request.projectDir).slice(1, -1);
      const messages = JSON.parse(readFileSync(kept, "utf8").replaceAll(FOLDER, folder)) as unknown[];
      setImmediate(() => {
        for (const message of messages) if (!this.#killed) this.emit("message", message);
      });
    } catch {
      this.#compile(request, kept);
    }
  }

  #compile(request: Request, kept: string): void {
    const isWarm = !request.placeThrown && !isWhole;
    const kind = JSON.stringify([this.#module, this.#options.execArgv]);
    const child = (isWarm && waiting.get(kind)?.pop()) || started(this.#module, this.#options, isWarm);
    this.#child = child;
    hold(child, true);
    const messages: unknown[] = [];
    const said = (chunk: Buffer) => this.stderr.emit("data", chunk);
    const ended = (code: number | null) => this.emit("close", code);
    const failed = (error: Error) => this.emit("error", error);
    const heard = (told: { message: object; isWarm?: boolean }) => {
      const message = isWarm ? told.message : told;
      messages.push(message);
      if (!("printed" in message)) {
        this.#child = undefined;
        child.off("close", ended).off("error", failed).off("message", heard);
        child.stderr!.off("data", said);
        if (told.isWarm) waiting.set(kind, [...(waiting.get(kind) ?? []), hold(child, false)]);
        else child.kill("SIGKILL");
        keep(kept, messages, request.projectDir);
      }
      this.emit("message", message);
    };
    child.on("message", heard).on("close", ended).on("error", failed);
    child.stderr!.on("data", said);
    child.send(request);
  }

  kill(): void {
    this.#killed = true;
    this.#child?.kill("SIGKILL");
  }
}

/** Whether this process waits for that one to end. */
function hold(child: ChildProcess, isHeld: boolean): ChildProcess {
  const stderr = child.stderr as Socket;
  for (const one of [child, child.channel!, stderr]) isHeld ? one.ref() : one.unref();
  return child;
}

function started(module: string, options: ForkOptions, isWarm: boolean): ChildProcess {
  return isWarm ? fork(join(import.meta.dirname, "warm-compiler.cjs"), [module], options) : fork(module, options);
}

function keep(file: string, messages: readonly unknown[], projectDir: string): void {
  const folder = JSON.stringify(projectDir).slice(1, -1);
  mkdirSync(dirname(file), { recursive: true });
  const unfinished = `${file}.${randomUUID()}`;
  writeFileSync(unfinished, JSON.stringify(messages).replaceAll(folder, FOLDER));
  renameSync(unfinished, file);
}

let known: string | undefined;

function keptAt({ projectDir, files, ...request }: Request): string {
  const hash = createHash("sha256").update(JSON.stringify(request));
  for (const file of files) hash.update(`\0${file}\0`).update(readFileSync(join(projectDir, file)));
  for (const file of filesBeside(projectDir, files))
    hash.update(`\0${file}\0`).update(readFileSync(join(projectDir, file)));
  known ??= join(root, "node_modules/.cache/compiled", compilerHash());
  return join(known, `${hash.digest("hex")}.json`);
}

/** What a project's code may read besides its models: its packages, and files anywhere in its folder. Of this repository its lock says that. */
function filesBeside(projectDir: string, models: readonly string[]): readonly string[] {
  if (resolve(projectDir) === root) return ["package-lock.json"];
  const known = new Set(models);
  const inside = (folder: string): readonly string[] =>
    readdirSync(join(projectDir, folder), { withFileTypes: true }).flatMap((entry) => {
      const name = join(folder, entry.name);
      if (entry.isDirectory()) return entry.name.startsWith(".") ? [] : inside(name);
      return entry.isFile() && !known.has(name) ? [name] : [];
    });
  return [...inside("")].sort();
}

/** Of everything that an answer depends on besides the project: the compiler, the packaged functions, core and Node. */
function compilerHash(): string {
  const hash = createHash("sha256").update(process.version);
  hash.update(readFileSync(join(dirname(require.resolve("@dataform/core")), "package.json")));
  for (const folder of ["src/compile", "dist/cjs"]) {
    for (const name of readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).sort())
      if (/\.c?[jt]s$/.test(name)) hash.update(`\0${name}\0`).update(readFileSync(join(root, folder, name)));
  }
  return hash.digest("hex").slice(0, 16);
}
