import { expect, test } from "vitest";
import { fileIngest } from "../support/ingest-files.ts";
import { spelledTypes, TYPES } from "../support/types.ts";

const columns = spelledTypes.map(([type], at) => [`c${at}`, { type: "string", postgresType: type }] as const);
const schema = { type: "object", properties: { id: { type: "integer" }, ...Object.fromEntries(columns) } };

test("a type lands again under every spelling of its name, and once it is called otherwise it is another type", async () => {
  const ingest = await fileIngest("format: ndjson", schema);
  await ingest.rows(`do $do$ begin ${TYPES}; end $do$`);
  ingest.put({ "a.ndjson": '{"id":1,"c2":"abcd"}\n' });
  expect((await ingest.load()).error).toBeNull();
  ingest.put({ "b.ndjson": '{"id":2,"c2":"wxyz"}\n' });
  expect(await ingest.load()).toMatchObject({ error: null, rows: 1 });

  const other = (name: string, postgresType: string) =>
    ingest.schema({ ...schema, properties: { ...schema.properties, [name]: { type: "string", postgresType } } });
  other("c2", "character varying ( 4 )");
  ingest.put({ "c.ndjson": '{"id":3,"c2":"efgh"}\n' });
  expect(await ingest.load()).toMatchObject({ error: null, rows: 1 });
  other("c2", "varchar(3)");
  ingest.put({ "d.ndjson": '{"id":4,"c2":"efgh"}\n' });
  expect((await ingest.load()).error).toMatchObject({
    message: "raw.orders.c2 gets no other type by a load: a value, or what is computed from it, could change",
    expected: "character varying(4), as the table has it",
    found: "character varying(3)",
    hint: expect.stringContaining('`npx dataform ingest retype orders.c2 "character varying(3)"`'),
  });
});

test.each([
  ["varchar(0)", "must be at least 1"],
  ["nowhere.mood", 'schema "nowhere" does not exist'],
])("a type that no column can have is refused with the field that has it: %s", async (postgresType, said) => {
  const ingest = await fileIngest("format: csv", {
    type: "object",
    properties: { id: { type: "integer" }, odd: { type: "string", postgresType } },
  });
  ingest.put({ "a.csv": "id,odd\n1,x\n" });
  expect((await ingest.load()).error).toMatchObject({
    message: `PostgreSQL has no type "${postgresType}"`,
    found: expect.stringMatching(new RegExp(`^the field odd: .*${said}`)),
  });
  expect(await ingest.rows("select status from raw._load")).toEqual([{ status: "failed" }]);
});
