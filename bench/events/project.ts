import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const FILES: Readonly<Record<string, string>> = {
  "dataform.json": '{ "project": "bench", "warehouse": "postgres", "defaultSchema": "shop" }',
  "includes/live.js": 'module.exports = require("dataform-postgres/includes/live");\n',
  "ingest/events.yaml": `version: 1
source: events
collect: {}
streams:
  - name: viewed
    table: viewed
    recordSchema:
      type: object
      required: [visitor_id, url]
      properties: { visitor_id: { type: string }, url: { type: string }, ms: { type: integer } }
`,
  "definitions/page_minutes.js": `live.publish("page_minutes", {
  from: ["raw", "viewed"],
  by: ["url"],
  time: "_event_at",
  every: "minute",
  measures: { views: "count(*)" },
});
`,
};

/** Events of one type, and a live mart of them. */
export function writeEventsProject(folder: string): void {
  for (const [path, text] of Object.entries(FILES)) {
    mkdirSync(join(folder, path, ".."), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}
