import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type AdNetworks, createAdNetworks, ratesCsv } from "../../ingest/ad-networks/server.ts";
import { type Client, connect } from "../../src/postgres/client.ts";
import { script } from "../../src/sql/authored.ts";
import { type CliResult, cli, succeeds } from "./cli.ts";
import { testDatabase } from "./database.ts";

const project = resolve(import.meta.dirname, "../..");
export const networks = ["google_ads", "meta_ads", "tiktok_ads", "linkedin_ads"];

export interface AdsWarehouse {
  readonly played: AdNetworks;
  readonly client: Client;
  readonly dataform: (...args: string[]) => Promise<CliResult>;
  /** The same with other variables. */
  readonly dataformWith: (env: Readonly<Record<string, string>>, ...args: string[]) => Promise<CliResult>;
  /** Reads all networks, or those named, and builds the product. */
  readonly load: (...only: string[]) => Promise<void>;
  readonly build: (...args: string[]) => Promise<CliResult>;
  readonly rows: (sql: string) => Promise<string[]>;
  readonly close: () => Promise<void>;
}

/** The product over the playing networks, in a database of its own. */
export async function adsWarehouse(): Promise<AdsWarehouse> {
  const database = await testDatabase();
  const client = await connect(database.settings);
  const played = createAdNetworks();
  const rates = mkdtempSync(join(tmpdir(), "rates-"));
  writeFileSync(join(rates, "ecb.csv"), ratesCsv(played.world.day(60), played.world.today));
  const env = {
    DATABASE_URL: database.url,
    EXCHANGE_RATES_AT: rates,
    ...played.env(await played.app.listen({ port: 0, host: "127.0.0.1" })),
  };
  const dataform = (...args: string[]) => cli(project, args, env);
  const ok = (...args: string[]) => succeeds(dataform(...args));
  const build = (...args: string[]) => ok("run", "--tags", "ads", ...args);
  await ok("ingest", "exchange_rates");
  return {
    played,
    client,
    dataform,
    dataformWith: (other, ...args) => cli(project, args, { ...env, ...other }),
    build,
    load: async (...only) => {
      for (const network of only.length > 0 ? only : networks) await ok("ingest", network);
      await build();
    },
    rows: async (sql) => {
      const { rows } = await client.table(script(sql));
      return rows.map((row) => row.map((value) => value ?? "∅").join("|"));
    },
    close: async () => {
      await client.close();
      await played.app.close();
      rmSync(rates, { recursive: true, force: true });
      await database.drop();
    },
  };
}
