import { expect, test } from "vitest";
import type { ToolApi } from "../../src/bi/http.ts";
import { type CliResult, cli } from "./cli.ts";
import type { ProjectFiles } from "./project.ts";

const model = (config: string, query: string, more = "") => `config { ${config} }\n${query}\n${more}`;

/** A shop: two marts of which one points at the other, a staging view, a raw table, and figures that a dashboard declares. */
export const toldProject: ProjectFiles = {
  "definitions/shop/sources/orders.sqlx": model('type: "declaration", schema: "raw", name: "orders"', ""),
  "definitions/shop/staging/stg_orders.sqlx": model(
    'type: "view", schema: "shop_staging", name: "stg_orders"',
    'select order_id, customer_id, amount from ${ref("raw", "orders")}',
  ),
  "definitions/shop/marts/customers.sqlx": model(
    'type: "table", schema: "shop", name: "customers", description: "One row for each customer.", columns: { customer_id: "The customer." }, assertions: { uniqueKey: ["customer_id"] }',
    'select distinct customer_id from ${ref("shop_staging", "stg_orders")}',
    "post_operations { create unique index on ${self()} (customer_id) }",
  ),
  "definitions/shop/marts/orders.sqlx": model(
    'type: "table", schema: "shop", name: "orders", tags: ["certified"], description: "What was ordered.", columns: { order_id: "The order.", amount: "In euros." }, assertions: { uniqueKey: ["order_id"] }',
    'select order_id, customer_id, amount from ${ref("shop_staging", "stg_orders")}',
    'post_operations { alter table ${self()} add foreign key (customer_id) references ${ref("shop", "customers")} (customer_id) }',
  ),
  "dashboards/orders.yaml": `title: Orders
panels:
  - { title: Revenue, chart: number, from: shop.orders, y: { column: amount, label: Revenue, aggregate: sum } }
  - title: Each order
    chart: number
    from: shop.orders
    y: { ratio: { of: amount, over: order_id }, label: Of an order }
  - { title: All, chart: table, from: shop.orders, x: { column: customer_id, label: Buyer }, y: amount }
`,
};

/** What a Superset is asked with, and what it answers: of one that is there, and of the recorded one. */
export interface SupersetAtHand {
  readonly url: string;
  readonly password: string;
  readonly dir: string;
  /** A person's own doing: as that person, by the same API. */
  asPerson(): Promise<ToolApi>;
  /** In the database: what a release would bring. */
  addColumn(name: string, comment: string): Promise<void>;
}

interface Dataset {
  readonly id: number;
  readonly description: string | null;
  readonly extra: string | null;
  readonly columns: readonly {
    id: number;
    column_name: string;
    description: string | null;
    verbose_name: string | null;
  }[];
  readonly metrics: readonly { id: number; metric_name: string; expression: string; verbose_name: string | null }[];
}

/** Steps of one story, in their order. */
export function supersetContract(hand: () => SupersetAtHand): void {
  const tell = (...args: string[]): Promise<CliResult> =>
    cli(hand().dir, ["bi", "superset", "--url", hand().url, ...args], { SUPERSET_PASSWORD: hand().password });
  const changes = async (...args: string[]) => {
    const { stdout, stderr, exitCode } = await tell("--json", ...args);
    expect([exitCode, stderr]).toEqual([0, ""]);
    return JSON.parse(stdout) as {
      changes: { about: string; what: string; to: string }[];
      kept: { about: string }[];
      notes: string[];
    };
  };
  const orders = async (): Promise<Dataset> => {
    const api = await hand().asPerson();
    type Entries = { result: { id: number; table_name: string }[] };
    const { result } = await api.json<Entries>("/api/v1/dataset/?q=(page_size:100)");
    const { id } = result.find(({ table_name }) => table_name === "orders")!;
    return (await api.json<{ result: Dataset }>(`/api/v1/dataset/${id}`)).result;
  };
  const column = ({ columns }: Dataset, name: string) => columns.find(({ column_name }) => column_name === name)!;

  test("relations that are no datasets are told, and registered where that is asked for: those for readers", async () => {
    const refused = await tell();
    expect(refused).toMatchObject({ exitCode: 2, stdout: "" });
    expect(refused.stderr).toMatch(
      /no dataset of this project in database shop\n.*shop\.customers, shop\.orders\n.*no dataset\n.*--create/,
    );
    const planned = (await changes("--create", "--dry-run")).changes;
    expect(planned.map(({ about }) => about)).toEqual(["shop.customers", "shop.orders"]);
    await changes("--create");
    const { description, extra, metrics, columns } = await orders();
    expect(description).toBe("What was ordered.");
    expect(JSON.parse(extra!).certification).toEqual({
      certified_by: "test",
      details: "1 test holds it before it is published",
    });
    expect(metrics.map(({ metric_name, expression, verbose_name }) => [metric_name, expression, verbose_name])).toEqual(
      expect.arrayContaining([
        ["count", "COUNT(*)", "COUNT(*)"],
        ["revenue", 'sum("amount")', "Revenue"],
        ["of_an_order", 'sum("amount")::numeric / nullif(sum("order_id"), 0)::numeric', "Of an order"],
      ]),
    );
    expect(
      columns.map(({ column_name, description, verbose_name }) => [column_name, description, verbose_name]).sort(),
    ).toEqual([
      ["amount", "In euros.", null],
      ["customer_id", null, "Buyer"],
      ["order_id", "The order.", null],
    ]);
  });

  test("a second time nothing changes", async () => {
    expect(await changes("--create")).toMatchObject({ changes: [], kept: [] });
  });

  test("what a person typed stays, and so do columns and metrics of theirs; --overwrite takes the project's words", async () => {
    const api = await hand().asPerson();
    const before = await orders();
    const mine = { metric_name: "mine", expression: "max(amount)" };
    await api.json(`/api/v1/dataset/${before.id}`, {
      method: "PUT",
      body: {
        description: "Ours, typed.",
        columns: before.columns.map(({ id, column_name }) => ({
          id,
          column_name,
          ...(column_name === "amount" ? { description: "Typed.", verbose_name: "Money" } : {}),
        })),
        metrics: [...before.metrics.map(({ id, metric_name, expression }) => ({ id, metric_name, expression })), mine],
      },
    });
    const { changes: none, kept } = await changes();
    expect(none).toEqual([]);
    expect(kept.map(({ about }) => about)).toEqual(["shop.orders", "shop.orders.amount"]);
    // A column that a release brings has the columns read again, which takes comments over what was typed.
    await hand().addColumn("note", "A note.");
    expect((await changes()).changes).toMatchObject([{ about: "shop.orders.note", what: "column" }]);
    const after = await orders();
    expect(after.description).toBe("Ours, typed.");
    expect(column(after, "amount")).toMatchObject({ description: "Typed.", verbose_name: "Money" });
    expect(column(after, "note")).toMatchObject({ description: "A note." });
    expect(after.columns).toHaveLength(4);
    expect(after.metrics.map(({ metric_name }) => metric_name).sort()).toEqual([
      "count",
      "mine",
      "of_an_order",
      "revenue",
    ]);
    expect((await changes("--overwrite")).changes.map(({ about }) => about)).toEqual([
      "shop.orders",
      "shop.orders.amount",
    ]);
    expect(column(await orders(), "amount")).toMatchObject({ description: "In euros.", verbose_name: "Money" });
    expect((await changes("--overwrite")).changes).toEqual([]);
  });

  test("a role is let see the schemas of marts, keeps what it had, and is told of schemas that are not for readers", async () => {
    expect((await tell("--role", "Gama")).stderr).toMatch(/no role Gama\n.*Gamma/);
    const first = await changes("--role", "Gamma");
    expect(first.changes).toEqual([{ about: "role Gamma", what: "schema", to: "shop" }]);
    expect(await changes("--role", "Gamma")).toMatchObject({ changes: [], notes: first.notes });
  });

  test("a wrong password, a wrong address and a wrong database are told as what they are", async () => {
    const wrong = await cli(hand().dir, ["bi", "superset", "--url", hand().url], { SUPERSET_PASSWORD: "wrong" });
    expect(wrong).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("does not let admin in") });
    expect((await tell("--database", "shopp")).stderr).toMatch(/no database shopp\n.*shop\n.*\n.*did you mean shop\?/);
    const nowhere = await tell("--url", `${hand().url}/nowhere`);
    expect(nowhere.stderr).toMatch(/does not do as it was asked[\s\S]*is this the address of Superset/);
  });
}
