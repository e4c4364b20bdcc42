import { join } from "node:path";
import { parseConnectionUrl } from "../../src/config/connection.ts";
import { loadIngest } from "../../src/config/load-ingest.ts";
import { ingest } from "../../src/land/ingest.ts";

/** Loads one source in a process of its own, and tells its parent of every event; dies by itself at one, if told to. */
interface Order {
  readonly dir: string;
  readonly source: string;
  readonly database: string;
  readonly api: string;
  /** The how-manieth event to die at; 0 for none. */
  readonly dieAt: number;
}

const { dir, source, database, api, dieAt } = JSON.parse(process.argv[2]!) as Order;
const declaration = loadIngest(join(dir, `ingest/${source}.yaml`), { projectDir: dir, env: { API: api } });
let seen = 0;
const report = await ingest(declaration, parseConnectionUrl(database, "test"), {
  memory: 200_000,
  onEvent: (event) => {
    if (++seen === dieAt) process.kill(process.pid, "SIGKILL");
    process.send?.(event.kind);
  },
});
if (!report.ok) process.stderr.write(`${JSON.stringify(report.streams.map(({ error }) => error))}\n`);
process.exitCode = report.ok ? 0 : 1;
process.disconnect?.();
