import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { ingest } from "../../src/land/ingest.ts";
import type { LoadEvent } from "../../src/model/load-report.ts";
import { sql } from "../../src/sql/sql.ts";
import { bundled } from "../support/built.ts";
import { feed, startApi } from "../support/ingest-api.ts";
import { ingestDatabase } from "../support/ingest-database.ts";
import { declaration, item } from "../support/ingest-declaration.ts";
import { endSessions } from "../support/sessions.ts";
import { signal } from "../support/signal.ts";

const db = ingestDatabase();

const childScript = await bundled("ingest-child.ts");

/** Returns the signal that ended the process. */
async function loadAndDie(order: object): Promise<string | null> {
  const child = spawn(process.execPath, [childScript, JSON.stringify(order)], { stdio: "inherit" });
  const [, signal] = (await once(child, "exit")) as [number | null, string | null];
  return signal;
}

async function landed(): Promise<unknown> {
  const { rows } = await db.client.query(
    sql`select id, updated_at, amount, price, tags, _extra from raw.items order by id, amount`,
  );
  const rejects = await db.client.query(sql`select reason, record from raw._rejected order by record`);
  return { rows, rejects: rejects.rows };
}

/** Two changes at each moment, some wrong. */
const changes = (count: number) =>
  Array.from({ length: count }, (_, n) => item(n - (n % 2), { id: n % 13 === 5 ? n : `item-${n}`, extra: n }));

const moments: readonly [LoadEvent["kind"], number][] = [
  ["started", 1],
  ["page", 1],
  ["page", 4],
  ["copied", 1],
  ["copied", 2],
  ["page", 6],
  ["committing", 1],
  ["finished", 1],
];

describe("a load that is killed", () => {
  const early = changes(80);
  const all = changes(160);
  let expected: unknown;

  test("is compared with one that was not", async () => {
    let records = early;
    const api = await startApi(feed(() => records));
    await ingest(declaration(api.url), db.settings);
    records = all;
    await ingest(declaration(api.url), db.settings);
    expected = await landed();
    expect(expected).toMatchObject({ rows: expect.arrayContaining([expect.anything()]) });
  });

  test.each(moments)("at the event %s (number %i) and run again equals one that was not", async (kill, count) => {
    let records = early;
    const api = await startApi(feed(() => records));
    // One killed first load, one killed second load, each run again.
    const order = { database: db.url, api: api.url, kill, count };
    expect(await loadAndDie(order)).toBe("SIGKILL");
    await ingest(declaration(api.url), db.settings);
    records = all;
    expect(await loadAndDie(order)).toBe("SIGKILL");
    await ingest(declaration(api.url), db.settings);
    expect(await landed()).toEqual(expected);
  });

  test("by the server leaves a failed load that names the reason, and run again lands everything once", async () => {
    const pages = feed(() => changes(60));
    const ended = signal();
    // The fourth page waits for that: a quick load would be through by then.
    const api = await startApi(
      (...asked) => void (asked[2] < 4 ? Promise.resolve() : ended.given).then(() => pages(...asked)),
    );
    const onEvent = (event: LoadEvent) => {
      if (event.kind === "page" && event.page === 3)
        void endSessions(db.client, "dataform ingest shop").then(ended.give);
    };
    const failed = await ingest(declaration(api.url), db.settings, { onEvent, memory: 8000 });
    expect(failed.streams[0]).toMatchObject({ status: "failed", loadId: expect.stringMatching(/^\d+$/) });
    const again = await ingest(declaration(api.url), db.settings);
    expect(again.streams[0]).toMatchObject({ status: "loaded", rows: 55, rejected: 5 });
  });
});
