import { afterAll, beforeAll, expect, test } from "vitest";
import { FAILPOINTS, type Failpoint } from "../../src/environment/failpoints.ts";
import { connectionUrl } from "../../src/model/connection-settings.ts";
import { script } from "../../src/sql/authored.ts";
import { isWhole } from "../support/proof.ts";
import { Runners } from "../support/runner.ts";
import { endSessions } from "../support/sessions.ts";
import { signal } from "../support/signal.ts";
import { litter, readRelease, sessions, tick, ticking } from "../support/ticking.ts";

let runners: Runners;
beforeAll(() => {
  runners = new Runners();
});
afterAll(() => runners.close());

test("a run comes to every point that the program has", async () => {
  const { countPoints } = await ticking();
  expect([...(await countPoints()).keys()].sort()).toEqual([...FAILPOINTS].sort());
});

test("killed at any point, a runner leaves one whole release, and the next run succeeds and clears up", async () => {
  const { client, graph, settings, countPoints, runOn } = await ticking();
  const url = connectionUrl(settings, { password: true });
  const times = await countPoints();
  for (const point of FAILPOINTS) {
    const last = times.get(point)!;
    // Whole, every time that a run comes to it; else the first of one point, the last of the next.
    const oneOf = FAILPOINTS.indexOf(point) % 2 ? last : 1;
    for (const time of isWhole ? Array.from({ length: last }, (_, at) => at + 1) : [oneOf]) {
      const where = `${point}, time ${time}`;
      const n = await tick(client);
      const runner = await runners.send({ url, graph, at: { point, time, signal: "SIGKILL" } });
      expect((await runner.end).signal, where).toBe("SIGKILL");
      expect([n - 1, n], where).toContain(await readRelease(client));
      expect((await runOn(settings, { wait: true })).status, where).toBe("success");
      expect(await readRelease(client), where).toBe(n);
      expect(await litter(client), where).toEqual([]);
      await expect.poll(() => sessions(client), { message: where, timeout: 20_000, interval: 10 }).toEqual([]);
    }
  }
});

test("killed at any point of the first run of a database, it stands in nobody's way", async () => {
  for (const point of ["locked", "run recorded", "after a build", "deltas applied", "publish sent"] as const) {
    const { client, graph, settings, runOn } = await ticking(0);
    const url = connectionUrl(settings, { password: true });
    const runner = await runners.send({ url, graph, at: { point, time: 1, signal: "SIGKILL" } });
    expect((await runner.end).signal, point).toBe("SIGKILL");
    expect((await runOn(settings, { wait: true })).status, point).toBe("success");
    expect(await readRelease(client), point).toBe(5);
    expect(await litter(client), point).toEqual([]);
  }
});

test.each(["before the audits", "deltas applied", "published"] as const satisfies readonly Failpoint[])(
  "a runner that stops at the point '%s', is overtaken and goes on does no harm and says so",
  async (point) => {
    const { client, graph, settings, runOn } = await ticking();
    await tick(client);
    const runner = await runners.send({
      url: connectionUrl(settings, { password: true }),
      graph,
      at: { point, time: 1, signal: "SIGSTOP" },
    });
    await expect.poll(() => runner.stopped(), { timeout: 20_000, interval: 20 }).toBe(true);
    // As if its machine had been away so long that the server gave the connection up.
    await endSessions(client, "dataform-run-%");
    const n = await tick(client);
    expect((await runOn(settings, { wait: true })).status).toBe("success");
    expect(await readRelease(client)).toBe(n);
    const releases = "select count(*) from _dataform.release where status = 'published'";
    const before = await client.query(script(releases));
    runner.process.kill("SIGCONT");
    const { outcome } = await runner.end;
    expect(outcome).toMatchObject({
      status: "failure",
      errors: [{ code: "DF001", message: expect.stringContaining("another run has taken over") }],
    });
    expect((await client.query(script(releases))).rows).toEqual(before.rows);
    expect(await readRelease(client)).toBe(n);
    await tick(client);
    expect((await runOn(settings, { wait: true })).status).toBe("success");
    expect(await litter(client)).toEqual([]);
  },
);

test("what a late runner clears up is not what the run that overtook it is building", async () => {
  const { client, settings, runOn } = await ticking();
  await tick(client);
  let overtaking: ReturnType<typeof runOn> | undefined;
  const built = signal();
  const cleared = signal();
  await runOn(settings, {
    failpoint: async (point) => {
      if (point !== "before collecting" || overtaking) return;
      await endSessions(client, "dataform-run-%");
      overtaking = runOn(settings, {
        wait: true,
        failpoint: async (at) => {
          if (at !== "before the audits") return;
          built.give();
          await cleared.given;
        },
      });
      await built.given;
    },
  });
  cleared.give();
  expect((await overtaking!).status).toBe("success");
});
