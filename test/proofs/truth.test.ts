import { readdirSync } from "node:fs";
import { resolve } from "node:path";
import { expect, inject, test } from "vitest";
import { ads } from "../oracle/ads.ts";
import { MINIMUM_CLICKS } from "../oracle/ads-questions.ts";
import { blog } from "../oracle/blog.ts";
import { agreesWithOracle, type Product } from "../oracle/driver.ts";
import { events } from "../oracle/events.ts";
import { marketing } from "../oracle/marketing.ts";
import { VARS } from "../oracle/marketing-questions.ts";
import { networks } from "../oracle/networks.ts";
import { passesAgree } from "../oracle/passes-driver.ts";
import { statements } from "../oracle/statements.ts";
import { temperatures } from "../oracle/temperatures.ts";
import { transactions } from "../oracle/transactions.ts";
import { adsWorld } from "../oracle/worlds/ads.ts";
import { blogWorld } from "../oracle/worlds/blog.ts";
import { eventsWorld } from "../oracle/worlds/events.ts";
import { marketingWorld } from "../oracle/worlds/marketing.ts";
import { networksWorld } from "../oracle/worlds/networks.ts";
import { statementsWorld } from "../oracle/worlds/statements.ts";
import { temperaturesWorld } from "../oracle/worlds/temperatures.ts";
import { transactionsWorld } from "../oracle/worlds/transactions.ts";
import { database } from "../support/comparing.ts";
import { isWhole, seed } from "../support/proof.ts";

/** Worlds of each product: `npm run proof:truth` tries 20 of 30 days, and PROOF_SEED repeats them. */
const WORLDS = Number(process.env.PROOF_ROUNDS ?? (isWhole ? 20 : 1));
/** Days of a world, instead of 30 and of those below. */
const DAYS = process.env.PROOF_DAYS === undefined ? undefined : Number(process.env.PROOF_DAYS);
/** Of a world among the other tests: a product's first days cost most. */
const IN_SMALL: Readonly<Record<string, number>> = {
  marketing: 7,
  blog: 7,
  ads: 2,
  statements: 3,
  temperatures: 2,
  transactions: 3,
  events: 2,
  networks: 1,
};
/** On a server beside the first: its SQL is the same every day. */
const BESIDE = 3;
const daysInSmall = (name: string) => Math.min(IN_SMALL[name]!, inject("everyCase") ? 30 : BESIDE);

const settings = (vars: Readonly<Record<string, string>>) =>
  JSON.stringify({
    ...{ project: "test", warehouse: "postgres", defaultSchema: "marts", assertionSchema: "assertions" },
    vars,
  });

/** Models of a product, and the feeds that describe its raw tables. */
const pathsOf = (name: string) => [`definitions/${name}`, "includes", "ingest"];

const products: Readonly<Record<string, Product>> = {
  marketing: {
    paths: pathsOf("marketing"),
    files: { "dataform.json": settings(VARS) },
    oracle: marketing,
    world: marketingWorld,
  },
  blog: { paths: pathsOf("blog"), oracle: blog, world: blogWorld },
  ads: {
    paths: pathsOf("ads"),
    files: {
      "dataform.json": settings({ ...VARS, minimum_clicks: String(MINIMUM_CLICKS) }),
    },
    oracle: ads,
    world: adsWorld,
  },
  networks: {
    paths: ["definitions/ads", "definitions/marketing", "definitions/networks", "includes", "ingest"],
    files: { "dataform.json": settings({}) },
    select: { actions: ["all_networks_daily"], includeDependencies: true },
    oracle: networks,
    world: networksWorld,
  },
  statements: { paths: pathsOf("reconciliation"), oracle: statements, world: statementsWorld },
  temperatures: { paths: pathsOf("temperatures"), oracle: temperatures, world: temperaturesWorld },
  transactions: { paths: pathsOf("transactions"), oracle: transactions, world: transactionsWorld },
  events: { paths: pathsOf("events"), oracle: events, world: eventsWorld },
};

test("every product is recomputed; what is monitored is no figure of a product", () => {
  const folders = readdirSync(resolve(import.meta.dirname, "../../definitions"), { withFileTypes: true });
  const covered = Object.values(products).flatMap(({ paths }) => paths.map((path) => path.replace("definitions/", "")));
  const left = folders.filter((one) => one.isDirectory() && !covered.includes(one.name)).map((one) => one.name);
  expect(left).toEqual(["monitoring"]);
});

for (const [name, product] of Object.entries(products))
  for (let world = 0; world < WORLDS; world++)
    test(
      `${name}, world ${seed + world}: every cell of every mart and history is what the page says, day by day and anew`,
      () => agreesWithOracle(product, seed + world, DAYS ?? (isWhole ? 30 : daysInSmall(name))),
      isWhole ? 3_600_000 : 600_000,
    );

test(
  "what the passes of a reconciliation match, and say of the rest, is what the page says",
  async () => {
    const client = await database();
    for (let world = 0; world < WORLDS * 10; world++) await passesAgree(client, seed + world);
  },
  isWhole ? 3_600_000 : 600_000,
);
