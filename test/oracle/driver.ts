import { cpSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect } from "vitest";
import { compile } from "../../src/compile/compile.ts";
import { prepareLedger } from "../../src/land/ledger/ledger-tables.ts";
import { strikeLoad } from "../../src/land/ledger/strike.ts";
import type { CompiledGraph } from "../../src/model/graph.ts";
import { type RunOptions, run } from "../../src/run/run.ts";
import { script } from "../../src/sql/authored.ts";
import { id, ids } from "../../src/sql/identifiers.ts";
import { literal } from "../../src/sql/literals.ts";
import { randomFrom } from "../support/reader.ts";
import { type Warehouse, warehouse } from "../support/warehouse.ts";
import { type Actual, differences, type Oracle, type Raw, type RawRow } from "./relation.ts";
import { isUntold } from "./untold.ts";
import type { Choose, Event, Landed, Value, World } from "./worlds/world.ts";

/** A product, what it must hold, and what may come to it. */
export interface Product {
  /** Files and folders of this repository that the product is made of. */
  readonly paths: readonly string[];
  /** Files that the tests add. */
  readonly files?: Readonly<Record<string, string>>;
  readonly oracle: Oracle;
  world(choose: Choose, days: number): World;
  /** What a run makes of them, instead of all. */
  readonly select?: Pick<RunOptions, "actions" | "includeDependencies">;
  /** Assertions that hold what is wrong with a world on purpose: here the figures are looked at. */
  readonly without?: readonly string[];
}

/**
 * Lands a world load by load with a run after each day, and compares every cell of every relation with the oracle; then
 * with a full refresh. `seed` repeats it.
 */
export async function agreesWithOracle(product: Product, seed: number, days: number): Promise<void> {
  const world = product.world(randomFrom(seed), days);
  const house = await warehouse({ "definitions/package.json": '{ "type": "commonjs" }', ...product.files });
  const root = resolve(import.meta.dirname, "../..");
  for (const path of product.paths) cpSync(join(root, path), join(house.project.dir, path), { recursive: true });
  await house.sql("create schema raw; set timezone = 'UTC'; set datestyle = 'ISO'");
  await prepareLedger(house.client, "raw", {});
  for (const [table, columns] of Object.entries(world.tables)) await house.sql(rawTable(world, table, columns));
  // A world of a month is computed beside other work, and behind it.
  const compiled = await compile(house.project.dir, { timeout: 1_200_000 });
  const graph = {
    ...compiled,
    actions: compiled.actions.filter(({ target }) => !product.without?.includes(target.name)),
  };
  const models = selectModels(graph, product);
  const update = async (when: string, options: RunOptions = {}) => {
    // What is struck out is most of what there is, sometimes.
    const { steps } = await run(graph, house.database.settings, {
      ...{ allowLoss: ["*"], concurrency: 2, ...product.select },
      ...options,
    });
    const bad = steps
      .filter(({ status }) => !["ok", "warned", "skipped", "held"].includes(status))
      .map(({ target, status, error, failingRows }) => ({ status, name: target.name, error, failingRows }));
    expect(bad, `seed ${seed}, ${when}`).toEqual([]);
    const wrong = await wrongCells(house, product.oracle, Object.keys(world.tables), models);
    expect(wrong, `seed ${seed}, ${when}`).toEqual([]);
  };
  for (const [day, events] of world.days.entries()) {
    for (const event of events) await happens(house, event, day);
    await update(`day ${day + 1}`, { fullRefresh: events.some((event) => "anew" in event) });
  }
  await update(`day ${world.days.length}, anew`, { fullRefresh: true });
}

function rawTable({ partitioned }: World, table: string, columns: string): string {
  const made = `create table raw.${table} (${columns}, _load_id bigint not null, _row_no bigint not null)`;
  const by = partitioned?.[table];
  return by === undefined
    ? made
    : `${made} partition by range (${by}); create table raw.${table}_all partition of raw.${table} default`;
}

async function happens(house: Warehouse, event: Event, day: number): Promise<void> {
  const { client, sql } = house;
  if ("table" in event) return sql(landing(event, day));
  if ("ask" in event) {
    const order = `order by ${event.by.join(", ")}`;
    const found = named(await client.table(script(`select * from ${relationNamed(event.ask)} ${order}`)));
    return sql(landing(event.land(found), day));
  }
  if ("anew" in event) return;
  const nth = "strike" in event ? event.strike : "undo" in event ? event.undo : event.end;
  const { rows } = await client.table(
    script(`select load_id from raw._load order by load_id offset ${nth - 1} limit 1`),
  );
  if ("end" in event)
    return sql(`update raw._load set status = 'loaded', finished_at = now() where load_id = ${rows[0]![0]}`);
  const why = "strike" in event ? "a test" : undefined;
  await strikeLoad(client, ["raw"], { loadId: rows[0]![0]!, why });
}

function landing({ table, rows, ledger = {}, loaded, file }: Landed, day: number): string {
  const at = loaded ?? new Date(Date.UTC(2026, 2, 7 + day, 3)).toISOString();
  const version = file && (file.version ?? 1);
  const entry: Record<string, Value> = {
    ...{ source: "world", stream: table, table_name: table, status: "loaded", started_at: at, finished_at: at },
    ...{ rows: rows.length, rejected: 0, batch: "log", details: "{}" },
    ...(file && { file: file.path, version: version! }),
    ...ledger,
  };
  const read = file && {
    ...{ source: entry.source!, stream: entry.stream!, table_name: table, path: file.path, version: version! },
    ...{ checksum: file.checksum, bytes: 0, landed_at: at },
  };
  return [
    `insert into raw._load ${values(entry)}`,
    ...(read ? [`insert into raw._file ${values(read, { load_id: LAST_LOAD })}`] : []),
    ...rows.map((row, index) => insert(table, row, index + 1)),
  ].join(";\n");
}

const LAST_LOAD = "(select max(load_id) from raw._load)";

function insert(table: string, row: Readonly<Record<string, Value>>, position: number): string {
  return `insert into raw.${table} ${values({ ...row, _row_no: position }, { _load_id: LAST_LOAD })}`;
}

function values(row: Readonly<Record<string, Value>>, more: Readonly<Record<string, string>> = {}): string {
  const text = (value: Value) => literal(typeof value === "number" ? String(value) : value);
  const given = [...Object.values(row).map(text), ...Object.values(more)];
  return `(${ids([...Object.keys(row), ...Object.keys(more)])}) values (${given.join(", ")})`;
}

/** What people may read of the product, but staging, which renames. */
function selectModels({ actions }: CompiledGraph, { select }: Product): string[] {
  const kinds = ["table", "view", "incremental"];
  return actions
    .filter(({ kind, target, disabled }) => kinds.includes(kind) && target.schema !== "staging" && !disabled)
    .filter(({ target }) => !select || select.actions!.includes(target.name))
    .map(({ target }) => `${target.schema}.${target.name}`);
}

async function wrongCells(
  { client }: Warehouse,
  oracle: Oracle,
  tables: readonly string[],
  models: readonly string[],
): Promise<string[]> {
  const read = async (relation: string): Promise<Actual> => client.table(script(`select * from ${relation}`));
  const raw: Record<string, RawRow[]> = {};
  for (const table of ["_load", "_file", ...tables]) raw[table] = named(await read(String(id("raw", table))));
  const all = oracle(raw as Raw);
  const told = models
    .filter((name) => name in all === isUntold(name))
    .map(
      (name) => `${name}: ${name in all ? "told, and named in untold.ts" : "no oracle tells of it, nor untold.ts why"}`,
    );
  for (const [name, expected] of Object.entries(all))
    told.push(...differences(name, expected, await read(relationNamed(name))));
  return told;
}

const relationNamed = (name: string) => String(id(...(name.split(".") as [string, string])));

function named({ columns, rows }: Actual): RawRow[] {
  return rows.map((row) => Object.fromEntries(columns.map((column, index) => [column, row[index] ?? null])));
}
