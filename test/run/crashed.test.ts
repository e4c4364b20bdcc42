import { expect, test } from "vitest";
import { withClient } from "../../src/postgres/client.ts";
import { run } from "../../src/run/run.ts";
import { script } from "../../src/sql/authored.ts";
import { testProject } from "../support/project.ts";
import { ownServer } from "../support/servers/own-postgres.ts";

test("after a crash, from which on counters count anew, run --changed takes nothing for what it was", async () => {
  const server = await ownServer();
  const project = testProject({ "a.sqlx": 'config { type: "table" }\nselect sum(n) as n from public.counted' });
  const does = (text: string) =>
    withClient(server.settings, { applicationName: "test" }, async (client) =>
      (await client.table(script(text))).rows.flat().join(),
    );
  const ran = async () => (await run(await project.compile(), server.settings, { changed: true })).steps.length;
  await does("create table public.counted (n int)");
  await does("insert into public.counted values (1)");
  await ran();
  expect(await ran()).toBe(0);
  await server.crash();
  // As many rows as were counted before it.
  await does("insert into public.counted values (2)");
  expect(await ran()).toBe(1);
  expect(await does("select n from marts.a")).toBe("3");
});
