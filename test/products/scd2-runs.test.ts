import { beforeAll, describe, expect, test } from "vitest";
import type { RunReport } from "../../src/model/report.ts";
import { run } from "../../src/run/run.ts";
import {
  type FeedLoad,
  historyFiles,
  landing,
  makeFeed,
  makeLedger,
  scd2Files,
  showVersions,
} from "../support/history.ts";
import { fileIngest } from "../support/ingest-files.ts";
import { testProject } from "../support/project.ts";
import { sharedWarehouse, statuses, stepOf, type Warehouse, warehouse } from "../support/warehouse.ts";

// A history over time: new columns, runs that fail or meet, many keys, facts, and how it is called.

interface Made extends Warehouse {
  land(...loads: FeedLoad[]): Promise<void>;
  /** Versions as `key attributes from..to how`. */
  versions(...attributes: string[]): Promise<string[]>;
}

const usual = 'key: "k", attributes: { v: "text" }';

async function made(options = usual, columns = "k text, v text", files = {}, setup = "select"): Promise<Made> {
  const one = await warehouse({ ...scd2Files, ...historyFiles("h", options), ...files });
  await one.sql(`${setup}; ${makeLedger}; ${makeFeed("h", columns)}`);
  let id = 0;
  return {
    ...one,
    land: async (...loads) => {
      for (const load of loads) await one.sql(landing("h", ++id, load));
    },
    versions: (...attributes) => one.rows(showVersions("marts.h", "k", attributes.length ? attributes : ["v"])),
  };
}

const full = (day: number, ...records: FeedLoad["records"]): FeedLoad => ({
  kind: "full",
  asOf: day,
  loaded: day,
  records,
});

const withRegion = 'key: "k", attributes: { v: "text", region: "text" }';

test("case 27: a tracked column that is added makes no version, and one that the source fills later makes one", async () => {
  const { land, run, versions, project, sql } = await made();
  await land(full(1, { k: "a", v: "x" }, { k: "b", v: "x" }), full(2, { k: "a", v: "y" }, { k: "b", v: "x" }));
  await run();
  await sql("alter table raw.h_feed add region text");
  project.write(historyFiles("h", withRegion));
  expect((await run()).status).toBe("success");
  expect(await versions("v", "region")).toEqual(["a x ∅ 01-01..01-02 change", "a y ∅ 01-02..-", "b x ∅ 01-01..-"]);
  await land(full(3, { k: "a", v: "y", region: "north" }, { k: "b", v: "x", region: null }));
  expect((await run()).status).toBe("success");
  expect(await versions("v", "region")).toEqual([
    "a x ∅ 01-01..01-02 change",
    "a y ∅ 01-02..01-03 change",
    "a y north 01-03..-",
    "b x ∅ 01-01..-",
  ]);
});

test("case 27: with since, also the source's first values of a new column make no version, later ones do", async () => {
  const { land, run, versions, rows, sql, project } = await made();
  await land(full(1, { k: "a", v: "x" }, { k: "b", v: "x" }));
  await run();
  await sql("alter table raw.h_feed add region text");
  project.write(historyFiles("h", `${withRegion}, since: { region: "2024-01-03" }`));
  await run();
  await land(full(3, { k: "a", v: "x", region: "north" }, { k: "b", v: "y", region: "south" }));
  await run();
  await land(full(4, { k: "a", v: "x", region: "south" }, { k: "b", v: "y", region: "south" }));
  expect((await run()).status).toBe("success");
  const expected = [
    "a x north 01-01..01-04 change",
    "a x south 01-04..-",
    "b x south 01-01..01-03 change",
    "b y south 01-03..-",
  ];
  expect(await versions("v", "region")).toEqual(expected);
  const incremental = await rows("select * from marts.h order by k, valid_from");
  await run({ fullRefresh: true });
  expect(await rows("select * from marts.h order by k, valid_from")).toEqual(incremental);
});

describe("case 27: with since, a first value reaches versions that otherwise stay as they are, in a batch that is", () => {
  const kinds = ["partial", "full", "log"] as const;
  const whole = (kind: string) => `select v.* from marts.${kind} as v order by k, valid_from`;
  const show = (kind: string) => showVersions(`marts.${kind}`, "k", ["v", "region"]);
  const steps: [asOf: number, region: string | null, ...expected: string[]][] = [
    [1, null, "a w ∅ 01-01..-"],
    [2, null, "a w ∅ 01-01..01-02 change", "a x ∅ 01-02..-"],
    // no change but the first value
    [5, "north", "a w north 01-01..01-02 change", "a x north 01-02..-"],
    // a late load has an earlier one, and then one that only is written otherwise
    [4, "south", "a w south 01-01..01-02 change", "a x south 01-02..01-05 change", "a x north 01-05..-"],
    [3, "SOUTH", "a w SOUTH 01-01..01-02 change", "a x SOUTH 01-02..01-05 change", "a x north 01-05..-"],
  ];
  /** Of each step, the versions of each kind, and its rows before and after a full refresh. */
  const seen: Record<string, { readonly versions: string[]; readonly incremental: string[]; anew: string[] }>[] = [];

  beforeAll(async () => {
    const options = `key: "k", attributes: { v: "text", region: "citext" }, since: { region: "2024-01-03" }`;
    const { run, rows, sql, end } = await sharedWarehouse({
      ...scd2Files,
      ...Object.assign({}, ...kinds.map((kind) => historyFiles(kind, options))),
    });
    await sql(`create extension citext; ${makeLedger}`);
    for (const kind of kinds) await sql(makeFeed(kind, "k text, v text, region text"));
    const loadedOn = [1, 2, 5, 6, 7];
    for (const [step, [asOf, region]] of steps.entries()) {
      const records = [{ k: "a", v: step ? "x" : "w", region }];
      for (const [n, kind] of kinds.entries())
        await sql(landing(kind, step * 3 + n + 1, { kind, asOf, loaded: loadedOn[step]!, records }));
      expect((await run()).status).toBe("success");
      const found: (typeof seen)[number] = {};
      for (const kind of kinds)
        found[kind] = { versions: await rows(show(kind)), incremental: await rows(whole(kind)), anew: [] };
      expect((await run({ fullRefresh: true })).status).toBe("success");
      for (const kind of kinds) found[kind]!.anew = await rows(whole(kind));
      seen.push(found);
    }
    return end;
  });

  test.each(kinds)("%s", (kind) => {
    expect(seen.map((found) => found[kind]!.versions)).toEqual(steps.map(([, , ...expected]) => expected));
    for (const { [kind]: found } of seen) expect(found!.anew).toEqual(found!.incremental);
  });
});

test("case 28: versions that differed only in a column no longer tracked become one", async () => {
  const { land, run, versions, project, rows } = await made(withRegion, "k text, v text, region text");
  await land(
    full(1, { k: "a", v: "x", region: "north" }, { k: "b", v: "x", region: null }),
    full(2, { k: "a", v: "x", region: "south" }, { k: "b", v: "x", region: null }),
    full(3, { k: "a", v: "y", region: "south" }, { k: "b", v: "x", region: null }),
  );
  await run();
  project.write(historyFiles("h", usual));
  expect((await run()).status).toBe("success");
  expect(await versions()).toEqual(["a x 01-01..01-03 change", "a y 01-03..-", "b x 01-01..-"]);
  expect(
    await rows(
      "select column_name from information_schema.columns where table_name = 'h_store' and column_name = 'region'",
    ),
  ).toEqual([]);
});

test("case 37, R10: of two runs at once one waits, and the history is that of one", async () => {
  const { land, run, versions } = await made();
  await land(full(1, { k: "a", v: "x" }));
  await run();
  await land(full(2, { k: "a", v: "y" }));
  const reports = await Promise.all([run({ wait: true }), run({ wait: true })]);
  expect(reports.map(({ status }) => status)).toEqual(["success", "success"]);
  expect(await versions()).toEqual(["a x 01-01..01-02 change", "a y 01-02..-"]);
});

test("case 38: a run whose session ends between delete and insert leaves the history of before", async () => {
  const { land, run, versions, rows, sql } = await made();
  await land(full(1, { k: "a", v: "x" }, { k: "b", v: "x" }));
  await run();
  const [store] = await rows(
    "select relname from pg_class where relnamespace = '_dataform'::regnamespace and relkind = 'r' and relname ~ '^h_store_.*s$'",
  );
  await sql(`create function public.crash() returns trigger language plpgsql
      as $$ begin perform pg_terminate_backend(pg_backend_pid()); perform pg_sleep(1); return new; end $$;
    create trigger crash before insert on _dataform."${store}" for each row execute function public.crash()`);
  await land(full(2, { k: "a", v: "y" }));
  const ended = await run().then(
    ({ status }) => status,
    (error: Error) => error.message,
  );
  expect(ended).not.toBe("success");
  expect(await versions()).toEqual(["a x 01-01..-", "b x 01-01..-"]);
  await sql("drop function public.crash() cascade");
  expect((await run()).status).toBe("success");
  expect(await versions()).toEqual(["a x 01-01..01-02 change", "a y 01-02..-", "b x 01-01..01-02 delete"]);
});

test("case 40: of many keys and batches, a new batch writes only what changed", async () => {
  const { run, rows, sql } = await made();
  const batch = (from: number, to: number) => `
    insert into raw.h_feed
      select 'k' || key, (case when day = 101 and key <= 3 then 'new' else 'v' || (key + day) / 40 end), day, key
      from generate_series(${from}, ${to}) as day, generate_series(1, 1000) as key
      where not (day = 101 and key > 998);
    insert into raw._load
      select day, 'h_feed', 'loaded', timestamptz '2024-01-01 01:00Z' + day * interval '1 day', 1000, 0, 'full',
        (date '2024-01-01' + day)::text
      from generate_series(${from}, ${to}) as day`;
  await sql(batch(1, 100));
  expect((await run()).status).toBe("success");
  const before = await rows("select count(*), count(*) filter (where is_current) from marts.h");
  // 100 batches, in each of which one key in 40 changes.
  expect(before).toEqual([String(1000 + (1000 * 99) / 40).concat("|1000")]);
  await sql(batch(101, 101));
  await sql("update raw.h_feed set v = 'v' || (substr(k, 2)::integer + 100) / 40 where _load_id = 101 and v <> 'new'");
  const report = await run();
  // Three changed: each ends a version and begins one. Two are gone. And the load itself.
  expect(stepOf(report, "marts.h_store").rows).toBe(3 * 2 + 2 + 1);
});

test("only keys that a new load can have changed are computed again", async () => {
  const { land, run, versions, sql } = await made();
  await land(full(1, { k: "a", v: "x" }, { k: "b", v: "x" }, { k: "c", v: "x" }));
  await run();
  // Behind the ledger's back: what is computed again would show it.
  await sql("update raw.h_feed set v = 'z'");
  await land(full(2, { k: "a", v: "y" }, { k: "b", v: "x" }));
  await run();
  // One that becomes another goes on from its current version; one that is gone is told by all its records.
  expect(await versions()).toEqual([
    "a x 01-01..01-02 change",
    "a y 01-02..-",
    "b x 01-01..-",
    "c z 01-01..01-02 delete",
  ]);
  await land({ kind: "log", loaded: 3, records: [{ k: "d", v: "x" }] });
  await run();
  expect((await versions()).slice(2)).toEqual([
    "b x 01-01..-",
    "c z 01-01..01-02 delete",
    "d x 01-03 01:00:00.000000..-",
  ]);
});

test("case 42, R11: a fact meets the version at its moment, the first one before that, and none after the deletion", async () => {
  const { land, run, rows, sql } = await made(usual, undefined, {
    "facts.sqlx": 'config { type: "declaration", schema: "raw", name: "facts" }',
    "named.sqlx": `config { type: "view" }
select facts.n, facts.k, facts.at, h.v, facts.at < h.valid_from as is_backfilled
from \${ref("raw", "facts")} as facts
left join \${ref("h")} as h on h.k = facts.k and \${scd2.at("h", "facts.at")}`,
    "fan_out.sqlx": `config { type: "assertion" }
\${scd2.fanOut({ facts: ref("raw", "facts"), history: ref("h"), key: "k", moment: "at" })}`,
  });
  await land(full(2, { k: "a", v: "x" }), full(4, { k: "a", v: "y" }), full(6, { k: "b", v: "x" }));
  await sql(`create table raw.facts as select * from (values (1, 'a', timestamptz '2024-01-01Z'), (2, 'a', '2024-01-02Z'),
    (3, 'a', '2024-01-03 23:59:59.999999Z'), (4, 'a', '2024-01-04Z'), (5, 'a', '2024-01-06Z'), (6, 'c', '2024-01-03Z')) as facts (n, k, at)`);
  expect((await run()).status).toBe("success");
  expect(await rows("select n, v, is_backfilled from marts.named order by n")).toEqual([
    "1|x|t",
    "2|x|f",
    "3|x|f",
    "4|y|f",
    "5|∅|∅",
    "6|∅|∅",
  ]);
  expect(
    await rows("select v, valid_from_for_join = '-infinity' from marts.h where k = 'a' order by valid_from"),
  ).toEqual(["x|t", "y|f"]);
});

test("a batch whose rows are not in the feed yet waits: a feed that was built before it landed deletes nothing", async () => {
  const { land, run, versions, project, sql } = await made();
  project.write({
    "copied.sqlx": `config { type: "table" }
select * from \${ref("raw", "h_feed")} where _load_id <= (select max(load_id) from raw.built)`,
    "definitions/h.js": `scd2.publish("h", { from: "copied", batches: { table: "h_feed" }, ${usual} });`,
  });
  await sql("create table raw.built as select 1 as load_id");
  await land(full(1, { k: "a", v: "x" }, { k: "b", v: "x" }), full(2, { k: "a", v: "y" }));
  expect(statuses(await run())).toMatchObject({ "marts.h": "ok", "assertions.h_source": "warned" });
  expect(await versions()).toEqual(["a x 01-01..-", "b x 01-01..-"]);
  await sql("insert into raw.built values (2)");
  expect(statuses(await run())).toMatchObject({ "marts.h": "ok", "assertions.h_source": "ok" });
  expect(await versions()).toEqual(["a x 01-01..01-02 change", "a y 01-02..-", "b x 01-01..01-02 delete"]);
});

describe("is not sound and is held back: a history with", () => {
  const damages = [
    ["two versions at one moment", "update T set valid_to = valid_to + interval '1 hour' where v = 'x'", "overlap"],
    ["a gap", "update T set valid_to = valid_to - interval '1 hour' where v = 'x'", "gap, or equal neighbours"],
    ["a wrong hash", "update T set v = 'q' where v = 'x'", "hash"],
    ["a version too few", "delete from T where v = 'y'", "not as in the latest full batch"],
    [
      "a version too many",
      "update T set is_current = true, valid_to = null, ended_by = null where v = 'gone'",
      "not as in the latest full batch",
    ],
  ] as const;
  const cases = damages.map(([title, , fault], n) => [title, `h${n}`, fault] as const);
  let house: Warehouse;
  let report: RunReport;

  beforeAll(async () => {
    const { end, ...made } = await sharedWarehouse({
      ...scd2Files,
      ...Object.assign({}, ...cases.map(([, name]) => historyFiles(name, usual))),
    });
    house = made;
    await made.sql(makeLedger);
    for (const [n, [, name]] of cases.entries()) {
      await made.sql(makeFeed(name, "k text, v text"));
      await made.sql(landing(name, n * 2 + 1, full(1, { k: "a", v: "x" }, { k: "b", v: "gone" })));
      await made.sql(landing(name, n * 2 + 2, full(2, { k: "a", v: "y" })));
    }
    expect((await made.run()).status).toBe("success");
    for (const [n, [, damage]] of damages.entries()) {
      const [store] = await made.rows(
        `select relname from pg_class where relnamespace = '_dataform'::regnamespace and relkind = 'r' and relname ~ '^h${n}_store_.*s$'`,
      );
      await made.sql(damage.replace("T", `_dataform."${store}"`));
    }
    report = await made.run();
    return end;
  });

  test.each(cases)("%s", async (_, name, fault) => {
    expect(statuses(report)).toMatchObject({ [`assertions.${name}_is_sound`]: "failed", [`marts.${name}`]: "held" });
    expect(
      await house.rows(
        `select distinct content ->> 'fault' from _dataform.failing_row where run_id = '${report.runId}' and assertion_name = '${name}_is_sound'`,
      ),
    ).toContain(fault);
  });
});

test("the table refuses overlaps, empty ranges and second current versions, where btree_gist is installed", async () => {
  const { land, run, rows, sql } = await made();
  await sql("create extension btree_gist");
  await land(full(1, { k: "a", v: "x" }), full(2, { k: "a", v: "y" }));
  await run();
  const [store] = await rows(
    "select relname from pg_class where relnamespace = '_dataform'::regnamespace and relkind = 'r' and relname ~ '^h_store_.*s$'",
  );
  const update = (what: string, where: string) => sql(`update _dataform."${store}" set ${what} where ${where}`);
  await expect(update("valid_to = valid_to + interval '1 hour'", "v = 'x'")).rejects.toMatchObject({ code: "23P01" });
  await expect(update("valid_to = valid_from", "v = 'x'")).rejects.toMatchObject({ code: "23514" });
  await expect(update("is_current = true", "v = 'x'")).rejects.toMatchObject({ code: "23514" });
  await expect(update("k = null", "v = 'x'")).rejects.toMatchObject({ code: "23514" });
  // Later runs neither lose it nor make it again.
  await land(full(3, { k: "a", v: "z" }));
  expect((await run()).status).toBe("success");
  expect(
    await rows(
      `select contype, count(*) from pg_constraint where conrelid = '_dataform."${store}"'::regclass and contype in ('c', 'x') group by 1 order by 1`,
    ),
  ).toEqual(["c|4", "x|1"]);
});

test("without btree_gist there is no such constraint, and all else is the same", async () => {
  const { land, run, versions, rows } = await made();
  await land(full(1, { k: "a", v: "x" }), full(2, { k: "a", v: "y" }));
  expect((await run()).status).toBe("success");
  expect(await versions()).toEqual(["a x 01-01..01-02 change", "a y 01-02..-"]);
  expect(await rows("select count(*) from pg_constraint where contype = 'x'")).toEqual(["0"]);
});

test("in SQLX, history() is the select of a table, and asOf() what held at a moment", async () => {
  const { land, run, rows } = await made(usual, undefined, {
    "ledger.sqlx": 'config { type: "declaration", schema: "raw", name: "_load" }',
    "plain.sqlx": `config { type: "table" }
\${scd2.history({ feed: ref("raw", "h_feed"), key: "k", attributes: { v: "text" }, batches: { ledger: ref("raw", "_load"), table: "h_feed" } })}
post_operations {
  \${scd2.constraints(self(), "k")}
  ---
  \${scd2.oneCurrent(self(), "k")}
}`,
    "then.sqlx": `config { type: "view" }\n\${scd2.asOf(ref("plain"), "timestamptz '2024-01-02 12:00Z'")}`,
  });
  await land(full(1, { k: "a", v: "x" }, { k: "b", v: "x" }), full(2, { k: "a", v: "y" }), full(3, { k: "a", v: "z" }));
  expect((await run()).status).toBe("success");
  expect(await rows(showVersions("marts.plain", "k", ["v"]))).toEqual(await rows(showVersions("marts.h", "k", ["v"])));
  expect(await rows("select k, v from marts.then")).toEqual(["a|y"]);
});

test.each([
  ["{ from: 'h_feed', attributes: { v: 'text' } }", "needs key: a column, or several"],
  ["{ from: 'h_feed', key: 'k', attributes: { valid_to: 'date' } }", "the column name valid_to is taken"],
  ["{ from: 'h_feed', key: 'k', attributes: { v: 'text' }, efectiveAt: 'src' }", 'unknown option "efectiveAt"'],
  ["{ from: 'h_feed', key: 'k', attributes: { v: 'text' }, by: ['region'] }", 'unknown column in by "region"'],
])("a mistake in the call is told: %s", async (options, message) => {
  const project = testProject({ ...scd2Files, "definitions/h.js": `scd2.publish("h", ${options});` });
  await expect(project.compile()).rejects.toThrow(message);
});

test("from files to versions: landing's ledger says what each file means", async () => {
  const files = await fileIngest("format: csv\nbatch: { kind: full, maxShrink: 50%, asOf: '(\\d{4}-\\d\\d-\\d\\d)' }", {
    type: "object",
    required: ["id"],
    properties: { id: { type: "integer" }, name: { type: "string" } },
  });
  const project = testProject({
    ...scd2Files,
    "orders.sqlx": 'config { type: "declaration", schema: "raw", name: "orders" }',
    "definitions/h.js": 'scd2.publish("h", { from: ["raw", "orders"], key: "id", attributes: { name: "text" } });',
  });
  const load = async (file: string, text: string) => {
    files.put({ [file]: text });
    const loaded = await files.load();
    const report = await run(await project.compile(), files.settings);
    expect(report.status).toBe("success");
    return loaded;
  };
  const versions = async () =>
    (await files.rows<{ concat_ws: string }>(showVersions("marts.h", "id", ["name"]))).map((row) => row.concat_ws);
  await load("2024-01-03.csv", "id,name\n1,x\n2,x\n3,x\n");
  await load("2024-01-04.csv", "id,name\n1,y\n2,x\n");
  await load("2024-01-02.csv", "id,name\n1,w\n3,x\n");
  expect(await versions()).toEqual([
    "1 w 01-02..01-03 change",
    "1 x 01-03..01-04 change",
    "1 y 01-04..-",
    "2 x 01-03..-",
    "3 x 01-02..01-04 delete",
  ]);
  expect(await load("2024-01-05.csv", "id,name\n")).toMatchObject({ status: "failed" });
  expect((await versions()).at(-2)).toBe("2 x 01-03..-");
});

test("a history whose loads are gone is held as it was, also where its rows are only marked as gone", async () => {
  const { land, run, rows, sql } = await made();
  await land(full(1, ...["a", "b", "c"].map((k) => ({ k, v: "x" }))));
  await run();
  await sql("update raw._load set status = 'failed'");
  for (const fullRefresh of [false, true]) {
    const report = await run({ fullRefresh });
    expect(statuses(report)).toMatchObject({ "marts.h_store": "held", "marts.h": "held" });
    expect(await rows("select count(*) from marts.h")).toEqual(["3"]);
  }
  expect((await run({ allowLoss: ["h_store"] })).status).toBe("success");
  expect(await rows("select count(*) from marts.h")).toEqual(["0"]);
});

test("rows that vanish from raw end nothing: the history goes on behind what it knows, says so, and is made anew only by word", async () => {
  const files = historyFiles(
    "h",
    usual,
    ` publish("h_known", "view").query((ctx) => history.asKnownAt(ctx, "timestamptz '2024-01-02 12:00Z'"));`,
  );
  const { land, run, rows, sql, versions } = await made(usual, "k text, v text", files);
  const go = async (options = {}) => {
    const { steps } = await run(options);
    return steps.filter(({ status }) => status !== "ok").map(({ target, status }) => `${target.name} ${status}`);
  };
  await land(full(1, { k: "a", v: "x" }, { k: "b", v: "x" }), full(2, { k: "a", v: "y" }, { k: "b", v: "x" }));
  expect(await go()).toEqual([]);
  await land(full(3, { k: "a", v: "z" }));
  expect(await go()).toEqual([]);
  const known = ["a x 01-01..01-02 change", "a y 01-02..01-03 change", "a z 01-03..-", "b x 01-01..01-03 delete"];
  await sql("truncate raw.h_feed");
  expect(await go()).toEqual(["h_source warned"]);
  expect(await go({ fullRefresh: true })).toContain("h_store held");
  expect(await versions()).toEqual(known);
  expect(await rows(showVersions("marts.h_known", "k", ["v"]))).toEqual([
    "a x 01-01..01-02 change",
    "a y 01-02..-",
    "b x 01-01..-",
  ]);
  // corrections of versions whose rows are gone: one with a time of its own, and a batch of before that comes late
  await land({ kind: "partial", asOf: 2, loaded: 4, records: [{ k: "a", v: "w" }] });
  expect(await go()).toEqual([]);
  expect((await versions()).slice(0, 3)).toEqual([
    "a x 01-01..01-02 change",
    "a w 01-02..01-03 change",
    "a z 01-03..-",
  ]);
  await land(full(2, { k: "b", v: "x" }));
  expect((await go()).filter((one) => !one.startsWith("h_source"))).toEqual([]);
  expect(await versions()).toHaveLength(4);
  // another ledger gives numbers again
  await sql("truncate raw.h_feed, raw._load");
  await sql(landing("h", 1, full(6, { k: "a", v: "u" }, { k: "c", v: "x" })));
  await go();
  await sql(landing("h", 2, full(7, { k: "a", v: "u" })));
  await go();
  expect(await versions()).toEqual([
    "a x 01-01..01-02 change",
    "a w 01-02..01-03 change",
    "a z 01-03..01-06 change",
    "a u 01-06..-",
    "b x 01-01..01-03 delete",
    "c x 01-06..01-07 delete",
  ]);
  // undone by its status, it leaves nothing behind
  await sql("update raw._load set status = 'withdrawn' where load_id = 2");
  await go();
  expect((await versions()).at(-1)).toBe("c x 01-06..-");
  expect(await go({ fullRefresh: true, allowLoss: ["h_store"] })).not.toContain("h_store held");
  expect(await versions()).toEqual(["a u 01-06..-", "c x 01-06..-"]);
});
