// Loads one declaration with what dist/ has, in a process of its own, so that its memory is nobody else's.
import { join } from "node:path";
import { ingest, loadIngest } from "../../dist/index.js";

const { projectDir, source, settings, env } = JSON.parse(process.argv[2]);
const started = performance.now();
const declaration = loadIngest(join(projectDir, "ingest", `${source}.yaml`), { projectDir, env });
const report = await ingest(declaration, settings);
const seconds = (performance.now() - started) / 1000;
process.stdout.write(JSON.stringify({ seconds, peakMemory: process.resourceUsage().maxRSS * 1024, report }));
