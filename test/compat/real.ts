import { spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { ConnectionSettings } from "../../src/model/connection-settings.ts";
import { withClient } from "../../src/postgres/client.ts";
import type { Answer, DataformGraph, Told } from "./answer.ts";
import { readState, send } from "./database.ts";
import { type ComparedProject, putProject, type Version } from "./projects.ts";

const packages = resolve(import.meta.dirname, "node_modules");

/** Whether Dataform's own command lines are there: `npm ci --prefix test/compat --ignore-scripts`. */
export const isInstalled = existsSync(join(packages, "dataform-2"));

/** A version of Dataform in a folder of its own, in which one project after another is put. */
export class Dataform {
  readonly #version: Version;
  readonly #folder: string;

  constructor(version: Version) {
    this.#version = version;
    this.#folder = mkdtempSync(join(tmpdir(), "compat-"));
    // Their sandbox reads what is in the folder, and follows no links.
    copyPackage(`core-${version}`, join(this.#folder, "node_modules", "@dataform", "core"), this.#folder);
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true });
  }

  /** @param settings of an empty database, on a server with TLS: Dataform 2 speaks nothing else */
  async answer(project: ComparedProject, settings: ConnectionSettings): Promise<Answer> {
    putProject(project, this.#version, this.#folder);
    const { stdout } = await this.#run(["compile", "--json", ...project.compile]);
    const graph = withoutStacks(JSON.parse(stdout.slice(stdout.search(/^\{$/m))) as DataformGraph);
    if (this.#version === 3) return { graph, steps: [] };
    this.#writeCredentials(settings);
    const steps: Told[] = [];
    await withClient(settings, {}, async (client) => {
      await send(client, project.setup);
      for (const step of project.steps) {
        if ("sql" in step) await send(client, step.sql);
        else if ("test" in step) steps.push(await this.#test(step.test));
        else steps.push({ ...(await this.#runProject(step.run)), state: await readState(client, project.state) });
      }
    });
    return { graph, steps };
  }

  async #runProject(flags: readonly string[]): Promise<Told> {
    const { stdout, stderr, exitCode } = await this.#run(["run", ...flags]);
    const lines = `${stdout}\n${stderr}`.split("\n");
    const told = lines.flatMap((line): [string, string][] => {
      const [, words, name] = ACTION.exec(line) ?? [];
      return words === undefined ? [] : [[name!, STATUSES[words.split(" ").at(-1)!]!]];
    });
    return { exitCode, actions: Object.fromEntries(told.sort()) };
  }

  async #test(flags: readonly string[]): Promise<Told> {
    const { stdout, exitCode } = await this.#run(["test", ...flags]);
    const told = [...stdout.matchAll(/^(.+): (passed|failed)$/gm)].map(([, name, how]) => [name!, how!] as const);
    return { exitCode, tests: Object.fromEntries(told.sort()) as NonNullable<Told["tests"]> };
  }

  #writeCredentials({ host, port, user, password, database }: ConnectionSettings): void {
    const said = { host, port, username: user, password, databaseName: database };
    writeFileSync(join(this.#folder, ".df-credentials.json"), JSON.stringify(said));
  }

  async #run(args: readonly string[]): Promise<{ stdout: string; stderr: string; exitCode: number }> {
    const program = join(packages, `dataform-${this.#version}`, "bundle.js");
    // Dataform 2 gives a project five seconds to compile, which says more of the machine than of the project.
    const child = spawn(process.execPath, [program, ...args, "--timeout", "120s"], {
      cwd: this.#folder,
      env: { PATH: process.env.PATH, HOME: this.#folder },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const out = { stdout: "", stderr: "" };
    child.stdout.on("data", (chunk) => (out.stdout += chunk));
    child.stderr.on("data", (chunk) => (out.stderr += chunk));
    const exitCode = await new Promise<number>((done) => child.once("close", (code) => done(code ?? -1)));
    const plain = (text: string) => text.replaceAll(/\u001b\[\d+m/g, "");
    return { stdout: plain(out.stdout), stderr: plain(out.stderr), exitCode };
  }
}

/** What Dataform 2 says of an action: in the last of these words, how it went. */
const ACTION =
  /^((?:Dataset|Assertion|Operation) (?:created|passed|completed successfully|creation failed|failed|creation disabled|execution disabled)|Skipping (?:dataset|assertion|operation) (?:creation|execution)): +(.*?)(?: \[\w+\])*$/;

const STATUSES: Readonly<Record<string, string>> = {
  created: "SUCCESSFUL",
  passed: "SUCCESSFUL",
  successfully: "SUCCESSFUL",
  failed: "FAILED",
  disabled: "DISABLED",
  creation: "SKIPPED",
  execution: "SKIPPED",
};

/** Stacks are of the machine. */
function withoutStacks(graph: DataformGraph): DataformGraph {
  const errors = graph.graphErrors?.compilationErrors;
  if (!errors) return graph;
  const told = errors.map(({ fileName = "", message = "" }) => ({ fileName, message }));
  return { ...graph, graphErrors: { compilationErrors: told } };
}

/** A package, and what it needs, as it is installed here. */
function copyPackage(name: string, to: string, folder: string): void {
  if (existsSync(to)) return;
  const from = join(packages, name);
  mkdirSync(to, { recursive: true });
  cpSync(from, to, { recursive: true });
  const { dependencies = {} } = JSON.parse(readFileSync(join(from, "package.json"), "utf8")) as {
    dependencies?: Record<string, string>;
  };
  for (const needed of Object.keys(dependencies))
    if (!existsSync(join(from, "node_modules", needed)))
      copyPackage(needed, join(folder, "node_modules", needed), folder);
}
