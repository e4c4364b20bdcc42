import { parseConnectionUrl } from "../../src/config/connection.ts";
import { ingest } from "../../src/land/ingest.ts";
import type { LoadEvent } from "../../src/model/load-report.ts";
import { declaration } from "./ingest-declaration.ts";

/** Loads in a process of its own and ends it, as power loss would, at the given moment. */
interface Order {
  readonly database: string;
  readonly api: string;
  readonly kill: LoadEvent["kind"];
  /** The how-manieth event of that kind. */
  readonly count: number;
}

const { database, api, kill, count } = JSON.parse(process.argv[2]!) as Order;
let seen = 0;
await ingest(declaration(api), parseConnectionUrl(database, "test"), {
  memory: 1000,
  onEvent: (event) => {
    if (event.kind === kill && ++seen === count) process.kill(process.pid, "SIGKILL");
  },
});
