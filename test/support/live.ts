import type { ProjectFiles } from "./project.ts";
import type { Warehouse } from "./warehouse.ts";

/** Landing's ledger and two raw tables of events, as a collector keeps them. */
export const makeEvents = `
  create schema if not exists raw;
  create table raw._load (
    load_id bigint generated always as identity primary key,
    source text not null, stream text not null, table_name text not null, status text not null,
    started_at timestamptz not null default now(), finished_at timestamptz,
    rows bigint not null default 0, rejected bigint not null default 0
  );
  create index on raw._load (table_name, source, stream, load_id);
  create index on raw._load (load_id) where status <> 'loaded';
  create table raw.viewed (
    _load_id bigint not null, _event_at timestamptz, path text, visitor text, amount numeric
  );
  create index on raw.viewed (_load_id);
  create table raw.bought (like raw.viewed);
  create index on raw.bought (_load_id)`;

export const liveFiles: ProjectFiles = {
  "includes/live.js": 'module.exports = require("dataform-postgres/includes/live");',
  "definitions/raw.js": '["viewed", "bought"].forEach((name) => declare({ schema: "raw", name }));',
};

export interface Landed {
  readonly status?: "loaded" | "loading" | "failed";
  readonly table?: "viewed" | "bought";
  readonly source?: string;
  /** Rows that the ledger says it has; those that there are unless said. */
  readonly said?: number;
}

/** A load of events, `['2026-01-01 10:00Z', '/path', 'visitor', amount]` each as SQL values. Returns its number. */
export async function land(
  { rows }: Pick<Warehouse, "rows">,
  events: readonly string[],
  { status = "loaded", table = "viewed", source = "web", said = events.length }: Landed = {},
): Promise<number> {
  const [load] = await rows(
    `insert into raw._load (source, stream, table_name, status, rows)
     values ('${source}', '${table}', '${table}', '${status}', ${said}) returning load_id`,
  );
  for (const event of events) await rows(`insert into raw.${table} values (${load}, ${event})`);
  return Number(load);
}

interface Made {
  readonly name: string;
  readonly config: {
    readonly uniqueKey?: readonly string[];
    readonly postgres?: {
      readonly indexes?: readonly { readonly columns: readonly string[]; readonly where: string }[];
    };
  };
  readonly query: (isIncremental: boolean) => string;
}

/**
 * What calls of live make, as plain tables and views in schema marts: `rolled()` does what a run does to the stores, without one.
 * The queries of assertions are in `checks`, the failing rows of which are wrong.
 */
export async function liveByHand({ sql }: Pick<Warehouse, "sql">, calls: () => void) {
  const made = actionsOf(calls);
  const models = made.filter(({ config }) => "type" in config);
  const stores = models.filter(({ config }) => config.uniqueKey);
  for (const { name, query, config } of models)
    await sql(
      config.uniqueKey
        ? `create table marts.${name} as ${query(false)}; create unique index on marts.${name} (${quoted(config.uniqueKey)}) nulls not distinct;
            ${(config.postgres?.indexes ?? []).map((index) => `create index on marts.${name} (${index.columns.map((one) => (one.startsWith("(") ? one : `"${one}"`)).join(", ")}) where ${index.where}`).join(";\n")}`
        : `create view marts.${name} as ${query(false)}`,
    );
  const rolled = () =>
    sql(
      stores
        .map(
          ({ name, query, config }) => `
            create temp table delta as ${query(true)};
            delete from marts.${name} as s using delta as d
            where ${config.uniqueKey!.map((key) => `s."${key}" is not distinct from d."${key}"`).join(" and ")};
            insert into marts.${name} select * from delta;
            drop table delta`,
        )
        .join(";\n"),
    );
  return {
    rolled,
    checks: made.filter((one) => !models.includes(one)).map(({ name, query }) => ({ name, query: query(true) })),
  };
}

const quoted = (names: readonly string[]) => names.map((name) => `"${name}"`).join(", ");

function actionsOf(calls: () => void): readonly Made[] {
  const made: Made[] = [];
  const of = (name: string, target: { schema?: string; name: string }) =>
    `"${target.schema ?? "marts"}"."${target.name || name}"`;
  const start = (name: string, config: Made["config"]) => ({
    query(write: (context: object) => string) {
      const ref = (target: { schema?: string; name: string }) => of(name, target);
      const query = (isIncremental: boolean) =>
        write({ ref, resolve: ref, self: () => of(name, { name }), incremental: () => isIncremental });
      made.push({ name, config, query });
      return this;
    },
    preOps: () => undefined,
  });
  const globals = globalThis as unknown as Record<string, unknown>;
  Object.assign(globals, { publish: start, assert: start });
  try {
    calls();
  } finally {
    delete globals.publish;
    delete globals.assert;
  }
  return made;
}
