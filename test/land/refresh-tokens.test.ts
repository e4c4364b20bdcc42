import { beforeEach, expect, test } from "vitest";
import { type IngestOptions, ingest } from "../../src/land/ingest.ts";
import { streamState } from "../../src/land/ledger/state.ts";
import { Secret } from "../../src/model/declarations.ts";
import { sendJson, startApi } from "../support/ingest-api.ts";
import { ingestDatabase } from "../support/ingest-database.ts";
import { declaration, item, stream } from "../support/ingest-declaration.ts";

const db = ingestDatabase();

/** A server that takes each refresh token once, and none of a family any more of which one came twice. */
async function rotating() {
  const used = new Set<string>();
  const families = new Map<string, number>();
  const records: unknown[] = [item(1)];
  let life = 3600;
  let asked: () => unknown = () => {};
  const server = await startApi((request, response) => {
    if (!request.url!.startsWith("/token")) {
      const [, access] = request.headers.authorization!.split(" ");
      return sendJson(response, { data: used.has(access!.replace("access-", "")) ? records : "no" });
    }
    let body = "";
    request.on("data", (chunk) => {
      body += chunk;
    });
    request.on("end", async () => {
      await asked();
      const sent = new URLSearchParams(body).get("refresh_token")!;
      const family = sent.split("/")[0]!;
      const isKnown = sent === family || Number(sent.split("/")[1]) <= (families.get(family) ?? 0);
      if (used.has(sent)) families.set(family, Number.NaN);
      used.add(sent);
      const next = (families.get(family) ?? 0) + 1;
      if (!isKnown || Number.isNaN(next)) return sendJson(response, { error: "invalid_grant" }, 400);
      families.set(family, next);
      sendJson(response, { access_token: `access-${sent}`, refresh_token: `${family}/${next}`, expires_in: life });
    });
  });
  const load = async (
    first = "r3fresh-first",
    options: IngestOptions = {},
    streams = [stream({ cursor: undefined })],
  ) => {
    const auth = {
      oauth2: {
        grant: "refresh_token" as const,
        tokenUrl: `${server.url}/token`,
        clientId: "shop-client",
        clientSecret: new Secret("SHOP_SECRET", "s3cret-of-client"),
        refreshToken: new Secret("SHOP_REFRESH", first),
      },
    };
    // A declaration of its own: the next process knows nothing of the one before.
    const declared = declaration(server.url, { auth }, streams);
    const report = await ingest(declared, db.settings, options);
    return { declared, load: report.streams[0]!, loads: report.streams };
  };
  const onToken = (tell: () => unknown) => {
    asked = tell;
  };
  const live = (seconds: number) => {
    life = seconds;
  };
  return { load, used, onToken, live, send: (...some: unknown[]) => records.splice(0, 9, ...some) };
}

let server: Awaited<ReturnType<typeof rotating>>;
beforeEach(async () => {
  server = await rotating();
});

const good = { status: "loaded", rows: 1, warnings: [] };

test("a refresh token that the server replaces at each use is kept for the next load, also of a rehearsal, of a load that fails and of two at a time", async () => {
  expect((await server.load("r3fresh-first", { dryRun: true })).load).toMatchObject(good);
  expect((await server.load()).load).toMatchObject(good);
  server.send({ id: 1 }, { id: 2 });
  expect((await server.load()).load).toMatchObject({ status: "failed", error: { message: /rejected/ } });
  server.send(item(1));
  const both = await Promise.all([server.load(), server.load()]);
  for (const { load } of both) expect(load).toMatchObject({ status: "loaded", rows: 1 });
  expect((await server.load()).load).toMatchObject(good);
  expect([...server.used]).toEqual(["r3fresh-first", ...[1, 2, 3, 4, 5].map((n) => `r3fresh-first/${n}`)]);
});

test("a load that is interrupted while the server answers keeps the token that comes", async () => {
  const interrupt = new AbortController();
  server.onToken(() => interrupt.abort(new Error("interrupted")));
  await expect(server.load("r3fresh-first", { signal: interrupt.signal })).rejects.toThrow("interrupted");
  // The process may end now.
  expect(await db.rows("select from raw._token")).toHaveLength(1);
  expect((await server.load()).load).toMatchObject(good);
});

test("another token in the environment begins anew, and a chain that broke is told with what to do", async () => {
  await server.load();
  expect((await server.load("another-first")).load).toMatchObject(good);
  await db.rows("delete from raw._token");
  expect((await server.load()).load).toMatchObject({
    status: "failed",
    error: { found: "HTTP 400, invalid_grant", hint: expect.stringContaining("put a new one into SHOP_REFRESH") },
  });
  expect((await server.load("third-first")).load).toMatchObject(good);
});

test("what is kept is no token, is changed by nobody unnoticed, and is not shown", async () => {
  const { declared } = await server.load();
  const [kept] = await db.rows<{ id: string; sealed: string }>("select id, sealed from raw._token");
  const told = JSON.stringify([kept, await streamState(db.client, declared, declared.streams[0]!)]);
  for (const secret of ["r3fresh-first", "s3cret-of-client", "shop-client"]) expect(told).not.toContain(secret);
  expect(Buffer.from(kept!.sealed, "base64").toString("latin1")).not.toContain("r3fresh");
  await server.load("another-first");
  // The row of one under the name of the other.
  await db.rows(`update raw._token set sealed = '${kept!.sealed}' where id <> '${kept!.id}'`);
  expect((await server.load("another-first")).load.error?.message).toContain("gives no token");
});

test("where it cannot be kept, the load goes on, and says so", async () => {
  await server.load();
  await db.rows("alter table raw._token add check (replaced_at < '2026-01-01') not valid");
  expect((await server.load()).load).toMatchObject({
    status: "loaded",
    rows: 1,
    warnings: [expect.stringContaining("the refresh token that the server gave could not be kept")],
  });
});

test("where one could not be kept, the source goes on with it, and keeps the newest once that is possible", async () => {
  await server.load();
  await db.rows("alter table raw._token add constraint never check (replaced_at < '2026-01-01') not valid");
  server.live(0);
  const streams = ["a", "b", "c"].map((name) => stream({ name, table: name, cursor: undefined }));
  let times = 0;
  server.onToken(() => ++times === 3 && db.rows("alter table raw._token drop constraint never"));
  const { loads } = await server.load("r3fresh-first", {}, streams);
  expect(loads).toMatchObject(streams.map(() => ({ status: "loaded", rows: 1 })));
  expect((await server.load()).load).toMatchObject(good);
});
