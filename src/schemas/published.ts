import { dashboardSchema } from "./dashboard.ts";
import { ingestSchema } from "./ingest/declaration.ts";
import { notificationsSchema } from "./notifications.ts";
import { operationsBlock, postgresBlock } from "./postgres-block.ts";
import { schedulesSchema } from "./schedules.ts";
import { seedSchema } from "./seed.ts";
import { selectorsSchema } from "./selectors.ts";
import { serveSchema } from "./serve.ts";
import { serverSchema } from "./server.ts";
import { dataformJson, workflowSettings } from "./settings.ts";
import { targetsSchema } from "./targets.ts";

/** Every file in `schemas/`, without its ending: what editors check, and what we check. */
export const published = {
  ingest: ingestSchema,
  seed: seedSchema,
  dashboard: dashboardSchema,
  serve: serveSchema,
  server: serverSchema,
  notifications: notificationsSchema,
  schedules: schedulesSchema,
  selectors: selectorsSchema,
  targets: targetsSchema,
  postgres: postgresBlock,
  operations: operationsBlock,
  dataform: dataformJson,
  workflow_settings: workflowSettings,
};

const $schema = "http://json-schema.org/draft-07/schema#";

/** Returns what `schemas/<name>.json` holds. */
export function publishedText(name: keyof typeof published): string {
  return `${JSON.stringify({ $schema, title: `dataform-postgres ${name}`, ...published[name] }, null, 2)}\n`;
}
