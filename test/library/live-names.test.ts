import { expect, test } from "vitest";
import { sql } from "../../src/sql/sql.ts";
import { liveFiles, makeEvents } from "../support/live.ts";
import { keywords } from "../support/names.ts";
import { warehouse } from "../support/warehouse.ts";

// Whatever a column is called, it is that column: words of SQL, names that our own SQL uses, names that JavaScript has.

const odd = [
  "Mixed Case",
  'a "quote"',
  "it's",
  "ä€😀",
  "x".repeat(63),
  "1st",
  "$1",
  "a.b",
  "a;b",
  "--",
  "/*",
  "%I",
  "\\",
];
const ofObjects = ["constructor", "toString", "valueOf", "hasOwnProperty", "__proto__"];
const inside =
  `streams known tail_loads new_loads struck_loads struck struck_groups counted arrived again held parts groups live written
  store events found loads ends stream_rows changed_streams raw_rows landed lost this_run pairs touched one source stream status
  table_name load_id rows rolled_to rolled_beyond left_out is_new taken_in listed run_at built_at actual expected changed taken aged
  rolled_loads held_sessions fresh joined spans marked is_first visitor minute`.split(/\s+/);

test("every name is that of a group's column, of a measure and of a visitor: told, taken in, compared", async () => {
  const { client } = await warehouse({});
  const names = [...new Set([...(await keywords(client)), ...inside, ...odd, ...ofObjects])];
  const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;
  const chunks = Array.from({ length: Math.ceil(names.length / 25) }, (_, at) => names.slice(at * 25, at * 25 + 25));
  const calls = chunks.map((columns, at) => {
    const measure = (name: string) => (columns.includes(name) ? `${name}!`.slice(-63) : name);
    const groups = {
      from: ["raw", "named"],
      of: ["raw", "viewed"],
      by: columns,
      measures: { [measure("n")]: "count(*)" },
    };
    return `live.publish("g${at}", ${JSON.stringify(groups)});`;
  });
  const measures = names.map((name) => [name, `max(events.${quoted(name)})`]);
  const house = await warehouse({
    ...liveFiles,
    "definitions/named.js": 'declare({ schema: "raw", name: "named" });',
    "definitions/all.js": `${calls.join("\n")}
      live.publish("all_measures", ${JSON.stringify({ from: ["raw", "named"], of: ["raw", "viewed"], measures })});
      ${chunks
        .map(
          ([visitor], at) =>
            `live.sessions("s${at}", ${JSON.stringify({ from: ["raw", "named"], of: ["raw", "viewed"], visitor, time: "_event_at", gap: "1 minute" })});`,
        )
        .join("\n")}`,
  });
  await house.sql(
    `${makeEvents}; create table raw.named (_load_id bigint, _event_at timestamptz default now(), ${names.map((name) => `${quoted(name)} text`).join(", ")})`,
  );
  const landed = (end: string) =>
    house.sql(`insert into raw._load (source, stream, table_name, status) values ('web', 'viewed', 'viewed', 'loaded');
      insert into raw.named select max(load_id), now(), ${names.map((name) => `'${`${name}${end}`.replaceAll("'", "''")}'`).join(", ")} from raw._load`);
  await landed("");
  await house.run();
  await landed("");
  await landed(" again");
  const report = await house.run();
  expect((report.errors ?? []).map(({ message }) => message)).toEqual([]);
  expect(
    report.steps.flatMap(({ target, status, error }) => (status === "ok" ? [] : [`${target.name}: ${error?.message}`])),
  ).toEqual([]);
  const { columns, rows } = await house.client.table(sql`select * from marts.all_measures`);
  expect(names.map((name) => rows[0]![columns.indexOf(name)])).toEqual(names.map((name) => `${name} again`));
  for (const at of chunks.keys()) expect(await house.rows(`select count(*) from marts.g${at}`)).toEqual(["2"]);
});
