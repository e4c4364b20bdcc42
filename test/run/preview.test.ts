import { expect, test } from "vitest";
import type { Catalog } from "../../src/model/catalog.ts";
import { publicTargets } from "../../src/model/graph.ts";
import { plan } from "../../src/plan/planner.ts";
import type { Client } from "../../src/postgres/client.ts";
import { readCatalog } from "../../src/postgres/read-catalog.ts";
import { preview } from "../../src/run/preview.ts";
import { refuseWithoutRoom, roomToPublish } from "../../src/run/room.ts";
import { warehouse } from "../support/warehouse.ts";

const noRoom = Object.assign(new Error("out of shared memory"), {
  severity: "ERROR",
  code: "53200",
  hint: 'You might need to increase "max_locks_per_transaction".',
});

test("a plan of many models is few messages, whichever of them is wrong, and one that the server has no room for says so", async () => {
  const view = (name: string, query: string) => `publish("${name}", { type: "view" }).query(ctx => \`${query}\`);`;
  const many = (count: number, query = "select 1 as id") =>
    `for (let i = 0; i < ${count}; i++) publish("m_" + i, { type: i % 2 ? "view" : "table", assertions: { nonNull: ["id"] } }).query(ctx => \`${query}\`);`;
  const { project, client, sql } = await warehouse({ "definitions/m.js": many(120) });
  let messages = 0;
  /** Shapes that a transaction may have before the server has no room for more. */
  let room = Number.POSITIVE_INFINITY;
  let made = 0;
  let transactions = 0;
  const sent = async <T>(text: string, answer: () => Promise<T>) => {
    messages++;
    if (/^begin\b/i.test(text)) {
      transactions++;
      made = 0;
    }
    const more = text.match(/^create (?:table|view)/gim)?.length ?? 0;
    made += more;
    if (more && made > room) throw noRoom;
    return answer();
  };
  const counting: Client = {
    ...client,
    query: (statement, parameters) => sent(String(statement), () => client.query(statement, parameters)),
    script: (statements) => sent(String(statements), () => client.script(statements)),
  };
  const previewed = async () => {
    const graph = await project.compile();
    const catalog = await readCatalog(client, "main", publicTargets(graph));
    messages = 0;
    return preview(graph, catalog, plan(graph, catalog), counting);
  };
  expect(await previewed()).toMatchObject({ failures: {}, untried: [] });
  expect(messages).toBeLessThan(30);

  project.write({
    "definitions/wrong.js": [
      view("m_x", "select nothing"),
      view("m_y", '${"select id from " + ctx.ref("m_x")}'),
      view("m_z", '${"select id as z from " + ctx.ref("m_1")}'),
      // What the server cannot even read it does nothing of: no savepoint, either, that stands in the same message.
      view("m_w", "select 1 as id where where"),
      'assert("unreadable", "select 1 as id where where");',
    ].join("\n"),
  });
  const whole = await previewed();
  const { failures, untried, releases } = whole;
  expect(Object.keys(failures).sort()).toEqual(["assertions.unreadable", "marts.m_w", "marts.m_x"]);
  expect(untried).toEqual([]);
  expect(Object.keys(releases[0]!.paths)).toHaveLength(121);
  expect(releases[0]!.paths).toMatchObject({ "marts.m_z": "create" });
  expect(messages).toBeLessThan(240);

  room = 70;
  transactions = 0;
  expect(await previewed()).toEqual(whole);
  expect(transactions).toBeGreaterThan(2);
  room = Number.POSITIVE_INFINITY;

  await sql(`create function public.full() returns boolean immutable language plpgsql
    as $$ begin raise exception 'out of shared memory' using errcode = '53200', hint = 'raise max_locks_per_transaction'; end $$`);
  project.write({
    "definitions/wrong.js": 'assert("room", "select 1 as id where public.full()");',
  });
  await expect(previewed()).rejects.toMatchObject({
    message: "the plan of 241 actions cannot be tried out: the server has no room for so many locks",
    hint: expect.stringMatching(
      /^alter system set max_locks_per_transaction = \d+, and restart the server; or plan some/,
    ),
  });
});

test("what is too much for one commit is told before it is built, with the setting and its number", async () => {
  const room = { setting: 64, objects: 3008 };
  const step = (n: number) => ({ step: "build", target: { schema: "s", name: `t_${n}` } });
  const steps = (count: number) => Array.from({ length: count }, (_, n) => step(n)) as never[];
  const catalog = {
    relations: Object.fromEntries(Array.from({ length: 2000 }, (_, n) => [`s.t_${n}`, {}])),
  } as Catalog;
  expect(roomToPublish(steps(1504), catalog, room)).toBeUndefined();
  expect(roomToPublish(steps(1505), catalog, room)).toMatchObject({
    message: "1,505 models may be too many to publish in one commit: the server has no room for so many locks",
    expected: "about 3010 locks in one transaction",
    found: "room for 3008, with max_locks_per_transaction = 64",
    hint: "alter system set max_locks_per_transaction = 128, and restart the server",
  });
  const answers = { query: async () => ({ rows: [{ setting: "64", sessions: "47" }] }) } as unknown as Client;
  const refused = (count: number) =>
    refuseWithoutRoom({ segments: [{ release: 1, steps: steps(count), audits: [] }] }, catalog, answers);
  await refused(2672);
  await expect(refused(2673)).rejects.toMatchObject({
    message: "2,673 models are too many to publish in one commit: the server has no room for so many locks",
    hint: expect.stringMatching(/= 192, and restart the server; or run some at a time .* nothing was built$/),
  });
});
