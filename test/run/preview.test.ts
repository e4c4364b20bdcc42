import { expect, test } from "vitest";
import { plan } from "../../src/plan/planner.ts";
import type { Client } from "../../src/postgres/client.ts";
import { readCatalog } from "../../src/postgres/read-catalog.ts";
import { preview } from "../../src/run/preview.ts";
import { publicTargets } from "../../src/run/run.ts";
import { warehouse } from "../support/warehouse.ts";

test("a plan of many models is few messages, whichever of them is wrong, and one that the server has no room for says so", async () => {
  const view = (name: string, query: string) => `publish("${name}", { type: "view" }).query(ctx => \`${query}\`);`;
  const many = (count: number, query = "select 1 as id") =>
    `for (let i = 0; i < ${count}; i++) publish("m_" + i, { type: i % 2 ? "view" : "table", assertions: { nonNull: ["id"] } }).query(ctx => \`${query}\`);`;
  const { project, client, sql } = await warehouse({ "definitions/m.js": many(120) });
  let messages = 0;
  const sent = <T>(answer: Promise<T>) => answer.finally(() => messages++);
  const counting: Client = {
    ...client,
    query: (statement, parameters) => sent(client.query(statement, parameters)),
    script: (statements) => sent(client.script(statements)),
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
  const { failures, untried, releases } = await previewed();
  expect(Object.keys(failures).sort()).toEqual(["assertions.unreadable", "marts.m_w", "marts.m_x"]);
  expect(untried).toEqual([]);
  expect(Object.keys(releases[0]!.paths)).toHaveLength(121);
  expect(releases[0]!.paths).toMatchObject({ "marts.m_z": "create" });
  expect(messages).toBeLessThan(240);

  await sql(`create function public.full() returns boolean immutable language plpgsql
    as $$ begin raise exception 'out of shared memory' using errcode = '53200'; end $$`);
  project.write({
    "definitions/wrong.js": 'assert("room", "select 1 as id where public.full()");',
  });
  await expect(previewed()).rejects.toThrow("the plan cannot be tried out: the server has no room for so many locks");
});
