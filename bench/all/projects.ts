import { join } from "node:path";
import { compile } from "../../src/compile/compile.ts";
import type { ConnectionSettings } from "../../src/model/connection-settings.ts";
import { type CommandLine, ourCommandLine } from "../contestants.ts";
import { sums } from "../measure.ts";
import { DBT, dbtProject } from "../peers/dbt.ts";
import { leftOut } from "../peers/python.ts";
import { SQLMESH, sqlmeshProject } from "../peers/sqlmesh.ts";
import { replay } from "../plain.ts";
import { timeProcess } from "../process.ts";
import { ask } from "../server.ts";
import { LAYERS, SCHEMA, type WorkloadModel, workloadModels, writeModel, writeProject } from "../workload.ts";
import type { Bench } from "./bench.ts";
import { atMost, fasterBy, type Line, shown, timesOf } from "./line.ts";

/** How many models are written anew, and how many are built because of it. */
const CHANGES = [
  { what: "a model that nothing reads", built: 1 },
  { what: "a model of the first layer", built: LAYERS },
  { what: "ten models of the first layer", built: 10 * LAYERS },
] as const;

interface Ours {
  readonly first: number[];
  readonly compile: number[];
  readonly plain: number[];
  readonly unchanged: number[];
  readonly changed: readonly number[][];
}

interface Peers {
  readonly dbt: number[];
  readonly sqlmesh: number[];
  readonly sqlmeshRun: number[];
  readonly sqlmeshChanged: number[];
}

/** A project of `models` models and as many tests: built, run again with nothing changed, and with something changed. */
export async function* projectLines(bench: Bench, models: number): AsyncGenerator<Line> {
  const ours = await oursOf(bench, models);
  const peers = await peersOf(bench, models);
  const both = { ...named(`dbt ${DBT} build`, peers.dbt), ...named(`SQLMesh ${SQLMESH} plan`, peers.sqlmesh) };
  const limit = sums(ours.plain, ours.compile);
  const of = `${models} models, ${models} tests`;
  const first = {
    what: `${of}, first run`,
    ours: ours.first,
    beside: { ...both, "the limit (plain + compile)": limit },
  };
  yield models < 1000 ? atMost(first, 0.5) : timesOf(first, limit, 1.25);
  const again = { ...named("SQLMesh run", peers.sqlmeshRun) };
  yield atMost(
    { what: `${models} models, nothing changed: \`run --changed\``, ours: ours.unchanged, beside: again },
    0.5,
  );
  for (const [at, { what, built }] of CHANGES.entries()) {
    if (built > models) continue;
    const beside = at === 0 ? named("SQLMesh plan", peers.sqlmeshChanged) : {};
    yield shown({ what: `${models} models, ${what} changed: ${built} built`, ours: ours.changed[at]!, beside });
  }
  if (peers.dbt.length) {
    const rounds = peers.dbt.map((_, round) => ours.first[round]!);
    yield fasterBy({ what: `${of}, first run, beside dbt`, ours: rounds, beside: {} }, peers.dbt, 10);
  }
}

const named = (name: string, seconds: readonly number[]) => (seconds.length ? { [name]: seconds } : {});

async function oursOf({ root, cache, server, rounds, say }: Bench, models: number): Promise<Ours> {
  const folder = join(cache, "all", `ours-${models}`);
  const line = ourCommandLine(root, folder, join(cache, "logs"));
  const made: Ours = { first: [], compile: [], plain: [], unchanged: [], changed: CHANGES.map(() => []) };
  // The first round warms the disk's cache and is not counted.
  for (let round = 0; round <= rounds; round++) {
    writeProject(folder, models);
    const database = await server.createDatabase();
    const plainly = await server.createDatabase();
    const one: readonly (readonly [number[], number])[] = [
      [made.compile, await line.compile()],
      [made.first, await line.run(database)],
      [made.plain, await replay(await compile(folder), plainly, 1)],
      [made.unchanged, await unchanged(line, database)],
      ...(await changed(line, { folder, database, models })).map(
        (seconds, at) => [made.changed[at]!, seconds] as const,
      ),
    ];
    if (round) for (const [figures, seconds] of one) figures.push(seconds);
    say(`${models} models, round ${round}: ${one.map(([, seconds]) => seconds.toFixed(2)).join(" ")}`);
    for (const each of [database, plainly]) await server.dropDatabase(each);
  }
  return made;
}

const RELEASE = "select max(release_id)::int as release from _dataform.release";

/** Seconds of a run that finds nothing to do, and publishes nothing. */
async function unchanged(line: CommandLine, database: ConnectionSettings): Promise<number> {
  const [before] = await ask(database, RELEASE);
  const seconds = await line.run(database, "--changed");
  const [after] = await ask(database, RELEASE);
  if (after!.release !== before!.release) throw new Error("a run with nothing changed published a release");
  return seconds;
}

/** Seconds of runs after each of CHANGES. */
async function changed(
  line: CommandLine,
  {
    folder,
    database,
    models,
  }: { readonly folder: string; readonly database: ConnectionSettings; readonly models: number },
): Promise<number[]> {
  const all = workloadModels(models);
  const [first, last] = [0, LAYERS - 1].map((layer) => all.filter((model) => model.layer === layer));
  const edits = [[last![0]!], [first![0]!], first!.slice(0, 10)];
  const seconds: number[] = [];
  for (const [at, { built }] of CHANGES.entries()) {
    if (built > models) break;
    for (const model of edits[at]!) writeModel(folder, model, 1_000 * (at + 1));
    seconds.push(await line.run(database, "--changed"));
    await came(database, edits[at]!, all, 1_000 * (at + 1));
  }
  return seconds;
}

/** What was changed is in the last model that reads it. */
async function came(
  database: ConnectionSettings,
  edited: readonly WorkloadModel[],
  all: readonly WorkloadModel[],
  more: number,
): Promise<void> {
  for (const model of edited) {
    let last = model;
    for (let next: WorkloadModel | undefined = model; next; next = all.find(({ reads }) => reads === last.name))
      last = next;
    const [row] = await ask(
      database,
      `select floor(amount / 1000)::int * 1000 as more from ${SCHEMA}.${last.name} where id = 1`,
    );
    if (Number(row!.more) < more) throw new Error(`${last.name} does not have what was changed in ${model.name}`);
  }
}

async function peersOf(bench: Bench, models: number): Promise<Peers> {
  const made: Peers = { dbt: [], sqlmesh: [], sqlmeshRun: [], sqlmeshChanged: [] };
  for (let round = 0; round < bench.peerRounds; round++) {
    await beside(bench, "dbt", () => besideDbt(bench, models, made));
    await beside(bench, "SQLMesh", () => besideSqlmesh(bench, models, made));
  }
  return made;
}

async function beside({ note }: Bench, peer: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!/pip|venv|python3/.test((error as Error).message)) throw error;
    note(leftOut(peer, error));
  }
}

async function besideDbt({ cache, server, say }: Bench, models: number, made: Peers): Promise<void> {
  const { program, folder, flags, env, connect } = dbtProject(cache, models);
  const database = await server.createDatabase();
  connect(database);
  const logFile = join(cache, "logs", "dbt-build.log");
  made.dbt.push(await timeProcess(program, ["build", ...flags], { cwd: folder, env, logFile }));
  say(`dbt build: ${made.dbt.at(-1)!.toFixed(1)} s`);
  await server.dropDatabase(database);
}

async function besideSqlmesh({ cache, server, say }: Bench, models: number, made: Peers): Promise<void> {
  const project = sqlmeshProject(cache, models);
  const database = await server.createDatabase();
  project.connect(database);
  made.sqlmesh.push(await project.plan());
  made.sqlmeshRun.push(await project.run());
  project.change(workloadModels(models).at(-1)!, 1_000);
  made.sqlmeshChanged.push(await project.plan());
  const last = [made.sqlmesh, made.sqlmeshRun, made.sqlmeshChanged].map((seconds) => seconds.at(-1)!.toFixed(1));
  say(`SQLMesh plan, run, plan after a change: ${last.join(", ")} s`);
  await server.dropDatabase(database);
}
