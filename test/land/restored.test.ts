import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { connectionUrl } from "../../src/model/connection-settings.ts";
import { withClient } from "../../src/postgres/client.ts";
import { script } from "../../src/sql/authored.ts";
import { sql } from "../../src/sql/sql.ts";
import { ownDatabase } from "../support/database.ts";
import { fileIngest, orderSchema } from "../support/ingest-files.ts";

const { dump, major } = dumper();

/** pg_dump of this machine, which takes servers up to its own version. */
function dumper() {
  const ask = (...args: string[]) => execFileSync("pg_dump", args, { encoding: "utf8", stdio: "pipe" });
  try {
    return { dump: ask, major: Number(/\d+/.exec(ask("--version"))![0]) };
  } catch {
    return { dump: ask, major: 0 };
  }
}

/** `pg_dump`'s text for any driver: what psql alone reads is left out, and rows come as inserts. */
const restorable = (text: string) => text.replace(/^\\.*$|^SET transaction_timeout.*$/gm, "");

test.skipIf(major === 0)(
  "raw tables that pg_dump took along go on loading elsewhere, with their ledger and without it, as another owner's",
  async ({ skip }) => {
    const { put, load, schema, rows, settings, loadInto } = await fileIngest("format: ndjson");
    const [{ version }] = (await rows<{ version: string }>(
      "select current_setting('server_version_num')::int / 10000 as version",
    )) as [{ version: string }];
    skip(Number(version) > major, "pg_dump is older than the server");
    put({ "a.ndjson": '{"id":1,"colour":"red"}\n{"id":2}\n{"id":"x"}\n' });
    await load();
    const from = connectionUrl(settings, { password: true });
    const restored = async (text: string) => {
      const database = await ownDatabase();
      await database.client.script(script(restorable(text)));
      await database.client.script(script("reset all"));
      return database;
    };
    const properties = { ...orderSchema.properties, colour: { type: "string" } };
    schema({ ...orderSchema, properties });
    put({ "b.ndjson": '{"id":3,"colour":"blue"}\n' });

    const whole = await restored(dump("--inserts", from));
    const loaded = await loadInto(whole.settings);
    expect(loaded).toMatchObject({
      status: "loaded",
      rows: 1,
      skipped: 1,
      warnings: [expect.stringContaining("colour filled from _extra in 1 row")],
    });
    expect(Number(loaded.loadId)).toBeGreaterThan(1000);
    const seen = async ({ client }: typeof whole) =>
      (await client.query(sql`select id, colour, count(*) over () as all from raw.orders_current order by id`)).rows;
    expect(await seen(whole)).toEqual(
      [
        ["1", "red"],
        ["2", null],
        ["3", "blue"],
      ].map(([id, colour]) => ({ id, colour, all: "3" })),
    );

    const alone = await restored(`create schema raw;\n${dump("--inserts", "-t", "raw.orders", from)}`);
    const again = await loadInto(alone.settings);
    expect(again).toMatchObject({ status: "loaded", rows: 3, rejected: 1 });
    expect(again.warnings).toEqual([
      expect.stringContaining("colour filled from _extra in 1 row of 1 load"),
      expect.stringMatching(
        /^raw\.orders has 2 rows of 1 load that the ledger does not know.*lands once more beside them/,
      ),
    ]);
    expect(await seen(alone)).toEqual(await seen(whole));
    expect((await loadInto(alone.settings)).warnings).toEqual([]);

    const role = `loader_${whole.settings.database}`;
    const theirs = await restored(dump("--inserts", from));
    await theirs.client.script(
      script(
        `create role ${role} login password 'ci'; grant usage on schema raw to ${role}; grant select, insert, update on all tables in schema raw to ${role}`,
      ),
    );
    const asRole = { ...theirs.settings, user: role, password: "ci" };
    expect(await loadInto(asRole)).toMatchObject({
      status: "failed",
      error: {
        message: "the ledger in schema raw cannot be made ready by this login",
        hint: expect.stringContaining("load once as that one"),
      },
    });
    await loadInto(theirs.settings);
    put({ "c.ndjson": '{"id":4}\n' });
    await theirs.client.script(
      script(
        `grant usage on all sequences in schema raw to ${role}; grant select on all tables in schema raw to ${role}`,
      ),
    );
    expect(await loadInto(asRole)).toMatchObject({ status: "loaded", rows: 1 });
    await withClient(theirs.settings, {}, (client) =>
      client.script(script(`drop owned by ${role}; drop role ${role}`)),
    );
  },
);
