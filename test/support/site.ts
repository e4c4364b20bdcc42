import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { CompiledGraph, View } from "../../src/model/graph.ts";
import type { Lineage } from "../../src/model/lineage.ts";
import type { RelationFacts, Site } from "../../src/model/site.ts";
import type { SiteInput } from "../../src/site/input.ts";

export const view = (name: string, more: Partial<View> = {}): View => ({
  kind: "view",
  target: { schema: "shop", name },
  file: `definitions/shop/marts/${name}.sqlx`,
  tags: [],
  dependencies: [],
  disabled: false,
  columns: [],
  query: "select 1 as id",
  preOperations: [],
  postOperations: [],
  postgres: {},
  ...more,
});

const graphOf = (actions: CompiledGraph["actions"]): CompiledGraph => ({
  version: 1,
  coreVersion: "3.0.0",
  project: { defaultSchema: "shop", assertionSchema: "checks", vars: {} },
  actions,
  tests: [],
  notes: [],
  traces: [],
});

export const inputOf = (actions: CompiledGraph["actions"], more: Partial<SiteInput> = {}): SiteInput => ({
  project: "shop",
  environment: "main",
  graph: graphOf(actions),
  manifest: {},
  facts: new Map(),
  samples: new Map(),
  dependents: new Map(),
  verdicts: new Map(),
  unitTests: [],
  sources: new Map(),
  origins: new Map(),
  dashboards: [],
  parts: new Map(),
  madeAt: "2026-01-02T03:04:05.000Z",
  live: false,
  explores: false,
  ...more,
});

const COLUMNS =
  "id,customer_id,ordered_on,country,device,amount,currency,quantity,discount,is_first,updated_at,note".split(",");

/**
 * A project of so many models in ten products, each with twelve columns and a test; each reads two before it, so that the last
 * come from nearly all of the others.
 */
export function manyModels(count: number): SiteInput {
  const name = (at: number) => `model_${String(at).padStart(4, "0")}`;
  const before = (at: number) =>
    at < 10 ? [] : [...new Set([at - 10, Math.floor((at * 7) / 11)])].filter((one) => one < at);
  const target = (at: number) => ({ schema: `product_${at % 10}`, name: name(at) });
  const models = Array.from({ length: count }, (_, at) =>
    view(name(at), {
      target: target(at),
      file: `definitions/product_${at % 10}/${at % 3 ? "marts" : "staging"}/${name(at)}.sqlx`,
      description: `What model ${at} says of orders, day by day.\n\nIt has a row per order.`,
      dependencies: before(at).map(target),
      columns: COLUMNS.map((column) => ({
        name: column,
        description: `The ${column.replace("_", " ")} of the order.`,
      })),
      query: `select ${COLUMNS.join(", ")}\nfrom ${
        before(at)
          .map((one) => `"${target(one).schema}"."${name(one)}"`)
          .join("\nnatural join ") || "raw.orders"
      }`,
      key: ["id"],
    }),
  );
  const assertions = models.map(({ target, file }) => ({
    kind: "assertion" as const,
    target: { schema: "checks", name: `${target.name}_id_is_unique` },
    file,
    tags: [],
    dependencies: [target],
    disabled: false,
    columns: [],
    query: `select id, count(*) from "${target.schema}"."${target.name}" group by id having count(*) > 1`,
    postgres: {},
    parent: target,
  }));
  const keyOf = (at: number) => `${target(at).schema}.${name(at)}`;
  const facts: [string, RelationFacts][] = models.map((_, at) => [
    keyOf(at),
    {
      columns: COLUMNS.map((column) => ({ name: column, type: "text", isNotNull: column === "id" })),
      stored: { rows: at * 1000, bytes: at * 8192, owner: "builder", indexes: ["unique btree (id)"], grants: [] },
    },
  ]);
  const lineage: Lineage = {
    version: 1,
    environment: "main",
    relations: models.map(({ target }, at) => ({
      target,
      kind: "view",
      columns: COLUMNS.map((column) => ({
        name: column,
        type: "text",
        from: before(at)
          .slice(0, 1)
          .map((one) => ({ relation: keyOf(one), column, kinds: ["copied" as const] })),
      })),
      rowsBy: [],
      unused: [],
      reads: before(at).map(keyOf),
      untold: [],
    })),
  };
  return inputOf([...models, ...assertions], {
    facts: new Map(facts),
    lineage,
    sources: new Map(models.map(({ file, query }) => [file, `config { type: "view" }\n${query}\n`])),
    release: { number: 12, runId: "5f0b2b5e-0000-4000-8000-000000000000", publishedAt: "2026-01-02 03:00:00+00" },
  });
}

/** Writes a site into a folder of its own. Returns the address of its first page, from disk. */
export function onDisk({ files }: Site): string {
  const folder = mkdtempSync(join(tmpdir(), "site-"));
  for (const [path, content] of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  return `file://${folder}/index.html`;
}
