import { join } from "node:path";
import { connectionUrl } from "../../src/model/connection-settings.ts";
import { timeProcess } from "../process.ts";
import { write } from "../workload.ts";
import type { Bench } from "./bench.ts";
import { atMost, type Line } from "./line.ts";

/** What a command takes that has nothing to do, beside Node that has nothing to do. */
export async function* commandLines({ root, cache, server, rounds }: Bench): AsyncGenerator<Line> {
  const folder = join(cache, "all", "shop");
  write(join(folder, "dataform.json"), JSON.stringify({ warehouse: "postgres", defaultSchema: "shop" }));
  write(join(folder, "definitions", "orders.sqlx"), 'config { type: "view" }\nselect 1 as id');
  write(
    join(folder, "data", "orders.csv"),
    `id,amount\n${Array.from({ length: 1_000 }, (_, n) => `${n},1.5\n`).join("")}`,
  );
  write(
    join(folder, "ingest", "shop.yaml"),
    JSON.stringify({
      version: 1,
      source: "shop",
      files: { at: "data" },
      streams: [
        {
          name: "orders",
          files: "orders.csv",
          format: "csv",
          table: "orders",
          recordSchema: { type: "object", properties: { id: { type: "integer" }, amount: { type: "number" } } },
        },
      ],
    }),
  );
  const database = await server.createDatabase();
  const url = connectionUrl(database, { password: true });
  const ours = (...parameters: readonly string[]) =>
    timeProcess(process.execPath, [join(root, "bin", "dataform.js"), ...parameters], {
      cwd: folder,
      logFile: join(cache, "logs", "all-command.log"),
    });
  const node = () =>
    timeProcess(process.execPath, ["-e", "0"], { cwd: folder, logFile: join(cache, "logs", "node.log") });
  await ours("ingest", "--url", url);
  const [help, ingest, nothing]: [number[], number[], number[]] = [[], [], []];
  // Short, so each is asked more often; in turns.
  for (let turn = 0; turn < 5 * rounds; turn++) {
    nothing.push(await node());
    help.push(await ours("--help"));
    ingest.push(await ours("ingest", "--url", url));
  }
  await server.dropDatabase(database);
  const beside = { "node -e 0": nothing };
  yield atMost({ what: "`dataform --help`", ours: help, beside }, 0.15);
  yield atMost({ what: "`ingest` with nothing new", ours: ingest, beside }, 0.5);
}
