import { expect, inject, test } from "vitest";
import { FAILPOINTS, type Failpoint } from "../../src/environment/failpoints.ts";
import type { ConnectionSettings } from "../../src/model/connection-settings.ts";
import { UserError } from "../../src/model/errors.ts";
import type { Client } from "../../src/postgres/client.ts";
import { isWhole } from "../support/proof.ts";
import { type CuttableProxy, proxy } from "../support/proxy.ts";
import { endSessions } from "../support/sessions.ts";
import { litter, readRelease, sessions, struckPoints, type Ticking, tick, ticking } from "../support/ticking.ts";

const everyCase = inject("everyCase");

/** What happens to the connections of a run, which go through the proxy. */
const faults: Readonly<Record<string, (between: CuttableProxy, client: Client) => Promise<void> | void>> = {
  "its sessions are ended by the server": (_, client) => endSessions(client, "dataform-%"),
  "its connections are cut": (between) => between.cut(),
  "its connections are cut and the server does not notice": (between) => between.cutClients(),
  "the next answer on each connection is lost": (between) => between.loseAnswers(),
};

/** How a run ends. One that throws must do so with a message for a person. */
async function ending(made: Ticking, settings: ConnectionSettings, failpoint: (point: Failpoint) => Promise<void>) {
  try {
    // A step that loses its connection twice fails alone, and by default the rest is published without it.
    return (await made.runOn(settings, { failpoint, allOrNothing: true })).status;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return error.message;
  }
}

/** Each point is struck in two of the four ways, and whole in all of them. */
const pointsFor = (fault: string) => {
  const turn = Object.keys(faults).indexOf(fault);
  return struckPoints.filter((_, n) => isWhole || !everyCase || (n + turn) % 2 === 0);
};

test.each(Object.entries(faults))(
  `at ${isWhole ? "every point" : everyCase ? "every other point" : "a point of each part"} of a run, when %s`,
  async (fault, strike) => {
    // Operations would make it two releases.
    const made = await ticking(3, ["log.sqlx"]);
    const { client, rows, sql, settings } = made;
    await sql("create schema bi; create view bi.report as select * from marts.kept");
    const oid = await rows("select 'bi.report'::regclass::oid");
    const times = await made.countPoints();
    const between = await proxy(settings);
    const ended: Record<string, string[]> = {};
    const points = pointsFor(fault);
    for (const point of points) {
      // Whole, the first and the last time that a run comes to it; else the one for this fault, the other for the next.
      const last = everyCase ? times.get(point)! : 1;
      const turn = Object.keys(faults).indexOf(fault) + struckPoints.indexOf(point);
      for (const time of new Set(isWhole ? [1, last] : [turn % 2 ? last : 1])) {
        const where = `${point}, time ${time}`;
        const n = await tick(client);
        let seen = 0;
        const how = await ending(made, between.settings, async (at) => {
          if (at === point && ++seen === time) await strike(between, client);
        });
        ended[point] = [...(ended[point] ?? []), how];
        expect(seen, where).toBeGreaterThanOrEqual(time);
        // Every model reads as one release, with all rows: the one before, or the new one.
        expect([n - 1, n], where).toContain(await readRelease(client));
        // Then there is no run any more that could end them; the server does, once it asks whether anybody is there.
        if (point === "report written") between.notice();
        // Where it found its way and left nothing behind, the next run that is struck is the one after it.
        if (how !== "success" || (await readRelease(client)) !== n || (await litter(client)).length)
          expect((await made.runOn(settings, { wait: true })).status, where).toBe("success");
        expect(await readRelease(client), where).toBe(n);
        expect(await litter(client), where).toEqual([]);
        between.notice();
        await expect.poll(() => sessions(client), { message: where, timeout: 20_000, interval: 10 }).toEqual([]);
      }
    }
    // Once it is recorded, the run itself finds its way.
    for (const point of points.filter((one) => FAILPOINTS.indexOf(one) >= FAILPOINTS.indexOf("run recorded"))) {
      if (!fault.includes("answer")) expect(ended[point], point).toContain("success");
      expect([...new Set([...ended[point]!, "success", "failure"])], point).toHaveLength(2);
    }
    expect(await rows("select 'bi.report'::regclass::oid, count(*) from bi.report")).toEqual([
      `${oid}|${await rows("select n from raw.tick")}`,
    ]);
  },
);

test("a commit that fails is tried again, with all that belongs to it", async () => {
  const { client, settings, rows, sql, runOn } = await ticking();
  // A sequence does not roll back: the first commit fails, as when the time limit falls into it.
  await sql(`create sequence raw.commits;
    create function raw.fail_once() returns trigger language plpgsql as
      $$ begin if nextval('raw.commits') = 1 then raise exception 'too late' using errcode = '57014'; end if; return null; end $$;
    create constraint trigger fail_once after update of release_id on _dataform.environment
      deferrable initially deferred for each row execute function raw.fail_once()`);
  const n = await tick(client);
  expect(await runOn(settings)).toMatchObject({ status: "success", errors: [] });
  expect(await rows("select last_value > 1 from raw.commits")).toEqual(["t"]);
  expect(await readRelease(client)).toBe(n);
});
