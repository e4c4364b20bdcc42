import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { type ConnectionSettings, connectionUrl } from "../../src/model/connection-settings.ts";
import { script } from "../../src/sql/authored.ts";
import { sql } from "../../src/sql/sql.ts";
import { bundled } from "../support/built.ts";
import { ownDatabase } from "../support/database.ts";
import { feed, startApi } from "../support/ingest-api.ts";
import { isWhole } from "../support/proof.ts";
import { loadOf } from "../support/proof-load.ts";
import { proxy } from "../support/proxy.ts";
import { randomFrom } from "../support/reader.ts";
import { endSessions } from "../support/sessions.ts";

const ROWS = isWhole ? 2_000_000 : 20_000;
const KILLS = isWhole ? 200 : 8;
const SOURCES = ["csv", "ndjson", "xml", "rest"] as const;
type Source = (typeof SOURCES)[number];
const FILES = 10;
/** The API pages a list in memory; files carry the rest. */
const SHARE: Readonly<Record<Source, number>> = { csv: 0.4, ndjson: 0.3, xml: 0.2, rest: 0.1 };

const isBad = (id: number) => id % 997 === 5;
const amountOf = (id: number) => (isBad(id) ? "oops" : `${id % 10_000}.${String(id % 100).padStart(2, "0")}`);
const nameOf = (id: number) => `näme ${id % 1000}, "quoted"`;
const timeOf = (id: number) => new Date(Date.UTC(2026, 0, 1) + id * 1000).toISOString();

const schema = {
  type: "object",
  required: ["id"],
  properties: {
    id: { type: "integer" },
    name: { type: "string" },
    amount: { type: "string", pattern: "^[0-9]+\\.[0-9]+$", postgresType: "numeric" },
    at: { type: "string", format: "date-time" },
  },
};
const xmlSchema = {
  ...schema,
  properties: { ...schema.properties, id: { type: "string", pattern: "^[0-9]+$", postgresType: "bigint" } },
};

const file: Readonly<Record<Exclude<Source, "rest">, (ids: readonly number[]) => string>> = {
  csv: (ids) =>
    `id,name,amount,at\n${ids.map((id) => `${id},"${nameOf(id).replaceAll('"', '""')}",${amountOf(id)},${timeOf(id)}\n`).join("")}`,
  ndjson: (ids) => ids.map((id) => `${JSON.stringify(recordOf(id))}\n`).join(""),
  xml: (ids) =>
    `<?xml version="1.0"?>\n<items>${ids.map((id) => `<item><id>${id}</id><name>${nameOf(id).replaceAll('"', "&quot;")}</name><amount>${amountOf(id)}</amount><at>${timeOf(id)}</at></item>\n`).join("")}</items>\n`,
};
const recordOf = (id: number) => ({ id, name: nameOf(id), amount: amountOf(id), at: timeOf(id) });

function project(): string {
  const dir = mkdtempSync(join(tmpdir(), "dataform-oracle-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  mkdirSync(join(dir, "ingest"));
  writeFileSync(join(dir, "ingest/schema.json"), JSON.stringify(schema));
  writeFileSync(join(dir, "ingest/xml.json"), JSON.stringify(xmlSchema));
  for (const source of SOURCES) {
    mkdirSync(join(dir, source));
    const connector =
      source === "rest"
        ? 'rest: { baseUrl: "${API}", paging: { cursorParam: cursor, cursorPath: next_cursor, limitParam: limit, limit: 1000 } }'
        : `files: { at: ${source} }`;
    const stream =
      source === "rest"
        ? "    path: /items\n    records: data\n    cursor: { field: at, param: since }"
        : `    files: "*"\n    settleSeconds: 0\n    format: ${source}`;
    const fields =
      source === "xml" ? "\n    xml: { record: item, fields: { id: id, name: name, amount: amount, at: at } }" : "";
    writeFileSync(
      join(dir, `ingest/${source}.yaml`),
      `version: 1\nsource: ${source}\n${connector}\nstreams:\n  - name: items\n    table: ${source}_items\n    recordSchema: ${source === "xml" ? "xml" : "schema"}.json\n${stream}${fields}\n`,
    );
  }
  return dir;
}

/** Ids of each source, in files of about equal size. */
function deal(): Map<Source, number[][]> {
  const dealt = new Map<Source, number[][]>();
  let next = 1;
  for (const source of SOURCES) {
    const count = Math.round(ROWS * SHARE[source]);
    const size = Math.ceil(count / FILES);
    const files: number[][] = [];
    for (let n = 0; n < FILES; n++)
      files.push(Array.from({ length: Math.min(size, count - n * size) }, (_, index) => next + n * size + index));
    dealt.set(source, files);
    next += count;
  }
  return dealt;
}

test(
  `${ROWS} rows of four kinds, re-delivered and shuffled, with ${KILLS} kills: each landed once, the bad ones rejected once`,
  async () => {
    const random = randomFrom(isWhole ? 7 : 11);
    const dir = project();
    const database = await ownDatabase();
    const { client } = database;
    const cuttable = await proxy(database.settings);
    const dealt = deal();
    let served = 0;
    const feedOf = dealt.get("rest")!;
    const api = await startApi((request, response, n) =>
      feed(() =>
        feedOf.slice(0, served).flatMap((ids) => ids.map((id) => ({ ...recordOf(id), updated_at: timeOf(id) }))),
      )(request, response, n),
    );
    const childScript = await bundled("proof-child.ts");
    const ways = ["process", "backend", "socket"] as const;
    const orderOf = (source: Source, settings: ConnectionSettings) => ({
      ...{ dir, source, api: api.url },
      database: connectionUrl(settings, { password: true }),
    });
    /** Whether a process that kills itself so did. */
    const die = async (source: Source, dieAt: number) => {
      const order = JSON.stringify({ ...orderOf(source, database.settings), dieAt });
      const child = spawn(process.execPath, [childScript, order], { stdio: ["ignore", "ignore", "inherit"] });
      const [, signal] = (await once(child, "exit")) as [number | null, string | null];
      return signal === "SIGKILL";
    };
    const load = async (source: Source, kill?: { way: "backend" | "socket"; at: number }) => {
      let seen = 0;
      let ended = Promise.resolve();
      const order = orderOf(source, kill?.way === "socket" ? cuttable.settings : database.settings);
      const code = await loadOf(order, () => {
        if (++seen !== kill?.at) return;
        if (kill.way === "socket") cuttable.cut();
        else ended = endSessions(client, "dataform ingest%");
      }).catch(() => 1);
      await ended; // or it would end the next load, if this one was quicker
      return { died: kill !== undefined && seen >= kill.at && code !== 0, code };
    };
    const turns: [Source, number][] = SOURCES.flatMap((source) =>
      dealt.get(source)!.map((_, n): [Source, number] => [source, n]),
    );
    const shuffled = turns
      .map((turn) => [random(1_000_000), turn] as const)
      .sort(([a], [b]) => a - b)
      .map(([, turn]) => turn);
    const deliver = ([source, n]: [Source, number]) => {
      if (source === "rest") served = Math.max(served, served + 1);
      else writeFileSync(join(dir, source, `${n}.${source}`), file[source](dealt.get(source)![n]!));
    };
    const delivered: [Source, number][] = [];
    let kills = 0;
    for (let step = 0; kills < KILLS || shuffled.length; step++) {
      const fresh = shuffled.length && (kills >= KILLS || step % Math.max(1, Math.floor(KILLS / turns.length)) === 0);
      const turn = fresh ? shuffled.shift()! : delivered[random(delivered.length)]!;
      // The same file again, now and then: written anew, with another time.
      if (fresh || turn[0] !== "rest") deliver(turn);
      if (fresh) delivered.push(turn);
      if (kills >= KILLS) continue;
      const [way, at] = [ways[random(3)]!, 1 + random(12)];
      const died = way === "process" ? await die(turn[0], at) : (await load(turn[0], { way, at })).died;
      if (died) kills++;
    }
    for (const source of SOURCES) expect((await load(source)).code).toBe(0);
    let from = 1;
    for (const source of SOURCES) {
      const to = from + Math.round(ROWS * SHARE[source]);
      const expected = `select id, 'näme ' || id % 1000 || ', "quoted"' as name,
          (id % 10000 || '.' || lpad((id % 100)::text, 2, '0'))::numeric as amount,
          timestamptz '2026-01-01 00:00:00Z' + id * interval '1 second' as at
        from generate_series(${from}::bigint, ${to - 1}) id where id % 997 <> 5`;
      const got = `select id, name, amount, at from raw.${source}_items`;
      const { rows } = await client.query<{ lost: string; extra: string }>(
        script(`select (select count(*) from (${expected} except all ${got}) l) as lost,
           (select count(*) from (${got} except all ${expected}) e) as extra`),
      );
      expect([source, rows[0]]).toEqual([source, { lost: "0", extra: "0" }]);
      const { rows: rejected } = await client.query<{ id: string }>(
        sql`select substring(record from '^(?:\{"id":"?)?([0-9]+)') as id from raw._rejected where source = $1 order by 1::int`,
        [source],
      );
      const bad = Array.from({ length: to - from }, (_, n) => from + n).filter(isBad);
      expect([source, rejected.map(({ id }) => Number(id)).sort((a, b) => a - b)]).toEqual([source, bad]);
      from = to;
    }
  },
  isWhole ? 3_600_000 : 240_000,
);
