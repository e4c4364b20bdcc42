import { expect, test } from "vitest";
import { cli } from "../support/cli.ts";
import { declaration } from "../support/models.ts";
import { type ProjectFiles, testProject } from "../support/project.ts";
import { type Warehouse, warehouse } from "../support/warehouse.ts";

// Reconciliations of a stranger's project, which has no more than the functions. Numbers are those of domain.md.
const functions: ProjectFiles = {
  "includes/reconcile.js": 'module.exports = require("dataform-postgres/includes/reconcile");',
};

function project(options: string, names: readonly string[] = ["r"]): ProjectFiles {
  return {
    ...functions,
    "ours.sqlx": declaration("ours", "src"),
    "theirs.sqlx": declaration("theirs", "src"),
    ...Object.fromEntries(
      names.map((name) => [`definitions/${name}.js`, `reconcile.publish("${name}", { ${options} });`]),
    ),
  };
}

const COLUMNS = "ref text, amount numeric, ccy text, day date, name text";

async function made(options: string, ours: string, theirs: string, columns = COLUMNS): Promise<Warehouse> {
  const house = await warehouse(project(options));
  await house.sql(`create schema src; create table src.ours (${columns}); create table src.theirs (${columns});
    ${ours && `insert into src.ours values ${ours};`} ${theirs && `insert into src.theirs values ${theirs};`}`);
  const report = await house.run();
  expect(report.steps.filter(({ status }) => status !== "ok")).toEqual([]);
  return house;
}

const sides = 'ours: "ours", theirs: "theirs"';
const money = 'amount: { kind: "money", currency: "ccy" }, ccy: { kind: "text", normalize: ["trim", "upper"] }';
const statuses =
  "select ref, status, array_to_string(diff_columns || within_tolerance_columns, ',') from marts.r_rows order by ref, status";

test("4.2: three lines reconcile the rows of the prototype", async () => {
  const { rows } = await made(
    `${sides}, key: "ref", columns: { ${money}, day: { kind: "date" }, name: { kind: "text", normalize: ["lower", "trim"] } }`,
    `('1', 10.00, 'EUR', '2024-01-01', 'Acme'), ('2', 20.00, 'EUR', '2024-01-01', 'Beta'), ('3', 30, 'EUR', '2024-01-01', null),
     ('4', 40, 'EUR', '2024-01-01', 'D'), ('6', 60, 'EUR', '2024-01-01', 'F'), ('6', 60, 'EUR', '2024-01-01', 'F'),
     (null, 70, 'EUR', '2024-01-01', 'N'), ('8', 80, 'EUR', '2024-01-01', 'H')`,
    `('1', 10.000, 'EUR', '2024-01-01', 'Acme'), ('2', 20.01, 'EUR', '2024-01-02', 'Beta'), ('3', 30, 'EUR', '2024-01-01', null),
     ('5', 50, 'EUR', '2024-01-01', 'E'), ('6', 60, 'EUR', '2024-01-01', 'F'), ('8', 80, 'USD', '2024-01-01', 'h ')`,
  );
  expect(await rows(statuses)).toEqual([
    "1|matched|",
    "2|mismatched|amount,day",
    "3|matched|",
    "4|missing_in_theirs|",
    "5|missing_in_ours|",
    "6|duplicate|",
    "8|mismatched|amount,ccy",
    "∅|no_key|",
  ]);
  expect(await rows("select n_ours, n_theirs, n_equal from marts.r_duplicates")).toEqual(["2|1|1"]);
  expect(
    await rows(
      "select status, currency, keys, rows_ours, rows_theirs, amount_ours, amount_theirs from marts.r_summary order by 1, 2",
    ),
  ).toEqual([
    "duplicate|EUR|1|2|1|120|60",
    "matched|EUR|2|2|2|40.00|40.00",
    "mismatched|EUR|1|2|1|100.00|20.01",
    "mismatched|USD|1|0|1|0|80",
    "missing_in_ours|EUR|1|0|1|0|50",
    "missing_in_theirs|EUR|1|1|0|40|0",
    "no_key|EUR|1|1|0|70|0",
  ]);
  expect(await rows("select column_name, equal, both_null from marts.r_columns where column_name = 'name'")).toEqual([
    "name|3|1",
  ]);
});

test("amounts that are no number, or infinite, are summed as what they are and hold nothing back, also where one side has a key twice", async () => {
  const { rows } = await made(
    `${sides}, key: "ref", columns: { ${money} }, passes: [{ name: "parts", by: "key" }]`,
    `('nan', 'NaN', 'EUR'), ('same', 'Infinity', 'EUR'), ('twice', 'Infinity', 'USD'), ('twice', 'NaN', 'USD'),
     ('ours', '-Infinity', 'CHF')`,
    `('nan', 5, 'EUR'), ('same', 'Infinity', 'EUR'), ('twice', 1, 'USD'), ('theirs', 'Infinity', 'CHF'), ('theirs', 1, 'CHF')`,
  );
  expect(
    await rows("select status, currency, amount_ours, amount_theirs, amount_diff from marts.r_summary order by 1, 2"),
  ).toEqual([
    "duplicate|CHF|0|Infinity|Infinity",
    "duplicate|USD|NaN|1|NaN",
    "matched|EUR|Infinity|Infinity|NaN",
    "mismatched|EUR|NaN|5|NaN",
    "missing_in_theirs|CHF|-Infinity|0|Infinity",
  ]);
});

test("4.2: money is compared in minor units of its currency, and tolerances count in", async () => {
  const { rows } = await made(
    `${sides}, key: "ref", columns: { amount: { kind: "money", currency: "ccy", absTol: "0.02", relTol: 0.001 }, ccy: { kind: "text" } }`,
    `('abs at', 10.00, 'EUR'), ('abs over', 10.00, 'EUR'), ('below a cent', 10.001, 'EUR'), ('bahrain', 10.001, 'BHD'),
     ('half', 0.125, 'EUR'), ('rel at', 999.00, 'EUR'), ('rel of theirs', 1001.00, 'EUR'), ('yen', 10.4, 'JPY'), ('zero', 0, 'EUR')`,
    `('abs at', 10.02, 'EUR'), ('abs over', 10.03, 'EUR'), ('below a cent', 10.004, 'EUR'), ('bahrain', 10.004, 'BHD'),
     ('half', 0.13, 'EUR'), ('rel at', 1000.00, 'EUR'), ('rel of theirs', 999.90, 'EUR'), ('yen', 10, 'JPY'), ('zero', 0.000, 'EUR')`,
    "ref text, amount numeric, ccy text",
  );
  expect(await rows('select ref, status from marts.r_rows order by ref collate "C"')).toEqual([
    "abs at|matched_within_tolerance",
    "abs over|mismatched",
    "bahrain|matched_within_tolerance",
    "below a cent|matched",
    "half|matched",
    "rel at|matched_within_tolerance",
    "rel of theirs|mismatched",
    "yen|matched",
    "zero|matched",
  ]);
});

test("4.2: each row has its checksum, its difference and both contents, and each column its exact sums", async () => {
  const { rows } = await made(
    `${sides}, key: "ref", columns: { ${money}, size: { kind: "number" } }`,
    // a figure that a double cannot hold, and halves of a cent that would be lost if each were rounded
    `('big', 9007199254740993.01, 'EUR', 1.50), ('half', 0.005, 'EUR', 1), ('hall', 0.005, 'EUR', 2), ('mine', 1, 'EUR', 3), ('nil', null, 'EUR', 4)`,
    `('big', 9007199254740993.02, 'EUR', 1.5), ('half', 0.005, 'EUR', 1.0), ('hall', 0.005, 'EUR', 5), ('its', 2, 'EUR', 3), ('nil', 4, 'EUR', 4)`,
    "ref text, amount numeric, ccy text, size numeric",
  );
  expect(
    await rows(
      `select ref, status, amount_diff, our_row_hash is not null, their_row_hash is not null, our_row_hash = their_row_hash,
         ours ->> 'size', theirs ->> 'amount'
       from marts.r_rows order by ref`,
    ),
  ).toEqual([
    "big|mismatched|0.01|t|t|f|1.5|9007199254740993.02",
    "half|matched|0.000|t|t|t|∅|∅",
    "hall|mismatched|0.000|t|t|f|2|0.005",
    "its|missing_in_ours|∅|f|t|∅|∅|2",
    "mine|missing_in_theirs|∅|t|f|∅|3|∅",
    "nil|mismatched|∅|t|t|f|4|4",
  ]);
  expect(
    await rows(
      "select column_name, compared, currency, sum_ours, sum_theirs, sum_diff, max_abs_diff, match_pct from marts.r_columns order by position",
    ),
  ).toEqual([
    "amount|4|EUR|9007199254740993.020|9007199254740997.030|4.010|0.01|50.0000",
    "ccy|4|∅|∅|∅|∅|∅|100.0000",
    "size|4|∅|8.50|11.5|3.00|3|75.0000",
  ]);
});

test("4.2: keys brought into one form may meet: then they are duplicates", async () => {
  const { rows } = await made(
    `${sides}, key: { ref: ["trim", "upper", "unpad"] }, columns: { ${money} }`,
    `(' a1', 1, 'EUR'), ('A1 ', 2, 'USD'), ('007', 5, 'EUR'), ('  ', 9, 'EUR')`,
    `('a1', 1, 'EUR'), ('7', 5, 'EUR'), ('000', 9, 'EUR')`,
    "ref text, amount numeric, ccy text",
  );
  expect(await rows("select ref, status, n_ours, n_theirs from marts.r_rows order by ref, n_ours")).toEqual([
    "|no_key|0|1",
    "|no_key|1|0",
    "7|matched|1|1",
    "A1|duplicate|2|1",
  ]);
  // a key in two currencies adds to both
  expect(
    await rows(
      "select currency, keys, rows_ours, amount_ours, amount_theirs from marts.r_summary where status = 'duplicate' order by 1",
    ),
  ).toEqual(["EUR|1|1|1|1", "USD|0|1|2|0"]);
});

test("4.2: dates, moments, numbers and whatever has an equality are compared by their rules; a column may be for information", async () => {
  const { rows } = await made(
    `${sides}, key: ["a", "b"], columns: { day: { kind: "date", days: 1 }, at: { kind: "timestamp", tolerance: "5 minutes" },
      qty: { kind: "number", relTol: 0.5 }, ok: { kind: "exact" }, tag: { kind: "exact", blocking: false } }`,
    `(1, 'x', '2024-01-01', '2024-01-01 10:00Z', 0, true, '{"a": 1}'), (2, 'x', '2024-01-01', '2024-01-01 10:00Z', 2, true, '{}'),
     (3, 'x', '2024-01-01', '2024-01-01 10:00Z', 1, true, '{}'), (3, 'y', null, null, null, null, null), (3, 'z', null, null, 1, null, null)`,
    `(1, 'x', '2024-01-02', '2024-01-01 10:05Z', 0, true, '{"a": 2}'), (2, 'x', '2024-01-03', '2024-01-01 10:06Z', 4, false, '{}'),
     (3, 'x', '2024-01-01', '2024-01-01 10:00Z', 1.0, true, '{}'), (3, 'y', null, null, null, null, null), (3, 'z', null, null, null, true, null)`,
    "a int, b text, day date, at timestamptz, qty numeric, ok boolean, tag jsonb",
  );
  expect(
    await rows(
      "select a, b, status, array_to_string(diff_columns, ','), array_to_string(within_tolerance_columns, ','), outcomes from marts.r_rows order by a, b",
    ),
  ).toEqual([
    "1|x|matched_within_tolerance||day,at|wweed",
    "2|x|mismatched|day,at,ok|qty|ddwde",
    "3|x|matched|||eeeee",
    "3|y|matched|||bbbbb",
    "3|z|mismatched|qty,ok||bbtob",
  ]);
});

test("4.2: swapping the sides swaps what is missing; empty sides compare nothing", async () => {
  const house = await warehouse({
    ...project(`${sides}, key: "ref", columns: { ${money} }`),
    "definitions/back.js": `reconcile.publish("back", { ours: "theirs", theirs: "ours", key: "ref", columns: { ${money} } });`,
  });
  await house.sql(
    `create schema src; create table src.ours (ref text, amount numeric, ccy text); create table src.theirs (ref text, amount numeric, ccy text)`,
  );
  expect((await house.run()).steps.every(({ status }) => status === "ok")).toBe(true);
  expect(await house.rows("select column_name, compared, match_pct from marts.r_columns order by 1")).toEqual([
    "amount|0|∅",
    "ccy|0|∅",
  ]);
  await house.sql(`insert into src.ours values ('a', 1, 'EUR'), ('b', 2, 'EUR'), ('c', 3, 'EUR'), ('c', 3, 'EUR');
    insert into src.theirs values ('b', 5, 'EUR'), ('d', 4, 'EUR'), ('c', 3, 'EUR')`);
  await house.run();
  const of = (name: string) => house.rows(`select ref, status, n_ours, n_theirs from marts.${name}_rows order by ref`);
  expect(await of("r")).toEqual([
    "a|missing_in_theirs|1|0",
    "b|mismatched|1|1",
    "c|duplicate|2|1",
    "d|missing_in_ours|0|1",
  ]);
  expect(await of("back")).toEqual([
    "a|missing_in_ours|0|1",
    "b|mismatched|1|1",
    "c|duplicate|1|2",
    "d|missing_in_theirs|1|0",
  ]);
});

test("4.2: rows at random have the status that counting them by hand gives", async () => {
  const house = await warehouse(project(`${sides}, key: "ref", columns: { ${money} }`));
  await house.sql(`create schema src; select setseed(0.42);
    create table src.ours as select nullif('k' || (random() * 600)::int % 590, 'k7') as ref, (random() * 3)::int::numeric as amount, 'EUR' as ccy from generate_series(1, 600);
    create table src.theirs as select nullif('k' || (random() * 600)::int % 590, 'k7') as ref, (random() * 3)::int::numeric as amount, 'EUR' as ccy from generate_series(1, 600)`);
  expect((await house.run()).steps.every(({ status }) => status === "ok")).toBe(true);
  const byHand = `
    select ref, case when ours > 1 or theirs > 1 then 'duplicate' when ours = 0 then 'missing_in_ours' when theirs = 0 then 'missing_in_theirs'
      when a = b then 'matched' else 'mismatched' end as status, ours, theirs
    from (select ref, (select count(*) from src.ours o where o.ref = k.ref) as ours, (select count(*) from src.theirs t where t.ref = k.ref) as theirs,
      (select min(amount) from src.ours o where o.ref = k.ref) as a, (select min(amount) from src.theirs t where t.ref = k.ref) as b
      from (select ref from src.ours union select ref from src.theirs) as k where ref is not null) as counted`;
  const differences = `(${byHand} except select ref, status, n_ours, n_theirs from marts.r_rows)
    union all (select ref, status, n_ours, n_theirs from marts.r_rows where status <> 'no_key' except ${byHand})`;
  expect(await house.rows(differences)).toEqual([]);
  expect(await house.rows("select count(distinct status) from marts.r_rows")).toEqual(["6"]);
});

test("4.2: sides whose keys are said to be unique have the results of sides that are searched for duplicates", async () => {
  const house = await warehouse({
    ...project(`${sides}, key: ["a", "b"], columns: { ${money} }`),
    "definitions/said.js": `reconcile.publish("said", { ${sides}, key: ["a", "b"], columns: { ${money} }, unique: true });
      reconcile.publish("half", { ${sides}, key: ["a", "b"], columns: { ${money} }, unique: ["ours"] });`,
  });
  const side = (name: string, factor: number) => `create table src.${name} as
    select nullif(n % 97, 5) as a, case when n % 11 = 0 then '' when n % 13 = 0 then null else 'k' || n end as b,
      nullif(n * ${factor} % 5, 0)::numeric(9, ${factor}) as amount, case when n % 7 > 0 then 'EUR' end as ccy
    from generate_series(${factor}, ${500 * factor}, ${factor}) as n;`;
  await house.sql(`create schema src; ${side("ours", 1)} ${side("theirs", 2)}`);
  expect((await house.run()).steps.filter(({ status }) => status !== "ok")).toEqual([]);
  const all = (name: string) => `select t::text from marts.${name} as t`;
  for (const name of ["said", "half"]) {
    for (const model of ["rows", "columns", "summary"]) {
      const [one, other] = [all(`r_${model}`), all(`${name}_${model}`)];
      expect(await house.rows(`(${one} except all ${other}) union all (${other} except all ${one})`)).toEqual([]);
    }
  }
  expect(await house.rows("select distinct status from marts.said_rows order by 1")).toEqual([
    "matched",
    "mismatched",
    "missing_in_ours",
    "missing_in_theirs",
    "no_key",
  ]);
});

test.each([["ours"], ["theirs"]])(
  "4.2: a key that %s has twice, said to be unique, stops the run, which names it and publishes nothing",
  async (side) => {
    const house = await warehouse(project(`${sides}, key: "ref", columns: { ${money} }, unique: true`));
    await house.sql(`create schema src; create table src.ours (ref text, amount numeric, ccy text); create table src.theirs (ref text, amount numeric, ccy text);
      insert into src.ours values ('a', 1, 'EUR'), ('b', 1, 'EUR'); insert into src.theirs values ('a', 1, 'EUR'), ('b', 2, 'EUR')`);
    expect((await house.run()).steps.every(({ status }) => status === "ok")).toBe(true);
    await house.sql(`insert into src.${side} values ('a', 1, 'EUR'), (null, 1, 'EUR'), (null, 1, 'EUR')`);
    const { steps } = await house.run();
    const failed = steps.filter(({ status }) => status === "failed");
    expect(failed.map(({ target }) => target.name)).toEqual(["r_store"]);
    expect(JSON.stringify(failed)).toContain("(ref)=(a) is duplicated");
    expect(await house.rows(statuses)).toEqual(["a|matched|", "b|mismatched|amount"]);
  },
);

test("results that lose a row are kept out of the release", async () => {
  const { "definitions/r.js": _, ...rest } = project("");
  const house = await warehouse({
    ...rest,
    // what a mistake in the functions would do
    "definitions/r.js": `const made = globalThis.publish;
      globalThis.publish = (name, config) => {
        const action = made(name, config);
        const query = action.query.bind(action);
        action.query = (text) => query((context) => text(context).replaceAll("full join", "left join"));
        return action;
      };
      reconcile.publish("r", { ${sides}, key: "ref", columns: { ${money} } });`,
  });
  await house.sql(`create schema src; create table src.ours (ref text, amount numeric, ccy text); create table src.theirs (ref text, amount numeric, ccy text);
    insert into src.ours values ('a', 1, 'EUR'); insert into src.theirs values ('a', 1, 'EUR'), (null, 2, 'EUR')`);
  const report = await house.run();
  const failed = report.steps.filter(({ status }) => status === "failed").map(({ target }) => target.name);
  expect(failed.sort()).toEqual(["r_counts_every_row_once", "r_sums_are_explained"]);
});

test("options that mean nothing are told, with what is known", async () => {
  const wrong: readonly (readonly [string, string])[] = [
    [`${sides}, columns: { a: { kind: "text" } }`, "reconcile.publish: r: needs a key"],
    [`ours: "ours", key: "ref", columns: { a: { kind: "text" } }`, "needs theirs"],
    [`${sides}, key: "ref"`, "needs columns"],
    [`${sides}, key: "ref", columns: { a: {} }`, "a: needs a kind, one of money, number, date, timestamp, text, exact"],
    [
      `${sides}, key: "ref", columns: { a: { kind: "date", absTol: 1 } }`,
      'a: unknown option "absTol", known: kind, blocking, days',
    ],
    [`${sides}, key: "ref", columns: { a: { kind: "money" } }`, "a: money needs currency"],
    [
      `${sides}, key: "ref", columns: { a: { kind: "number", absTol: -1 } }`,
      "a: absTol is a number that is not negative, found -1",
    ],
    [`${sides}, key: { ref: ["round"] }, columns: { a: { kind: "text" } }`, 'ref: unknown step "round"'],
    [`${sides}, key: "ref", columns: { ref: { kind: "text" } }`, "ref is the key"],
    [`${sides}, key: "status", columns: { a: { kind: "text" } }`, "the column name status is taken"],
    [`${sides}, key: "ref", columns: { n: { kind: "number" } }`, "the column name n_ours is taken"],
    [`${sides}, key: "ref", columns: { a: { kind: "text" } }, tolerance: 1`, 'unknown option "tolerance"'],
    [
      `${sides}, key: "ref", columns: { a: { kind: "text" } }, unique: ["mine"]`,
      'unique: true, or a list of ours, theirs, found ["mine"]',
    ],
  ];
  const told = await Promise.all(
    wrong.map(async ([options]) => (await cli(testProject(project(options)).dir, ["compile"])).stderr),
  );
  for (const [index, [, message]] of wrong.entries()) expect(told[index]).toContain(message);
});
