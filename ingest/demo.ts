// A product from its source to answers, by the commands a person would type: `npm start` shows marketing,
// `npm run demo -- <product>` the others.
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { cli, readEnvironment, terminal } from "dataform-postgres";
import { ads } from "./demos/ads.ts";
import { blog } from "./demos/blog.ts";
import type { Demo, Listening, Shown, Step } from "./demos/demo.ts";
import { events } from "./demos/events.ts";
import { marketing } from "./demos/marketing.ts";
import { reconciliation } from "./demos/reconciliation.ts";
import { temperatures } from "./demos/temperatures.ts";
import { transactions } from "./demos/transactions.ts";

const demos: Record<string, Demo> = { ads, blog, events, marketing, reconciliation, temperatures, transactions };

const shell = terminal();
const flags = process.argv.slice(2).filter((word) => word.startsWith("-"));
const [product = "", ...more] = process.argv.slice(2).filter((word) => !word.startsWith("-"));
const demo = demos[product];
if (demo && !more.length && flags.every((flag) => flag === "--no-site")) {
  process.exitCode = await show(demo);
} else {
  shell.say(`usage: npm run demo -- <product> [--no-site]\nexpected one of: ${Object.keys(demos).join(", ")}`);
  process.exitCode = 2;
}

async function show({ steps, schema, shown }: Demo): Promise<number> {
  const folder = join(shell.projectDir, ".dataform/demo", product);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const env = { ...readEnvironment(shell.projectDir) };
  const run = (args: readonly string[]) => cli([...args], { ...shell, env, exitCode: 0 });
  for await (const step of steps({ folder, env, start: (args) => start(args, env) })) {
    announce(step);
    const exitCode = await run("run" in step ? step.run : ["query", "--quiet", step.sql]);
    if (exitCode !== 0) return exitCode;
  }
  const named = env.DATABASE_URL ?? env.PGHOST;
  shell.print(
    named
      ? `\nThe marts are in schema ${schema} of your database.`
      : `\nThe database stays up (\`npx dataform db stop\` ends it). A login for psql and BI tools, which only reads; the marts are in schema ${schema}:\n`,
  );
  const exitCode = named ? 0 : await run(["db", "login"]);
  return exitCode === 0 && isWatched(env) ? showSite(env, shown) : exitCode;
}

/** A command that goes on beside the others. */
async function start(args: readonly string[], env: Record<string, string | undefined>): Promise<Listening> {
  shell.say(`\n$ dataform ${args.join(" ")} &`);
  let interrupt = () => {};
  let ended: Promise<number> = Promise.resolve(0);
  const address = await new Promise<string>((resolve, reject) => {
    const onInterrupt = (heard: (name: string, endNow: () => void) => void) => {
      interrupt = () => heard("the demo", () => {});
      return () => {};
    };
    ended = cli([...args], { ...shell, env, exitCode: 0, print: resolve, onInterrupt });
    ended.then((code) => reject(new Error(`dataform ${args[0]} ended with ${code}`)), reject);
  });
  return {
    address,
    stop: async () => {
      interrupt();
      await ended;
    },
  };
}

/** Whether somebody is there to look at pages, and has not said that they do not want to. */
function isWatched(env: Readonly<Record<string, string | undefined>>): boolean {
  return process.stdout.isTTY && process.stderr.isTTY && !env.CI && !flags.includes("--no-site");
}

async function showSite(env: Record<string, string | undefined>, shown?: Shown): Promise<number> {
  shell.print(
    "\nThe same as pages: answers, what each column means and where it comes from. Programs ask at the same address (docs/ below it). Open it:\n",
  );
  const ending = new AbortController();
  let feeding: Promise<void> | undefined;
  const print = (line: string) => {
    shell.print(shown ? `${line}${shown.page}` : line);
    // The first line is where it listens.
    feeding ??= shown?.feed(line, ending.signal);
  };
  try {
    return await cli(["serve", ...(shown?.flags ?? [])], { ...shell, env, exitCode: 0, print });
  } finally {
    ending.abort();
    await feeding;
  }
}

function announce(step: Step): void {
  if ("run" in step) shell.say(`\n$ dataform ${step.run.join(" ")}`);
  else shell.print(`\n${step.ask}\n`);
}
