import { parseArgs } from "node:util";
import { createAdNetworks } from "./server.ts";

// tsx ingest/ad-networks/main.ts --port 8081 --seed 1 [--restated]
const { values } = parseArgs({
  options: {
    port: { type: "string", default: "8081" },
    host: { type: "string", default: "127.0.0.1" },
    seed: { type: "string", default: "1" },
    restated: { type: "boolean", default: false },
  },
});
const networks = createAdNetworks({ seed: Number(values.seed) });
if (values.restated) networks.restate();
const url = await networks.app.listen({ port: Number(values.port), host: values.host });
process.stderr.write(`ad networks on ${url}; the declarations need:\n`);
for (const [name, value] of Object.entries(networks.env(url))) process.stdout.write(`export ${name}=${value}\n`);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void networks.app.close());
