import { describe, expect, onTestFinished, test } from "vitest";
import { between } from "../../src/library/reconcile.ts";
import type { Client } from "../../src/postgres/client.ts";
import { script } from "../../src/sql/authored.ts";
import { sql } from "../../src/sql/sql.ts";
import { type Columns, cells, database, fill, reconciled } from "../support/comparing.ts";
import { noMariadb, startMariadb } from "../support/servers/mariadb.ts";

// What was accepted reaches the own system as it is, whatever it says and whatever its columns are called.

const sides = { ours: "records", theirs: "statements" } as const;
const KEY = ["order", "it's ä `key`"];
const COLUMNS: Columns = [
  ...KEY.map((name) => [name, "text"] as const),
  ["group", "text"],
  ['a "b"', "numeric"],
  ["`tick`", "text"],
  ["C:\\day", "date"],
];
const NASTY = [
  "O'Neill",
  "C:\\new\\",
  "\\",
  "'",
  "''; drop table x; --",
  "ü€😀",
  "two\nlines\t",
  "\"`$1 %s \\'",
  "null",
  " ",
  "-- 1 /* :name ? @x",
];
const LONG = "12345678901234567890.123456789012345678";
const OTHER_LONG = "12345678901234567890.123456789012345679";

const comparison = {
  ...sides,
  key: KEY,
  columns: [
    ["group", { kind: "text" }],
    ['a "b"', { kind: "number" }],
    ["`tick`", { kind: "text" }],
    ["C:\\day", { kind: "date" }],
  ],
} as const;

/** Our rows, and theirs: each value differs in one row, one is missing here, one has nothing, one is added. */
function rows(): { ours: (string | null)[][]; theirs: (string | null)[][] } {
  const plain = (key: string) => [key, key, "same", "1.5", "same", "2026-01-01"];
  const ours = [...NASTY.map(plain), plain("long"), plain("nothing"), ["not null", "x", null, null, null, null]];
  const theirs = [
    ...NASTY.map((text) => [text, text, text, "1.5", text, "2026-01-01"]),
    ["long", "long", "same", LONG, "same", "2026-02-01"],
    ["nothing", "nothing", null, null, null, null],
    ["not null", "x", "", OTHER_LONG, NASTY[0]!, "2026-01-01"],
    ...NASTY.map((text) => [`${text} new`, text, text, LONG, null, null]),
  ];
  return { ours, theirs };
}

interface OwnSystem {
  readonly dialect: "postgresql" | "mysql" | "mariadb";
  readonly target: string | readonly [string, string];
  apply(statement: string): Promise<unknown>;
  /** Its rows, cells as texts. */
  content(): Promise<unknown[][]>;
}

async function postgresql(client: Client, ours: readonly (string | null)[][]): Promise<OwnSystem> {
  await fill(client, "Own Table", COLUMNS, ours);
  return {
    dialect: "postgresql",
    target: ["public", "Own Table"],
    apply: (statement) => client.script(script(statement)),
    content: async () => (await client.table(sql`select * from "Own Table"`)).rows as unknown[][],
  };
}

const mariadb =
  (settings: string) =>
  async (_: Client, ours: readonly (string | null)[][]): Promise<OwnSystem> => {
    const server = await startMariadb();
    onTestFinished(() => server.stop());
    const names = COLUMNS.map(([name]) => `\`${name.replaceAll("`", "``")}\``);
    const types: Readonly<Record<string, string>> = {
      text: "varchar(99) collate utf8mb4_bin",
      numeric: "decimal(60, 30)",
      date: "date",
    };
    const hex = (text: string | null) => (text === null ? "null" : `_utf8mb4 x'${Buffer.from(text).toString("hex")}'`);
    await server.sql(
      `create table \`Own Table\` (${COLUMNS.map(([, type], index) => `${names[index]} ${types[type]}`).join(", ")})`,
    );
    await server.sql(
      `insert into \`Own Table\` values ${ours.map((row) => `(${row.map(hex).join(", ")})`).join(", ")}`,
    );
    return {
      dialect: "mariadb",
      target: "`Own Table`",
      apply: async (statement) => {
        await server.sql(settings);
        await server.sql(statement);
      },
      content: async () => {
        await server.sql("set names utf8mb4");
        const cells = names.map((name) => `cast(${name} as char) as ${name}`);
        return (await server.sql(`select ${cells} from \`Own Table\``)).map((row) => Object.values(row));
      },
    };
  };

describe.each([
  ["PostgreSQL", undefined, postgresql],
  [`MariaDB${noMariadb ? ` (${noMariadb})` : ""}`, noMariadb, mariadb("select 1")],
  [
    "MariaDB, in which a backslash is a letter",
    noMariadb,
    mariadb("set sql_mode = 'no_backslash_escapes,strict_all_tables'"),
  ],
  ["MariaDB, with a client of another character set", noMariadb, mariadb("set names latin1")],
] as const)("%s", (_, missing, start) => {
  test.skipIf(missing)("takes every value under every name, and once however often it is applied", async () => {
    const client = await database();
    const { ours, theirs } = rows();
    await fill(client, sides.ours, COLUMNS, ours);
    await fill(client, sides.theirs, COLUMNS, theirs);
    await reconciled(client, comparison);
    await client.script(sql`create table decided as
      select *, 'accept' as decision, 'Ada' as decided_by, date '2026-04-01' as decided_on, null as comment, 1 as load_id, 1 as row_no
      from made_proposals`);
    const own = await start(client, ours);
    const made = between(comparison);
    const corrections = made.corrections({
      proposals: "made_proposals",
      decisions: "decided",
      target: own.target,
      dialect: own.dialect,
    });
    const statements = await cells(client, `select apply_statement from (${corrections}) as corrections`);
    expect(statements.length).toBeGreaterThan(20);
    for (const [statement] of [...statements, ...statements]) await own.apply(statement!);
    const sorted = (table: readonly (readonly unknown[])[]) =>
      table.map((row) => JSON.stringify(row.map((cell) => trimmed(cell)))).sort();
    expect(sorted(await own.content())).toEqual(sorted(theirs));

    await client.script(script(`create table corrections as ${corrections}`));
    const corrected = made.corrected({ ours: sides.ours, corrections: "corrections" });
    const columns = COLUMNS.map(([name]) => `"${name.replaceAll('"', '""')}"`);
    expect(sorted(await cells(client, `select ${columns} from (${corrected}) as corrected`))).toEqual(sorted(theirs));
  });
});

/** A number without the zeros that a type with a scale puts behind it. */
function trimmed(cell: unknown): unknown {
  const text = typeof cell === "string" && /^\d+\.\d+$/.test(cell) ? cell.replace(/\.?0+$/, "") : cell;
  return text;
}

test("a decision that says other values than its proposal does not put them into a statement", async () => {
  const client = await database();
  const columns: Columns = [
    ["k", "text"],
    ["a", "text"],
  ];
  await fill(client, sides.ours, columns, [["1", "x"]]);
  await fill(client, sides.theirs, columns, [["1", null]]);
  const given = { ...sides, key: "k", columns: { a: { kind: "text" } } } as const;
  await reconciled(client, given);
  await client.script(sql`create table decided as
    select proposal_id, 'other' as k, 'k = 1; drop table t; --' as column_name, 'y' as our_value, 'z' as their_value, proposed_action,
      'accept' as decision, 'Ada' as decided_by, date '2026-04-01' as decided_on, null as comment, 1 as load_id, 1 as row_no
    from made_proposals`);
  const corrections = between(given).corrections({ proposals: "made_proposals", decisions: "decided", target: "t" });
  expect(await cells(client, `select apply_statement from (${corrections}) as made`)).toEqual([
    [`update t set "a" = null where "k" = '1' and "a" is not distinct from 'x';`],
  ]);
});

test("a row that comes again in another file is the one that was decided; where it says something else, the decision is superseded", async () => {
  const client = await database();
  const columns: Columns = [
    ["k", "text"],
    ["a", "text"],
    ["path", "text"],
  ];
  const given = { ...sides, key: "k", columns: { a: { kind: "text" } }, also: { theirs: ["path"] } } as const;
  await fill(client, sides.ours, columns, [["2", "x", null]]);
  const come = async (theirs: readonly (readonly string[])[]) => {
    await fill(client, sides.theirs, columns, theirs);
    await reconciled(client, given);
  };
  await come([
    ["1", "new", "first.xml"],
    ["2", "y", "first.xml"],
  ]);
  await client.script(sql`create table decided as
    select *, 'accept' as decision, 'Ada' as decided_by, date '2026-04-01' as decided_on, null as comment, 1 as load_id, 1 as row_no
    from made_proposals`);
  const corrections = between(given).corrections({ proposals: "made_proposals", decisions: "decided", target: "t" });
  const states = () => cells(client, `select k, state from (${corrections}) as made order by k`);
  await come([
    ["1", "new", "again.xml"],
    ["2", "z", "again.xml"],
  ]);
  expect(await states()).toEqual([
    ["1", "accepted"],
    ["2", "superseded"],
  ]);
  await come([["2", "x", "again.xml"]]);
  expect(await states()).toEqual([
    ["1", "applied"],
    ["2", "applied"],
  ]);
});

test("a key that steps change names our row as it is stored; a row without one has no statement", async () => {
  const client = await database();
  const columns: Columns = [
    ["k", "text"],
    ["a", "text"],
    ["stored", "text"],
  ];
  // a letter and its mark, or both in one; ß or ss; a blank
  await fill(client, sides.ours, columns, [
    [" Strauß ", "x", " Strauß "],
    ["cafe\u0301", "x", "cafe\u0301"],
    ["none", "x", null],
  ]);
  await fill(client, sides.theirs, columns, [
    ["STRAUSS", "y", null],
    ["caf\u00e9", "y", null],
    ["none", "y", null],
  ]);
  const key = { k: ["trim", "nfc", "ss", "lower"] } as const;
  const given = { ...sides, key, columns: { a: { kind: "text" } } } as const;
  await reconciled(client, given);
  await client.script(sql`create table decided as
    select proposal_id, k, column_name, our_value, their_value, proposed_action,
      'accept' as decision, 'Ada' as decided_by, date '2026-04-01' as decided_on, null as comment, 1 as load_id, 1 as row_no
    from made_proposals`);
  const { corrections } = between(given);
  const options = { proposals: "made_proposals", decisions: "decided", target: "records" } as const;
  const made = corrections({ ...options, ours: sides.ours, stored: { k: "stored" } });
  const statements = await cells(client, `select apply_statement from (${made}) as made order by k`);
  expect(statements.map(([statement]) => statement?.startsWith("update records"))).toEqual([true, undefined, true]);
  for (const [statement] of statements) if (statement) await client.script(script(statement));
  expect(await cells(client, "select a, count(*) from records group by 1 order by 1")).toEqual([
    ["x", "1"],
    ["y", "2"],
  ]);
  expect(() => corrections(options)).toThrow(
    "corrections: needs ours, our rows: k is matched after trim, nfc, ss, lower, and statements name rows by the key as it is stored",
  );
  expect(() => corrections({ ...options, ours: "records", stored: { b: "c" } })).toThrow(
    "corrections: stored: b is no column of the key, which is k",
  );
});

test("records as corrected have exact columns as texts, moments without a zone as they are, and one missing side", async () => {
  const client = await database();
  await client.script(sql`set timezone = 'Europe/Amsterdam'`);
  const columns: Columns = [
    ["k", "int"],
    ["flags", "int[]"],
    ["at", "timestamp"],
    ["id", "text"],
  ];
  await fill(client, sides.ours, columns, [
    ["1", "{1,2}", "2026-01-01 10:00", "r1"],
    ["2", "{3}", "2026-01-01 11:00", "r2"],
  ]);
  await fill(client, sides.theirs, columns, [
    ["1", "{1,2}", "2026-01-01 12:00", "r1"],
    ["3", "{4}", "2026-01-01 13:00", "r3"],
  ]);
  const given = {
    ...sides,
    key: "k",
    columns: { flags: { kind: "exact" }, at: { kind: "timestamp" } },
    also: { ours: ["id"] },
  } as const;
  await reconciled(client, given);
  await client.script(sql`create table corrections as select *, 'accepted' as state from made_proposals`);
  const corrected = between(given).corrected({ ours: sides.ours, corrections: "corrections" });
  expect(
    await cells(
      client,
      `select k, id, flags, at::timestamp, is_corrected, is_added from (${corrected}) as made order by k`,
    ),
  ).toEqual([
    ["1", "r1", "{1,2}", "2026-01-01 12:00:00", "t", "f"],
    ["2", "r2", "{3}", "2026-01-01 11:00:00", "f", "f"],
    ["3", null, "[4]", "2026-01-01 13:00:00", "f", "t"],
  ]);
  await client.script(sql`update records set at = '2026-03-29 02:30'`);
  await expect(cells(client, corrected)).rejects.toThrow(
    "column at: the time zone of the session does not have the time 2026-03-29 02:30:00",
  );
});

test.each([
  [{ target: "t; drop table x" }, "target is not a relation"],
  [{ target: "(select 1)" }, "target: expected a table"],
  [{ target: "t set x = 1; --", dialect: "mysql" }, "target: expected a table"],
  [{ target: { schema: "a" } }, "needs target, a table: a name, [schema, name] or"],
  [{ target: "t", dialect: "oracle" }, 'unknown dialect "oracle", known: postgresql, postgres, mysql, mariadb'],
  [{ target: "t", dialekt: "mysql" }, 'unknown option "dialekt"'],
])("corrections for %j are refused", (more, message) => {
  const { corrections } = between({ ...sides, key: "k", columns: { a: { kind: "text" } } });
  expect(() => corrections({ proposals: "p", decisions: "d", ...more } as never)).toThrow(message);
});
