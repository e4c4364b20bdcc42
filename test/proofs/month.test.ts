import { expect, test } from "vitest";
import { script } from "../../src/sql/authored.ts";
import { sql } from "../../src/sql/sql.ts";
import { adsFetched, type Books, type Check, checksOf, customersFetched, emptyBooks } from "../support/month/books.ts";
import { hasFakeClock } from "../support/month/clock.ts";
import { type Login, type Office, openOffice } from "../support/month/office.ts";
import { projectFiles } from "../support/month/project.ts";
import { openSystems, type Systems } from "../support/month/systems.ts";
import {
  dateOf,
  HEADER,
  money,
  type Order,
  ordersCsv,
  ordersOf,
  type Product,
  productsOf,
} from "../support/month/world.ts";
import { isWhole } from "../support/proof.ts";

/** `npm run proof:month` is the whole of it, in the other tests it is a week. */
const DAYS = Number(process.env.PROOF_DAYS ?? (isWhole ? 30 : 5));

interface Shop extends Office {
  readonly books: Books;
  readonly systems: Systems;
  /** What readers saw yesterday evening. */
  published: readonly Check[];
}

/** What a day has besides the files of every day. What it does not do itself is done in the evening: ingest, and run. */
interface Day {
  readonly title: string;
  readonly morning?: (shop: Shop) => Promise<void>;
  /** No files come. */
  readonly quiet?: boolean;
}

const ordersFile = (day: number) => `data/orders/orders-${dateOf(day)}.csv`;

function deliverOrders(shop: Shop, orders: readonly Order[], { day = shop.day, ...more }: DeliverOptions = {}): void {
  shop.write(ordersFile(day), ordersCsv(orders, more));
  shop.books.orders.set(ordersFile(day), orders);
}

interface DeliverOptions {
  readonly day?: number;
  readonly coupons?: boolean;
  readonly header?: string[];
}

function deliverProducts(shop: Shop, products: readonly Product[], day = shop.day): void {
  const lines = products.map(({ product, name, cents }) => JSON.stringify({ product, name, price: money(cents) }));
  shop.write(`data/products/products-${dateOf(day)}.ndjson`, lines.map((line) => `${line}\n`).join(""));
  shop.books.products.set(dateOf(day), products);
}

const edit = (shop: Shop, path: string, from: string | RegExp, to: string) => {
  const text = shop.read(path);
  expect(text, `${path} has ${from}`).toMatch(from);
  shop.write(path, text.replace(from, to));
};

const days: readonly Day[] = [
  {
    title: "one command declares the orders; everything lands and is published",
    morning: async (shop) => {
      for (const [path, text] of Object.entries(projectFiles)) shop.write(path, text);
      const infer = ["ingest", "infer", "data/orders/orders-*.csv", "--source", "shop", "--stream", "orders"];
      await shop.dataform([...infer, "--table", "shop_orders"]);
    },
  },
  {
    title: "the API of customers is busy, slow and cut; the load gets there",
    morning: async ({ systems }) => systems.failWith("500", "429", "cut", "500"),
  },
  {
    title: "yesterday's file comes again, corrected; the newest version counts",
    morning: async (shop) => {
      const corrected = ordersOf(2).map((one, k) =>
        k % 3 ? one : { ...one, cents: one.cents + 100, status: "paid" as const },
      );
      deliverOrders(shop, corrected, { day: 2 });
    },
  },
  {
    title: "quantities are n/a: rejects are shown, the declaration is mended, a replay lands them, one is dismissed",
    morning: async (shop) => {
      const orders = ordersOf(4).map((one, k) => (k < 3 ? { ...one, qty: k < 2 ? "n/a" : "lots" } : one));
      deliverOrders(shop, orders);
      await shop.dataform(["ingest"]);
      expect((await shop.dataform(["ingest", "rejects"])).stdout).toContain("n/a");
      edit(shop, "ingest/shop.yaml", "csv: { ", 'csv: { "null": ["", n/a], ');
      expect((await shop.dataform(["ingest", "replay"])).stdout).toMatch(/shop\.orders .* 2 .* 1 /);
      const [left, ...others] = await rejects(shop);
      expect({ record: left!.record, others }).toEqual({ record: expect.stringContaining("lots"), others: [] });
      await shop.dataform(["ingest", "dismiss", left!.loadId, left!.rowNo]);
      expect(await rejects(shop)).toEqual([]);
      const landed = orders.filter(({ qty }) => qty !== "lots");
      shop.books.orders.set(
        ordersFile(4),
        landed.map((one) => ({ ...one, qty: one.qty === "n/a" ? "" : one.qty })),
      );
    },
  },
  {
    title: "things are sold by weight: a whole number becomes one with a fraction, in place",
    morning: async (shop) => {
      deliverOrders(
        shop,
        ordersOf(5).map((one, k) => (k < 4 ? { ...one, qty: `${k}.5` } : one)),
      );
      edit(shop, "ingest/shop.yaml", "qty: { type: integer }", "qty: { type: number }");
      const { stdout, stderr } = await shop.dataform(["ingest"], 1);
      expect(stdout + stderr).toMatch(/dataform ingest retype shop_orders\.qty "?numeric/);
      await shop.dataform(["ingest", "retype", "shop_orders.qty", "numeric"]);
    },
  },
  {
    title: "orders have a coupon that nobody declared: it is kept and told",
    morning: async (shop) => {
      deliverOrders(shop, withCoupons(ordersOf(6)), { coupons: true });
      await shop.dataform(["ingest"]);
      expect((await shop.dataform(["ingest", "state"])).stdout).toContain("coupon");
    },
  },
  {
    title: "days of before the beginning are landed, from files and from an API",
    morning: async (shop) => {
      for (const day of [-4, -3, -2]) deliverOrders(shop, ordersOf(day), { day });
      await shop.dataform(["ingest", "ads", "--since", dateOf(-6)]);
      adsFetched(shop.books, { from: -6, to: 7 });
    },
  },
  {
    title: "the coupon is declared: orders that landed before have theirs, too",
    morning: async (shop) => {
      deliverOrders(shop, withCoupons(ordersOf(8)), { coupons: true });
      edit(shop, "ingest/shop.yaml", /( +)status: .*\n/, "$&$1coupon: { type: string }\n");
      edit(shop, "definitions/staging/stg_orders.sqlx", "status, ordered_at", "status, ordered_at, coupon");
      shop.books.hasCoupons = true;
    },
  },
  {
    title: "an export has lost most of its products: it is refused, and comes again whole",
    morning: async (shop) => {
      deliverProducts(shop, productsOf(9).slice(0, 3));
      const { stdout, stderr } = await shop.dataform(["ingest"], 1);
      expect(stdout + stderr).toContain("the full batch of products.products has shrunk");
      shop.books.products.delete(dateOf(9));
      await shop.dataform(["run"]);
      deliverProducts(shop, productsOf(9));
    },
  },
  {
    title: "a file is cut between CR and LF, another has a day that is none: both are refused, the others land",
    morning: async (shop) => {
      const text = ordersCsv(ordersOf(10)).replaceAll("\n", "\r\n");
      shop.write(ordersFile(10), text.slice(0, -1));
      shop.write("data/products/products-2026-02-30.ndjson", '{"product": "P1", "name": "x", "price": "1"}\n');
      const { stdout, stderr } = await shop.dataform(["ingest"], 1);
      expect(stdout + stderr).toContain("2026-02-30");
      expect(stdout + stderr).toContain("between the CR and the LF");
      shop.remove("data/products/products-2026-02-30.ndjson");
      shop.write(ordersFile(10), text);
    },
  },
  {
    title: "the machine dies during a load, then during a run",
    morning: async (shop) => {
      await shop.killed(["ingest"], /reading orders/);
      await shop.dataform(["ingest"]);
      await shop.killed(["run"], /orders/);
    },
  },
  {
    title: "a release is wrong where no test looks: it is taken back and held until it is mended",
    morning: async (shop) => {
      const revenue = "definitions/marts/revenue.sqlx";
      edit(shop, revenue, "count(*) as orders", "count(*) * 2 as orders");
      await shop.dataform(["run"]);
      await expect(tablesAre(shop, shop.published, "after a wrong release")).rejects.toThrow("revenue");
      await shop.dataform(["rollback", "--hold", "--reason", "orders are doubled"]);
      await tablesAre(shop, shop.published, "after the rollback");
      expect((await shop.dataform(["run"], 75)).stderr).toContain("orders are doubled");
      edit(shop, revenue, "count(*) * 2 as orders", "count(*) as orders");
      await shop.dataform(["env", "unhold"]);
    },
  },
  {
    title: "a mistake in a mart is held by its test, and readers keep what they had",
    morning: async (shop) => {
      const revenue = "definitions/marts/revenue.sqlx";
      edit(shop, revenue, "where status = 'paid'", "where status <> 'open' or qty > 3");
      await shop.dataform(["ingest"]);
      await shop.dataform(["run"], 1);
      await isHeld(shop, "revenue");
      edit(shop, revenue, "where status <> 'open' or qty > 3", "where status = 'paid'");
    },
  },
  {
    title: "a mart is added",
    morning: async (shop) =>
      shop.write(
        "definitions/marts/top_products.sqlx",
        `config { type: "table" }\n\nselect product, sum(amount) as revenue from \${ref("stg_orders")} group by product\n`,
      ),
  },
  {
    title: "a backup is made while the day goes on",
    morning: async (shop) => {
      await shop.dataform(["db", "backup", "../shop.backup"]);
    },
  },
  {
    title: "the machine is lost: the project goes on elsewhere with yesterday's backup",
    morning: async (shop) => {
      await shop.move();
      await shop.dataform(["db", "restore", "../shop.backup"]);
    },
  },
  {
    title: "today's files do not come; the seed is edited",
    quiet: true,
    morning: async (shop) => {
      edit(shop, "seeds/countries.csv", "Poland,East", "Poland,Central");
      shop.books.regions.set("PL", "Central");
    },
  },
  {
    title: "yesterday's files come with today's",
    morning: async (shop) => {
      deliverOrders(shop, ordersOf(17), { day: 17 });
      deliverProducts(shop, productsOf(17), 17);
    },
  },
  {
    title: "a mart that nobody reads is retired",
    morning: async (shop) => {
      shop.remove("definitions/marts/top_products.sqlx");
      await shop.dataform(["retire", "shop.top_products"]);
    },
  },
  {
    title: "files are made for the shop's boss, and one comes back as a workbook",
    morning: async (shop) => {
      const { rows } = checksOf(shop.books).find(({ name }) => name === "revenue")!;
      const before = rows.filter(([day]) => day !== dateOf(20)).map((row) => row.join(","));
      const lines = ["day,country,orders,revenue", ...before.sort()];
      await shop.dataform(["export", "shop.revenue", "revenue.csv", "--to", "csv", "--order-by", "day, country"]);
      expect(shop.read("revenue.csv").trimEnd().split("\n")).toEqual(lines);
      await shop.dataform(["export", "shop.revenue", "plan.xlsx", "--to", "xlsx"]);
      await shop.dataform(["ingest", "infer", "plan.xlsx", "--source", "plan", "--table", "plan"]);
      await shop.dataform(["ingest", "plan"]);
      const select =
        "select * from (select day, country, orders, round(revenue, 2) as revenue from raw.plan) r order by day, country";
      const { stdout } = await shop.dataform(["export", select, "-", "--to", "csv"]);
      expect(stdout.trimEnd().split("\n")).toEqual(lines);
    },
  },
  {
    title: "a field is missing from a file, and told",
    morning: async (shop) => {
      const orders = ordersOf(21);
      const lines = ordersCsv(orders).replaceAll(/^([^;]*);[^;]*/gm, "$1");
      shop.write(ordersFile(21), lines);
      shop.books.orders.set(
        ordersFile(21),
        orders.map((one) => ({ ...one, customer_id: null })),
      );
      await shop.dataform(["ingest"]);
      expect((await shop.dataform(["ingest", "state"])).stdout).toContain("customer_id");
    },
  },
  {
    title: "a header is written in capitals; the API of customers asks for a token that it replaces at each use",
    morning: async (shop) => {
      deliverOrders(shop, ordersOf(22), { header: HEADER.map((name) => name.toUpperCase()) });
      shop.setVariable("REFRESH_TOKEN", shop.systems.askForTokens());
      shop.setVariable("CLIENT_SECRET", "the client's secret");
      const oauth2 =
        '{ grant: refresh_token, tokenUrl: "${SYSTEMS_URL}/token", clientId: shop, clientSecret: "${CLIENT_SECRET}", refreshToken: "${REFRESH_TOKEN}" }';
      edit(shop, "ingest/crm.yaml", "  paging:", `  auth: { oauth2: ${oauth2} }\n  paging:`);
    },
  },
  {
    title: "a file has each order twice: a test holds the marts until it comes again",
    morning: async (shop) => {
      const orders = ordersOf(23);
      deliverOrders(shop, [...orders, ...orders]);
      await shop.dataform(["ingest"]);
      await shop.dataform(["run"], 1);
      await isHeld(shop, "revenue");
      deliverOrders(shop, orders);
    },
  },
  {
    title: "the passwords are changed, and the BI tool gets in with the new one",
    morning: async (shop) => {
      const login = async () => JSON.parse((await shop.dataform(["db", "login", "--json"])).stdout) as Login;
      const reads = (as: Login) => shop.look((client) => client.query(sql`select count(*) as n from shop.revenue`), as);
      const old = await login();
      await shop.dataform(["db", "rotate"]);
      await expect(reads(old)).rejects.toMatchObject({ code: "28P01" });
      expect((await reads(await login())).rows).toMatchObject([{ n: expect.stringMatching(/^[1-9]/) }]);
    },
  },
  { title: "Saturday", quiet: true },
  { title: "Sunday", quiet: true },
  {
    title: "everything is computed anew; a history whose raw rows are gone is not",
    morning: async (shop) => {
      const { stdout, stderr } = await shop.dataform(["run", "--full-refresh"], 1);
      expect(stdout + stderr).toContain("--allow-loss");
    },
  },
  {
    title: "the same project beside it, from nothing, has the same orders",
    morning: async (shop) => {
      await shop.dataform(["run", "--schema-suffix", "check", "--actions", "orders", "--include-deps"]);
      const differences = await shop.look((client) =>
        client.query(sql`
          (table shop.orders except all table shop_check.orders)
          union all (table shop_check.orders except all table shop.orders)`),
      );
      expect(differences.rows).toEqual([]);
      await shop.dataform(["env", "drop", "check", "--yes"]);
    },
  },
  { title: "clocks are put forward" },
  {
    title: "what is not needed is collected",
    morning: async (shop) => {
      await shop.dataform(["gc"]);
    },
  },
];

interface Reject {
  readonly loadId: string;
  readonly rowNo: string;
  readonly record: string;
}

const rejects = async (shop: Shop) =>
  JSON.parse((await shop.dataform(["ingest", "rejects", "--json"])).stdout) as Reject[];

const withCoupons = (orders: readonly Order[]): Order[] =>
  orders.map((one, k) => (k % 4 ? one : { ...one, coupon: `C${one.order_id}` }));

const ordinary: Day = { title: "nothing happens" };

async function evening(shop: Shop): Promise<void> {
  await shop.dataform(["ingest"]);
  customersFetched(shop.books, shop.day);
  adsFetched(shop.books, { from: Math.max(-2, shop.day - 4), to: shop.day });
  await shop.dataform(["run"]);
}

async function tablesAre(shop: Shop, checks: readonly Check[], when: string): Promise<void> {
  for (const { name, select, rows } of checks) {
    const found = await shop.look((client) => client.table(script(select)));
    expect(found.rows.map((row) => row.map(String)).sort(), `day ${shop.day}, ${when}: ${name}`).toEqual(
      [...rows].sort(),
    );
  }
}

/** Readers of what a test holds see yesterday's. */
const isHeld = (shop: Shop, held: string) =>
  tablesAre(
    shop,
    shop.published.filter(({ name }) => name === held),
    "held",
  );

/** What is as large after a month as after days, whatever has landed; with room for a day on which a release more is kept. */
const LIMITS = {
  objects: 70,
  runs: 5,
  steps: 150,
  failing_rows: 20,
  releases: 3,
  partitions: 11,
  sessions: 1,
  files: 125,
} as const;

async function nothingGrows(shop: Shop, what: string): Promise<void> {
  const { rows } = await shop.look((client) =>
    client.query<Record<string, string>>(sql`
      select
        (select count(*) from pg_class where relnamespace = '_dataform'::regnamespace and relkind in ('r', 'v', 'm', 'p')) as objects,
        (select count(*) from _dataform.run) as runs,
        (select count(*) from _dataform.step) as steps,
        (select count(*) from _dataform.failing_row) as failing_rows,
        (select count(*) from _dataform.release where collected_at is null) as releases,
        (select count(*) from pg_inherits where inhparent = 'raw.shop_products'::regclass) as partitions,
        (select count(*) from pg_stat_activity where backend_type = 'client backend') as sessions`),
  );
  const sizes: Readonly<Record<string, string | number>> = { ...rows[0]!, files: shop.filesOfServer() };
  const over = Object.entries(LIMITS).filter(([name, limit]) => Number(sizes[name]) > limit);
  expect(over, `${what}: ${JSON.stringify(sizes)}`).toEqual([]);
}

test.skipIf(!hasFakeClock)(
  `${DAYS} days as the data engineer of a shop: everything by files and commands, every table right each day, nothing that grows without need`,
  async () => {
    const systems = await openSystems();
    const office = openOffice();
    const shop: Shop = Object.assign(office, { books: emptyBooks(), systems, published: [] });
    shop.setVariable("SYSTEMS_URL", systems.url);
    for (let day = 1; day <= DAYS; day++) {
      const { title, morning, quiet } = days[day - 1] ?? ordinary;
      shop.begin(day);
      systems.begin(day);
      if (!quiet) {
        deliverOrders(shop, ordersOf(day));
        deliverProducts(shop, productsOf(day));
      }
      await morning?.(shop);
      await evening(shop);
      shop.published = checksOf(shop.books);
      await tablesAre(shop, shop.published, title);
      await nothingGrows(shop, `day ${day}`);
    }
  },
  isWhole ? 3_600_000 : 240_000,
);
