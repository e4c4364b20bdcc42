import { parseArgs } from "node:util";
import { totalsOn } from "./counters.ts";
import { createBlogService } from "./server.ts";

// tsx ingest/blog-soap/main.ts --port 8081 --seed 1 --day 2026-01-31
const { values } = parseArgs({
  options: {
    port: { type: "string", default: "8081" },
    seed: { type: "string", default: "1" },
    day: { type: "string", default: "2026-01-31" },
  },
});
const { day } = values;
const service = await createBlogService({ day: () => day, totals: (on) => totalsOn(on, Number(values.seed)) });
process.stderr.write(`blog service on ${await service.listen(Number(values.port))}/BlogStatistics, as of ${day}\n`);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void service.close());
