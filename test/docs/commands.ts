import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { PassThrough } from "node:stream";
import { promisify } from "node:util";
import { cli } from "dataform-postgres";

export interface Outcome {
  readonly exitCode: number;
  /** What a terminal shows: both streams as they came. */
  readonly output: string;
}

export interface Place {
  readonly dir: string;
  readonly env: Record<string, string>;
}

/** Runs a line of a page where a person would type it. `dataform` runs in this process, as it is built. */
export async function runLine(line: string, place: Place): Promise<Outcome> {
  const exported = /^export (\w+)=(\S*)$/.exec(line);
  if (exported) {
    place.env[exported[1]!] = exported[2]!.replaceAll(/^["']|["']$/g, "");
    return { exitCode: 0, output: "" };
  }
  // An export writes where the process stands, and a schedule starts the program anew.
  const plain =
    !/[|&;<>$`]/.test(line.replaceAll(/"[^"$`]*"|'[^']*'/g, "")) && !/\bdataform (?:export|schedule run) /.test(line);
  const words = plain && /^(?:\w+=\S+ )*(?:npx )?dataform /.test(line) ? split(line) : undefined;
  return words ? dataform(words, place) : shell(line, place);
}

async function dataform(words: readonly string[], { dir, env }: Place): Promise<Outcome> {
  const said: string[] = [];
  const at = words.findIndex((word) => !/^\w+=/.test(word));
  const own = Object.fromEntries(words.slice(0, at).map((word) => word.split("=") as [string, string]));
  const args = words
    .slice(at)
    .filter((word, index) => !(index === 0 && word === "npx"))
    .slice(1);
  const output = new PassThrough();
  output.on("data", (chunk: Buffer) => said.push(chunk.toString().replace(/\n$/, "")));
  const say = (line: string) => void said.push(line);
  const exitCode = await cli(args, {
    projectDir: dir,
    env: { ...env, ...own },
    color: false,
    exitCode: 0,
    print: say,
    say,
    output,
  });
  return { exitCode, output: said.join("\n") };
}

const run = promisify(execFile);

async function shell(line: string, { dir, env }: Place): Promise<Outcome> {
  const bin = resolve(import.meta.dirname, "../../node_modules/.bin");
  const options = {
    cwd: dir,
    env: {
      HOME: process.env.HOME ?? "",
      NO_COLOR: "1",
      ...env,
      PATH: `${dir}/node_modules/.bin:${bin}:${process.env.PATH}`,
    },
  };
  try {
    // What npx would find is on the path; it never asks a registry here.
    const { stdout } = await run("bash", ["-ec", `${line.replaceAll(/\bnpx (?=dataform |tsx )/g, "")} 2>&1`], options);
    return { exitCode: 0, output: stdout.trimEnd() };
  } catch (error) {
    const { code, stdout } = error as { code?: number; stdout?: string };
    return { exitCode: typeof code === "number" ? code : 1, output: (stdout ?? String(error)).trimEnd() };
  }
}

/** The words of a line, quotes taken off. */
function split(line: string): string[] {
  return [...line.matchAll(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g)].map(([word]) =>
    word.replaceAll(/"([^"]*)"|'([^']*)'/g, "$1$2"),
  );
}

/** Times, ports, passwords and releases are another time others. */
function masked(text: string): string {
  return text
    .replaceAll(/\b\d\d:\d\d:\d\d\b/g, "<clock>")
    .replaceAll(/\b\d+(?:\.\d+)? m?s\b/g, "<time>")
    .replaceAll(/:\/\/(\w+):[^@\s]*@127\.0\.0\.1:\d+/g, "://$1:<password>@<server>")
    .replaceAll(/_[0-9a-f]{10}_\d+/g, "_<private>");
}

/** Whether the output is what a page shows, where `…` stands for anything: alone in a line for any lines. */
export function shows(shown: string, output: string): boolean {
  const lines = masked(output.trimEnd()).split("\n");
  const runs = masked(shown.trimEnd())
    .split(/^…$\n?/m)
    .map((run) => run.split("\n").filter((line, index, all) => line !== "" || index < all.length - 1));
  let at = 0;
  for (const [index, run] of runs.entries()) {
    const found = lines.findIndex(
      (_, from) => from >= at && run.every((line, offset) => isLine(line, lines[from + offset])),
    );
    if (run.length && (found < 0 || (index === 0 && found > 0))) return false;
    if (run.length) at = found + run.length;
  }
  return runs.at(-1)!.length === 0 || at === lines.length;
}

function isLine(shown: string, line: string | undefined): boolean {
  if (line === undefined) return false;
  const pattern = shown.trimEnd().replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^${pattern.replaceAll("…", ".*")}$`).test(line.trimEnd());
}
