import { expect, onTestFinished, test } from "vitest";
import { withClient } from "../../src/postgres/client.ts";
import { run } from "../../src/run/run.ts";
import { script } from "../../src/sql/authored.ts";
import { pause } from "../../src/wait/pause.ts";
import { testProject } from "../support/project.ts";
import { rounds } from "../support/proof.ts";
import { ownServer } from "../support/servers/own-postgres.ts";
import { noRedis, startRedis, type TestRedis } from "../support/servers/redis.ts";
import { type Answer, balanced, type Serving, serving } from "../support/serving.ts";

/** `npm run proof:serve` asks so many times in all; in CI it is a sample. */
const REQUESTS = rounds(1_500, 100_000);
/** Who ask at the same time. */
const READERS = 16;

// Each row says which publish it belongs to, in a table that is made anew, one that grows, and a view of both.
const files = {
  "dataform.json": '{ "project": "proof", "warehouse": "postgres", "defaultSchema": "shop" }',
  "definitions/round.sqlx": 'config { type: "declaration", schema: "raw", name: "round" }',
  "definitions/made.sqlx": `config { type: "table", assertions: { uniqueKey: ["id"], nonNull: ["id"] } }
select n as id, n % 4 as part, (select max(round) from \${ref("round")}) as round from generate_series(1, 60) as n`,
  "definitions/grown.sqlx": `config { type: "incremental", uniqueKey: ["id"], assertions: { nonNull: ["id"] } }
select n as id, n % 4 as part, (select max(round) from \${ref("round")}) as round from generate_series(1, 60) as n`,
  "definitions/both.sqlx": `config { type: "view", assertions: { uniqueKey: ["id"], nonNull: ["id"] } }
select id, made.part, made.round, grown.round as other from \${ref("made")} as made join \${ref("grown")} as grown using (id)`,
  "serve/shop.yaml": `title: Shop
endpoints:
${["made", "grown", "both"]
  .map(
    (name) => `  - path: /${name}
    title: ${name}
    from: shop.${name}
    limit: 25
    parameters: { part: { column: part } }`,
  )
  .join("\n")}
`,
};

interface Body {
  readonly data: readonly { readonly id: number; readonly round: number; readonly other?: number }[];
  readonly release: number;
  readonly next: string | null;
}

/** What the readers found. */
interface Found {
  answers: number;
  /** Answers that were refused while something was restarted. */
  refused: number;
  readonly wrong: string[];
  /** What was said under a tag, by whichever server. */
  readonly told: Map<string, string>;
}

/** One server, or an address behind which each request may find another one. */
type Door = Pick<Serving, "ask">;

test(`${REQUESTS} requests to two servers, and to both behind one address, while releases are published and everything is restarted: none has two releases, none is older than one before, and both say the same`, async () => {
  const server = await ownServer();
  const redis = noRedis ? undefined : await startRedis();
  onTestFinished(() => redis?.stop());
  const project = testProject(files);
  const sql = (text: string) =>
    withClient(server.settings, { applicationName: "proof" }, (client) => client.script(script(text)));
  await sql("create schema raw; create table raw.round (round int); insert into raw.round values (1)");
  const graph = await project.compile();
  const roundOf = new Map<number, number>();
  const publish = async (round: number) => {
    await sql(`update raw.round set round = ${round}`);
    for (const release of (await run(graph, server.settings, {})).releases) roundOf.set(release, round);
  };
  await publish(1);
  const shop = { project, database: { url: server.url } as never };
  const args = ["--no-site", "--connections", "4", ...(redis ? ["--redis", redis.url] : [])];
  const servers = [await serving(shop, onTestFinished, args), await serving(shop, onTestFinished, args)];

  const doors: readonly Door[] = [...servers, await balanced(servers, onTestFinished)];
  const found: Found = { answers: 0, refused: 0, wrong: [], told: new Map() };
  let isOver = false;
  const publishing = (async () => {
    for (let round = 2; !isOver; round++) {
      await publish(round).catch(() => {});
      await pause(500);
    }
  })();
  const restarting = restartAll(server, redis, () => found.answers / REQUESTS);
  await Promise.all(Array.from({ length: READERS }, (_, n) => read(doors[n % 3]!, n, found, () => isOver)));
  isOver = true;
  await Promise.all([publishing, restarting]);

  expect(found.wrong.slice(0, 5)).toEqual([]);
  // What is refused says so; most of it is answered.
  expect(found.answers).toBeGreaterThanOrEqual(REQUESTS);
  expect(found.refused).toBeLessThan(REQUESTS / 2);
  expect(roundOf.size).toBeGreaterThan(2);
}, 3_600_000);

/** PostgreSQL and Redis are struck when a third, and two thirds, of the answers are there. */
async function restartAll(
  server: Awaited<ReturnType<typeof ownServer>>,
  redis: TestRedis | undefined,
  share: () => number,
): Promise<void> {
  while (share() < 1 / 3) await pause(20);
  await server.crash();
  while (share() < 2 / 3) await pause(20);
  await redis?.stop();
  const again = redis && (await startRedis(redis.port));
  onTestFinished(() => again?.stop());
}

/** Newest release that this server has answered without being asked for one: no later request may have an older one. */
const newest = new WeakMap<Door, number>();

async function read(server: Door, reader: number, found: Found, isOver: () => boolean): Promise<void> {
  const names = ["made", "grown", "both"] as const;
  const rounds = new Map<number, number>();
  for (let n = reader; found.answers < REQUESTS && !isOver(); n++) {
    const name = names[n % 3]!;
    const part = n % 5;
    let next: string | null = part < 4 ? `${name}?part=${part}&limit=4` : name;
    let first: number | undefined;
    const ids = new Set<number>();
    while (next) {
      const before = newest.get(server) ?? 0;
      const answer: Answer | undefined = await server
        .ask(next, n % 7 ? {} : { "cache-control": "no-cache" })
        .catch(() => undefined);
      if (answer?.status === 503 || answer?.status === 504 || answer?.status === 410 || !answer) {
        found.refused++;
        await pause(5);
        break;
      }
      found.answers++;
      if (answer.status !== 200) {
        found.wrong.push(`${next}: ${answer.status} ${answer.body}`);
        break;
      }
      const { data, release, next: more }: Body = answer.json();
      const tagged = `${next} ${answer.headers.etag}`;
      if ((found.told.get(tagged) ?? answer.body) !== answer.body) found.wrong.push(`${tagged}: two answers`);
      found.told.set(tagged, answer.body);
      // Behind one address two servers may hear of a release a second apart.
      if ("url" in server && first === undefined && release < before)
        found.wrong.push(`${next}: release ${release} after ${before}`);
      if (first === undefined) newest.set(server, Math.max(release, newest.get(server) ?? 0));
      first ??= release;
      if (release !== first) found.wrong.push(`${next}: release ${release} in pages of ${first}`);
      for (const row of data) {
        const known = rounds.get(release) ?? row.round;
        rounds.set(release, known);
        if (row.round !== known || (row.other ?? known) !== known)
          found.wrong.push(`${next}: release ${release} has rows of ${known} and of ${row.round}, ${row.other}`);
        if (ids.has(row.id)) found.wrong.push(`${next}: ${row.id} came twice`);
        ids.add(row.id);
      }
      if (!more && ids.size !== (part < 4 ? 15 : 60)) found.wrong.push(`${next}: ${ids.size} rows in all`);
      next = more;
    }
  }
}
