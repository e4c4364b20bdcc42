import { parseArgs } from "node:util";
import { createDemoApi, DEMO_TOKEN } from "./server.ts";

// tsx ingest/demo-api/main.ts --port 8080 --seed 1 [--token demo-token] [--faults] [--until 2026-02-01T00:00:00Z]
const { values } = parseArgs({
  options: {
    port: { type: "string", default: "8080" },
    host: { type: "string", default: "127.0.0.1" },
    seed: { type: "string", default: "1" },
    token: { type: "string", default: DEMO_TOKEN },
    faults: { type: "boolean", default: false },
    until: { type: "string" },
  },
});
const { until } = values;
const app = await createDemoApi({
  seed: Number(values.seed),
  token: values.token,
  faults: values.faults,
  ...(until === undefined ? {} : { until: () => until }),
});
const address = await app.listen({ port: Number(values.port), host: values.host });
process.stderr.write(`demo API on ${address}/v1 (campaigns, creatives, stats)\n`);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void app.close());
