import { DatabaseError } from "pg";
import { expect, test } from "vitest";
import type { Client } from "../../src/postgres/client.ts";
import { withClient } from "../../src/postgres/client.ts";
import { readCatalog, readSurroundings } from "../../src/postgres/read-catalog.ts";
import { sql } from "../../src/sql/sql.ts";
import { ownDatabase } from "../support/database.ts";

function gone(): DatabaseError {
  const error = new DatabaseError("could not open relation with OID 206769", 0, "error");
  error.code = "XX000";
  error.severity = "ERROR";
  return error;
}

/** A client to whom the server says for some of its queries what it says where a view was dropped meanwhile. */
function amongDrops(client: Client, times: number): Client {
  let left = times;
  return new Proxy(client, {
    get(target, name) {
      const member = Reflect.get(target, name, target) as unknown;
      if (typeof member !== "function") return member;
      return (...input: unknown[]) => {
        if (name === "query" && String(input[0]).includes("pg_get_viewdef") && left-- > 0)
          return target.query(sql`select 1 / 0`).catch(() => Promise.reject(gone()));
        return (member as (...all: unknown[]) => unknown).apply(target, input);
      };
    },
  });
}

test("what somebody drops while the catalogue is read is read again, without it", async () => {
  const { settings } = await ownDatabase();
  await withClient(settings, {}, async (client) => {
    await client.query(sql`create table t (id int)`);
    await client.query(sql`create view v as select id from t`);
    const read = async (times: number) => {
      const { relations } = await readSurroundings(amongDrops(client, times), [{ schema: "public", name: "t" }], {
        manifest: {},
      });
      return relations["public.t"]!.dependents.map(({ what }) => what);
    };
    expect(await read(3)).toEqual(["public.v"]);
    await expect(read(100)).rejects.toThrow("could not open relation with OID 206769");
    await client.query(sql`begin`);
    await expect(read(1)).rejects.toThrow("could not open relation with OID 206769");
  });
});

test("a view of ours in a database whose record is gone is in no release", async () => {
  const { client } = await ownDatabase();
  await client.script(sql`create schema _dataform; create table _dataform.a_1 (id int);
    create schema marts; create view marts.a as select id from _dataform.a_1`);
  const { relations } = await readCatalog(client, "main", [{ schema: "marts", name: "a" }]);
  expect(relations["marts.a"]).toMatchObject({ kind: "view", published: true, unrecorded: true });
});
