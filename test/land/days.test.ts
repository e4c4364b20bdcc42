import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { loadIngest } from "../../src/config/load-ingest.ts";
import { ingest } from "../../src/land/ingest.ts";
import type { UserErrors } from "../../src/model/errors.ts";
import { sql } from "../../src/sql/sql.ts";
import { sendJson, startApi } from "../support/ingest-api.ts";
import { ingestDatabase } from "../support/ingest-database.ts";

const db = ingestDatabase();

/** A declaration as a person writes it, of an API whose figures have days. */
function declared(url: string, stream: string) {
  const folder = mkdtempSync(join(tmpdir(), "dataform-days-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, "ingest"));
  const schema = { type: "object", properties: { day: { type: "string" }, n: { type: "integer" } } };
  writeFileSync(join(folder, "ingest/day.json"), JSON.stringify(schema));
  const text = `version: 1
source: figures
rest: { baseUrl: "${url}" }
streams:
  - name: days
    path: /days
    records: data
    table: days
    recordSchema: day.json
${stream}`;
  writeFileSync(join(folder, "ingest/figures.yaml"), text);
  return loadIngest(join(folder, "ingest/figures.yaml"), { projectDir: folder, env: {} });
}

const sliced = `    window: { startParam: from, endParam: to, start: 2026-01-01, days: 10, lookbackDays: 3 }
    batch: { kind: slice }
`;

async function api(rows: () => readonly object[] = () => []) {
  return startApi((_, response) => sendJson(response, { data: rows() }));
}

const at = (day: string) => ({ rest: { now: () => Date.parse(`${day}T12:00:00Z`), sleep: async () => {} } });
const ledger = async () =>
  (
    await db.client.query(
      sql`select status, rows, details -> 'days' as days, details -> 'lookbackDays' as again from raw._load order by load_id`,
    )
  ).rows;

describe("a window whose days are slices", () => {
  test("goes on from the last day it asked for, so many days back, also where no record came", async () => {
    const { url, requests } = await api();
    const declaration = declared(url, sliced);
    await ingest(declaration, db.settings, at("2026-01-12"));
    await ingest(declaration, db.settings, at("2026-01-14"));
    expect(requests).toEqual([
      "/days?from=2026-01-01&to=2026-01-10",
      "/days?from=2026-01-11&to=2026-01-12",
      "/days?from=2026-01-09&to=2026-01-14",
    ]);
  });

  test("begins where somebody says, before the declared start, too, and goes on from today after that", async () => {
    const { url, requests } = await api();
    const declaration = declared(url, sliced.replace("days: 10", "days: 100"));
    await ingest(declaration, db.settings, at("2026-01-12"));
    await ingest(declaration, db.settings, { ...at("2026-01-14"), since: "2025-12-20" });
    await ingest(declaration, db.settings, { ...at("2026-01-14"), since: "2026-01-08" });
    await ingest(declaration, db.settings, at("2026-01-15"));
    expect(requests).toEqual([
      "/days?from=2026-01-01&to=2026-01-12",
      "/days?from=2025-12-20&to=2026-01-14",
      "/days?from=2026-01-05&to=2026-01-14",
      "/days?from=2026-01-11&to=2026-01-15",
    ]);
  });

  test("has the days that were asked for in the ledger, and how far back the next load goes", async () => {
    const { url } = await api();
    await ingest(declared(url, sliced), db.settings, at("2026-01-12"));
    expect(await ledger()).toEqual([
      { status: "loaded", rows: "0", days: '{"end": "2026-01-12", "start": "2026-01-01"}', again: "3" },
    ]);
  });

  test("lands every record of its days again, also those that are as they were", async () => {
    const { url } = await api(() => [{ day: "2026-01-12", n: 1 }]);
    const declaration = declared(url, sliced.replace("days: 10", "days: 100"));
    for (let load = 0; load < 2; load++) await ingest(declaration, db.settings, at("2026-01-12"));
    expect(await ledger()).toMatchObject([{ rows: "1" }, { rows: "1" }]);
  });

  test("that failed half-way asks for the same days again", async () => {
    let broken = true;
    const requests: string[] = [];
    const { url } = await startApi((request, response) => {
      requests.push(request.url!);
      if (broken && requests.length > 1) sendJson(response, {}, 403);
      else sendJson(response, { data: [] });
    });
    const declaration = declared(url, sliced);
    await ingest(declaration, db.settings, at("2026-01-12"));
    broken = false;
    await ingest(declaration, db.settings, at("2026-01-12"));
    expect(requests.slice(2)).toEqual(requests.slice(0, 2));
    expect(await ledger()).toMatchObject([{ status: "failed", days: null }, { status: "loaded" }]);
  });

  test("begins where --since says, and at the beginning with --full", async () => {
    const { url, requests } = await api();
    const declaration = declared(url, sliced);
    await ingest(declaration, db.settings, at("2026-01-05"));
    await ingest(declaration, db.settings, { ...at("2026-01-05"), since: "2026-01-05" });
    await ingest(declaration, db.settings, { ...at("2026-01-05"), full: true });
    expect(requests.map((path) => path.slice(11, 21))).toEqual(["2026-01-01", "2026-01-02", "2026-01-01"]);
  });

  test("has no cursor, for that would skip what landed before", () => {
    const load = () => declared("http://localhost", `${sliced}    cursor: { field: day }\n`);
    expect(load).toThrow();
    try {
      load();
    } catch (error) {
      const [first] = (error as UserErrors).errors ?? [error as Error];
      expect(first!.message).toContain("a slice that is read again lands as a whole");
    }
  });
});
