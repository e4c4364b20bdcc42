// Every figure that is wanted, beside its peer or its limit in the same run, as a table in docs/benchmarks.md.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import type { Bench } from "./all/bench.ts";
import { commandLines } from "./all/commands.ts";
import { type Line, spreadText, tableOf } from "./all/line.ts";
import { historyLines, landingLines } from "./all/others.ts";
import { projectLines } from "./all/projects.ts";
import { ensureBuilt } from "./contestants.ts";
import { spread } from "./measure.ts";
import { timeProcess } from "./process.ts";
import { startServer } from "./server.ts";

const PARTS = ["commands", "projects", "history", "landing"] as const;
const usage = `npm run bench:all -- [--rounds 3] [--peer-rounds 1] [--models 1000] [--versions 1000000,10000000] [--mb 300]
  [--only ${PARTS.join()}] [--no-write]`;
const MARKS = ["<!-- bench:all -->", "<!-- /bench:all -->"] as const;

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    "peer-rounds": { type: "string", default: "1" },
    models: { type: "string", default: "1000" },
    versions: { type: "string", default: "1000000" },
    mb: { type: "string", default: "300" },
    only: { type: "string", default: PARTS.join() },
    "no-write": { type: "boolean", default: false },
  },
});
const numbers = (text: string): readonly number[] =>
  text.split(",").map((one) => {
    if (/^\d+$/.test(one)) return Number(one);
    throw new Error(`${one}: a whole number is expected\n${usage}`);
  });
const [only, unknown] = [values.only.split(","), values.only.split(",").find((part) => !PARTS.includes(part as never))];
if (unknown !== undefined) throw new Error(`${unknown} is no part of it\n${usage}`);

const root = resolve(import.meta.dirname, "..");
const cache = join(import.meta.dirname, ".cache");
mkdirSync(cache, { recursive: true });
const notes: string[] = [];
const say = (text: string) => process.stderr.write(`${text}\n`);
const idle = loadavg()[0]!;
ensureBuilt(root);
const { server, note } = await startServer(cache);
if (note) notes.push(note);
const bench: Bench = {
  root,
  cache,
  server,
  rounds: numbers(values.rounds)[0]!,
  peerRounds: numbers(values["peer-rounds"])[0]!,
  models: numbers(values.models)[0]!,
  versions: numbers(values.versions),
  mb: numbers(values.mb)[0]!,
  say,
  note: (text) => void notes.push(text),
};
/** The same nothing, before, between and after: how much the machine's own mind changes. */
const noise: number[] = [];
const listen = async () => {
  for (let turn = 0; turn < 5; turn++)
    noise.push(
      await timeProcess(process.execPath, ["-e", "0"], { cwd: cache, logFile: join(cache, "logs", "node.log") }),
    );
};
const lines: Line[] = [];
const take = async (part: (typeof PARTS)[number], from: () => AsyncIterable<Line> | Iterable<Line>) => {
  await listen();
  if (!only.includes(part)) return;
  for await (const line of from()) {
    lines.push(line);
    say(tableOf([line]).split("\n").at(-1)!);
  }
};
try {
  await take("commands", () => commandLines(bench));
  await take("projects", () => projectLines(bench, 100));
  await take("projects", () => projectLines(bench, bench.models));
} finally {
  await server.stop();
}
await take("history", () => historyLines(bench));
await take("landing", () => landingLines(bench));
await listen();

const text = [
  `${new Date().toISOString().slice(0, 10)}, ${cpus().length} × ${cpus()[0]?.model.trim()}, Node ${process.versions.node}, PostgreSQL ${server.version};`,
  `load average ${idle.toFixed(2)} at the start; rounds: ${bench.rounds}, of dbt and SQLMesh ${bench.peerRounds}. Median (least to most).`,
  `\`node -e 0\`, ${noise.length} times from the first line to the last: ${spreadText(spread(noise))} s.`,
  "",
  tableOf(lines),
  ...notes.map((one) => `\n${one}`),
].join("\n");
process.stdout.write(`${text}\n`);
if (!values["no-write"]) {
  const file = join(root, "docs", "benchmarks.md");
  const page = readFileSync(file, "utf8");
  const [from, to] = [page.indexOf(MARKS[0]), page.indexOf(MARKS[1])];
  if (from < 0 || to < from)
    throw new Error(`${file} has no ${MARKS.join(" … ")}: put them where the table is to stand`);
  writeFileSync(file, `${page.slice(0, from + MARKS[0].length)}\n${text}\n${page.slice(to)}`);
}
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
