import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { loadIngest } from "../../src/config/load-ingest.ts";
import { parquetLake } from "../../src/export/lake.ts";
import { ingest } from "../../src/land/ingest.ts";
import { withClient } from "../../src/postgres/client.ts";
import { script } from "../../src/sql/authored.ts";
import { fileIngest } from "../support/ingest-files.ts";
import { secret } from "../support/servers/connector.ts";
import { hasS3, type S3Server, startS3 } from "../support/servers/s3.ts";

const schema = { type: "object", required: ["id"], properties: { id: { type: "integer" }, note: { type: "string" } } };

const s3Of = ({ endpoint }: S3Server) =>
  `s3: { endpoint: "${endpoint}", accessKeyId: "\${LAKE_KEY}", secretAccessKey: "\${LAKE_SECRET}" }`;

describe.skipIf(!hasS3)("a bucket (needs test/servers)", () => {
  test("has a partition that is too old as a file, and a source of files reads it back; without the right key the rows stay", async () => {
    const store = await startS3();
    const partition = `{ by: load_date, keepDays: 30, archive: { to: "s3://inbox/ä lake/raw", ${s3Of(store)} } }`;
    const shop = await fileIngest(`format: ndjson\npartition: ${partition}`, schema);
    const env = (key: string) => ({ LAKE_KEY: key, LAKE_SECRET: store.secretAccessKey });
    let files = 0;
    const load = async (key: string, rows = '{"id":9,"note":"new"}') => {
      shop.put({ [`${++files}.ndjson`]: rows });
      const declared = loadIngest(join(shop.dir, "ingest/shop.yaml"), { projectDir: shop.dir, env: env(key) });
      return (await ingest(declared, shop.settings, { lake: parquetLake })).streams[0]!.warnings;
    };
    const run = (text: string) => withClient(shop.settings, {}, (client) => client.script(script(text)));
    await load(store.accessKeyId, '{"id":1,"note":"é"}\n{"id":2,"note":"b"}');
    await run(`
      create table raw.orders_old (like raw.orders including defaults including constraints);
      insert into raw.orders_old (id, note, _load_id, _row_no, _load_date)
      select id, note, _load_id, _row_no, '2020-01-01' from raw.orders;
      alter table raw.orders attach partition raw.orders_old for values from ('2020-01-01') to ('2020-01-02')`);

    const [refused] = await load("nobody");
    expect(refused).toMatch(/raw\.orders_old is not archived, and stays: .*orders\/2020-01-01\.parquet cannot be/);
    expect(refused).not.toContain("S3RVER");
    expect(await shop.rows("select count(*) from raw.orders_old")).toEqual([{ count: "2" }]);

    const address = "s3://inbox/ä lake/raw/orders/2020-01-01.parquet";
    expect(await load(store.accessKeyId)).toEqual([
      `partitions archived and dropped, older than 30 days: raw.orders_old (2 rows: ${address})`,
    ]);
    const bytes = readFileSync(join(store.directory, "inbox/ä lake/raw/orders/2020-01-01.parquet._S3rver_object"));
    expect(await shop.rows("select path, rows, bytes, sha256 from raw._archive")).toEqual([
      {
        ...{ path: "orders/2020-01-01.parquet", rows: "2", bytes: String(bytes.length) },
        sha256: createHash("sha256").update(bytes).digest("hex"),
      },
    ]);

    mkdirSync(join(shop.dir, "again"));
    const again = { id: { type: ["integer", "null"] }, note: { type: ["string", "null"] } };
    const ours = { archived_load_id: { type: "integer" }, archived_row_no: { type: "integer" } };
    const rest = {
      archived_extra: { type: ["object", "null"] },
      archived_load_date: { type: "string", format: "date" },
    };
    writeFileSync(
      join(shop.dir, "again/lake.yaml"),
      `version: 1
source: lake
files: { at: "s3://inbox/%C3%A4%20lake/raw", ${s3Of(store)} }
streams:
  - name: orders
    files: "orders/*.parquet"
    format: parquet
    settleSeconds: 0
    table: archived_orders
    recordSchema: ${JSON.stringify({ type: "object", properties: { ...again, ...ours, ...rest } })}
`,
    );
    const lake = loadIngest(join(shop.dir, "again/lake.yaml"), { projectDir: shop.dir, env: env(store.accessKeyId) });
    expect((await ingest(lake, shop.settings)).streams[0]).toMatchObject({ status: "loaded", rows: 2, rejected: 0 });
    expect(await shop.rows("select id, note, archived_load_date from raw.archived_orders order by id")).toEqual([
      { id: "1", note: "é", archived_load_date: "2020-01-01" },
      { id: "2", note: "b", archived_load_date: "2020-01-01" },
    ]);
  });

  test("says which files it has", async () => {
    const store = await startS3();
    await store.put("orders/2020-01-01.parquet", "of another database");
    const keys = { accessKeyId: secret(store.accessKeyId), secretAccessKey: secret(store.secretAccessKey) };
    const archive = { to: "s3://inbox", s3: { endpoint: store.endpoint, ...keys } };
    const place = { archive, path: "orders/2020-01-01.parquet" };
    expect(await parquetLake.has(place)).toBe(true);
    expect(await parquetLake.has({ ...place, path: "orders/2020-01-02.parquet" })).toBe(false);
  });
});
