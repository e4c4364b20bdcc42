import { expect, test } from "vitest";
import { withClient } from "../../src/postgres/client.ts";
import { run } from "../../src/run/run.ts";
import { script } from "../../src/sql/authored.ts";
import { testProject } from "../support/project.ts";
import { ownServer } from "../support/servers/own-postgres.ts";

test("a prepared transaction that is in the way is named, with what ends it", async () => {
  const { settings, crash } = await ownServer();
  const send = (...texts: string[]) =>
    withClient(settings, {}, async (client) => {
      for (const text of texts) await client.script(script(text));
    });
  await send("alter system set max_prepared_transactions = 5");
  await crash();
  const project = testProject({ "a.sqlx": 'config { type: "table" }\nselect 1 as id' });
  const graph = await project.compile();
  const built = () => run(graph, settings, { publishDeadline: 200, horizonTimeout: 200 });
  expect((await built()).status).toBe("success");

  await send("begin; table marts.a; prepare transaction 'reads it'");
  const [starved] = (await built()).errors;
  expect(starved?.found).toMatch(
    /prepared transaction 'reads it' of user \S+ since .+: `rollback prepared 'reads it'` or `commit prepared 'reads it'` ends it/,
  );
  await send("rollback prepared 'reads it'");

  await send("create table t (id int)", "begin; insert into t values (1); prepare transaction 'wrote'");
  const waits = await withClient(settings, {}, async (reader) => {
    await reader.script(script("begin isolation level repeatable read; table t"));
    return (await built()).errors[0];
  });
  expect(waits?.found).toMatch(
    /every snapshot counts as old as long as there are the prepared transactions 'wrote' of user/,
  );
  await send("rollback prepared 'wrote'", "begin; lock table t; prepare transaction 'locks'");
  project.write({ "b.sqlx": 'config { type: "table" }\nselect id from public.t' });
  const told: string[] = [];
  const stop = new AbortController();
  const waiting = (what: string) => {
    told.push(what);
    stop.abort(new Error("seen"));
  };
  await run(await project.compile(), settings, { events: { waiting }, signal: stop.signal });
  expect(told[0]).toMatch(
    /waits for the accessshare lock on public\.t, which is held by prepared transaction 'locks' of/,
  );
  await send("rollback prepared 'locks'");
});
