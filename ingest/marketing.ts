// Loads the marketing source: tsx ingest/marketing.ts. The same as `dataform ingest marketing`, for a scheduler
// or as the beginning of a script of your own. Prints the report; ends with 1 when a stream failed.
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findTarget, ingest, loadIngest, readEnvironment, resolveConnection, startEmbedded } from "dataform-postgres";

const projectDir = fileURLToPath(new URL("..", import.meta.url));
const env = readEnvironment(projectDir);
const declaration = loadIngest(join(projectDir, "ingest/marketing.yaml"), { projectDir, env });
const target = await findTarget(env, projectDir);
const settings = resolveConnection(env, { projectDir, target }) ?? (await startEmbedded(join(projectDir, ".dataform")));
const report = await ingest(declaration, settings);
process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
process.exitCode = report.ok ? 0 : 1;
