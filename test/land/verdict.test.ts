import fc from "fast-check";
import { expect, test } from "vitest";
import { withClient, withTransaction } from "../../src/postgres/client.ts";
import { script } from "../../src/sql/authored.ts";
import { literal } from "../../src/sql/literals.ts";
import { sql } from "../../src/sql/sql.ts";

import { type FileIngest, fileIngest } from "../support/ingest-files.ts";
import { spelledTypes, TYPES } from "../support/types.ts";

// Every value goes to the column of its type, alone in its record: a load judges them all, each by itself.
interface Given {
  readonly column: string;
  readonly value: string;
}

const columnOf = (at: number) => `c${at}`;
const properties = (more: object = {}) =>
  Object.fromEntries(
    spelledTypes.map(([postgresType], at) => [columnOf(at), { type: "string", postgresType, ...more }]),
  );
const schemaOf = (more: object = {}, whole: object = {}) => ({
  type: "object",
  properties: { id: { type: "string" }, ...properties(more) },
  ...whole,
});

/** Values that are listed, and others by chance: strings near the types' borders. */
function values(seed: number, perType: number): readonly Given[] {
  const number = fc.oneof(fc.integer().map(String), fc.double().map(String), fc.bigInt().map(String));
  const word = fc.string({ unit: fc.constantFrom(..."abcö '\"{}[],:.-+0123456789T%".split("")), maxLength: 7 });
  const time = fc.date({ noInvalidDate: true }).map((date) => date.toISOString());
  const some = fc.oneof(number, word, time, fc.uuid(), fc.boolean().map(String));
  return spelledTypes.flatMap(([, listed], at) =>
    [...listed, ...fc.sample(some, { seed: seed + at, numRuns: perType })].map((value) => ({
      column: columnOf(at),
      value,
    })),
  );
}

const known = new Map<string, string | false>();

/** What a plain insert makes of each value: the text that is stored, or that it is refused. It is asked once for all ways. */
async function inserted(ingest: FileIngest, given: readonly Given[]): Promise<readonly (string | false)[]> {
  const key = ({ column, value }: Given) => `${column} ${value}`;
  const asked = given.filter((one) => !known.has(key(one)));
  for (const [at, outcome] of (await insertedNow(ingest, asked)).entries()) known.set(key(asked[at]!), outcome);
  return given.map((one) => known.get(key(one))!);
}

async function insertedNow(ingest: FileIngest, given: readonly Given[]): Promise<readonly (string | false)[]> {
  return withClient(ingest.settings, {}, (client) =>
    withTransaction(client, async () => {
      await client.script(sql`set local datestyle = 'ISO, YMD'; set local timezone = 'UTC'`);
      const columns = spelledTypes.map(([type], at) => `${columnOf(at)} ${type}`);
      await client.script(script(`create temp table plain (${columns.join(", ")}) on commit drop`));
      const outcomes: (string | false)[] = [];
      for (const { column, value } of given) {
        await client.query(sql`savepoint one`);
        const stored = await client
          .query<{ stored: string }>(
            script(`insert into plain (${column}) values (${literal(value)}) returning ${column}::text as stored`),
          )
          .then(({ rows }) => rows[0]!.stored)
          .catch(() => false as const);
        if (stored === false) await client.query(sql`rollback to savepoint one`);
        outcomes.push(stored);
      }
      return outcomes;
    }),
  );
}

/** What a load made of each value, by the id of its record. */
async function landed(ingest: FileIngest, given: readonly Given[]): Promise<readonly (string | false)[]> {
  const stored = spelledTypes.map((_, at) => `'${columnOf(at)}', ${columnOf(at)}::text`);
  // A call takes a hundred arguments.
  const halves = [stored.slice(0, 40), stored.slice(40)].map((some) => `jsonb_build_object(${some.join(", ")})`);
  const rows = await ingest.rows<{ id: string; cells: string }>(
    `select id, jsonb_strip_nulls(${halves.join(" || ")}) as cells from raw.orders`,
  );
  const outcomes: (string | false)[] = given.map(() => false);
  for (const { id, cells } of rows) {
    const { column } = given[Number(id)]!;
    const found = JSON.parse(cells) as Record<string, string>;
    expect([id, Object.keys(found)]).toEqual([id, [column]]);
    outcomes[Number(id)] = found[column]!;
  }
  return outcomes;
}

/** Whoever is refused is among the rejects, with the name of its column. */
async function expectNamed(ingest: FileIngest, given: readonly Given[], outcomes: readonly (string | false)[]) {
  const rejects = await ingest.rows<{ row_no: string; reason: string }>(
    "select row_no, reason from raw._rejected where replayed_by is null order by row_no",
  );
  const refused = given.flatMap(({ column }, at) => (outcomes[at] === false ? [[String(at + 1), column]] : []));
  expect(rejects.map(({ row_no, reason }) => [row_no, reason.split(": ")[0]])).toEqual(refused);
}

const json = ({ column, value }: Given, at: number) => JSON.stringify({ id: String(at), [column]: value });
const ndjson = (given: readonly Given[]) => given.map((one, at) => `${json(one, at)}\n`).join("");
const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
function csv(given: readonly Given[], more: string): string {
  const names = ["id", ...spelledTypes.map((_, at) => columnOf(at)), ...(more ? [more] : [])];
  const lines = given.map(({ column, value }, at) =>
    names.map((name) => (name === "id" ? String(at) : name === column ? quoted(value) : "")).join(),
  );
  return `${[names.join(), ...lines].join("\n")}\n`;
}
const escaped = (text: string) => text.replace(/[&<"']/g, (one) => `&#${one.charCodeAt(0)};`);
/** XML has no control characters, and blanks around a text mean nothing in it. */
const inXml = ({ value }: Given) => value.trim() === value && /^[^\0-\x1f]*$/.test(value);
const xml = (given: readonly Given[]) =>
  `<r>${given.map(({ column, value }, at) => `<i><id>${at}</id><${column}>${escaped(value)}</${column}></i>\n`).join("")}</r>`;
const xmlFormat = `format: xml\nxml: { record: i, fields: { id: id, ${spelledTypes.map((_, at) => `${columnOf(at)}: ${columnOf(at)}`).join(", ")} } }`;

type Load = (ingest: FileIngest, given: readonly Given[]) => Promise<unknown>;
const file =
  (name: string, bytes: (given: readonly Given[]) => string): Load =>
  (ingest, given) => {
    ingest.put({ [name]: bytes(given) });
    return ingest.load();
  };

/** Refused at first, all of them but the empty ones, by a schema that is mended then. */
const replayed: Load = async (ingest, given) => {
  ingest.schema(schemaOf({ maxLength: 0 }));
  ingest.put({ "a.ndjson": `${ndjson(given)}{}\n` });
  const first = await ingest.load();
  ingest.schema(schemaOf());
  await ingest.replay();
  await ingest.rows("delete from raw.orders where id is null");
  return first;
};

/** From a table of the database itself, whose columns are texts. */
const postgres =
  (cursor: string): Load =>
  async (ingest, given) => {
    ingest.sqlSource(`from: public.source${cursor}`);
    const columns = spelledTypes.map((_, at) => `${columnOf(at)} text`);
    await ingest.rows(`create table public.source (n int, id text, ${columns.join(", ")})`);
    const inserts = given.map(
      ({ column, value }, at) =>
        `insert into public.source (n, id, ${column}) values (${at}, '${at}', ${literal(value)})`,
    );
    await ingest.rows(`do $do$ begin ${inserts.join("; ")}; end $do$`);
    return ingest.load();
  };
const numbered = { ...schemaOf(), properties: { n: { type: "integer" }, ...schemaOf().properties } };

const ways: readonly (readonly [name: string, stream: string, schema: object, load: Load])[] = [
  ["CSV by COPY", "format: csv", schemaOf(), file("a.csv", (given) => csv(given, ""))],
  ["CSV record by record", "format: csv", schemaOf(), file("a.csv", (given) => csv(given, "unknown"))],
  ["NDJSON as bytes", "format: ndjson", schemaOf(), file("a.ndjson", ndjson)],
  ["NDJSON that is parsed", "format: ndjson", schemaOf({}, { minProperties: 1 }), file("a.ndjson", ndjson)],
  ["JSON", "format: json", schemaOf(), file("a.json", (given) => `[${given.map(json).join()}]`)],
  ["XML", xmlFormat, schemaOf(), file("a.xml", xml)],
  ["replay", "format: ndjson", schemaOf(), replayed],
  ["PostgreSQL", "format: csv", numbered, postgres("")],
  ["PostgreSQL with a cursor", "format: csv", numbered, postgres("\ncursor: { field: n }")],
];

async function project(stream: string, schema: object): Promise<FileIngest> {
  const ingest = await fileIngest(stream, schema);
  await ingest.rows(`do $do$ begin ${TYPES}; end $do$`);
  return ingest;
}

test.each(ways)(
  "a value means by %s what it means in a plain insert, or is refused with its column",
  async (...way) => {
    const [name, stream, schema, load] = way;
    const given = values(7, 6).filter((one) => name !== "XML" || inXml(one));
    const ingest = await project(stream, schema);
    expect(await load(ingest, given)).toMatchObject({ error: null });
    const [expected, found] = [await inserted(ingest, given), await landed(ingest, given)];
    const differing = given.flatMap((one, at) =>
      expected[at] === found[at]
        ? []
        : [{ ...one, type: spelledTypes[Number(one.column.slice(1))]![0], plain: expected[at], landed: found[at] }],
    );
    expect(differing).toEqual([]);
    await expectNamed(ingest, given, found);
  },
);

test.each([
  ["without a cursor", ""],
  ["with a cursor", "\ncursor: { field: n }"],
])("a value that PostgreSQL holds lands in a column of its type as it is, %s", async (_, cursor) => {
  const ingest = await project("format: csv", numbered);
  const all = values(8, 3);
  const stored = await inserted(ingest, all);
  const given = all.filter((_, at) => stored[at] !== false);
  ingest.sqlSource(`from: public.source${cursor}`);
  const columns = spelledTypes.map(([type], at) => `${columnOf(at)} ${type}`);
  const rows = given.map(
    ({ column, value }, at) =>
      `insert into public.source (n, id, ${column}) values (${at}, '${at}', ${literal(value)})`,
  );
  await ingest.rows(
    `do $do$ begin
       set local timezone = 'UTC'; create table public.source (n int, id text, ${columns.join(", ")}); ${rows.join("; ")};
     end $do$`,
  );
  expect(await ingest.load()).toMatchObject({ error: null, rejected: 0, rows: given.length });
  const cells = spelledTypes.map((_, at) => `${columnOf(at)}::text`).join(", ");
  const read = (table: string) => ingest.rows(`select n, ${cells} from ${table} order by n`);
  expect(await read("raw.orders")).toEqual(await read("public.source"));
});
