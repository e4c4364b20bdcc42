import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";
import { loadIngest } from "../../src/config/load-ingest.ts";
import { type IngestOptions, ingest } from "../../src/land/ingest.ts";
import { type Replayed, replay } from "../../src/land/replay.ts";
import type { StreamLoad } from "../../src/model/load-report.ts";
import { withClient } from "../../src/postgres/client.ts";
import { script } from "../../src/sql/authored.ts";
import { testDatabase } from "./database.ts";
import type { OnEnd } from "./project.ts";

/** What most tests of files land: orders. */
export const orderSchema = {
  type: "object",
  required: ["id"],
  properties: {
    id: { type: "integer" },
    customer: { type: "string" },
    amount: { type: "string", postgresType: "numeric" },
    day: { type: "string", format: "date" },
  },
};

export interface FileIngest {
  readonly dir: string;
  readonly settings: Parameters<typeof ingest>[1];
  /** Writes files under `data/`. */
  put(files: Readonly<Record<string, string | Uint8Array>>): void;
  remove(name: string): void;
  schema(schema: object): void;
  /** Makes the database itself, or another of its server, the source of the stream `orders`. `stream` are lines of YAML in it. */
  sqlSource(stream: string, database?: string): void;
  /** Loads the stream `orders`. */
  load(options?: IngestOptions): Promise<StreamLoad>;
  /** The same into another database. */
  loadInto(settings: FileIngest["settings"]): Promise<StreamLoad>;
  replay(): Promise<Replayed>;
  rows<T = Record<string, string | null>>(sql: string): Promise<readonly T[]>;
}

/** A project with one stream of files and a database of its own. `stream` are lines of YAML in the stream. */
export async function fileIngest(
  stream = "format: csv",
  schema: object = orderSchema,
  glob = "*",
  onEnd: OnEnd = onTestFinished,
): Promise<FileIngest> {
  const dir = mkdtempSync(join(tmpdir(), "dataform-files-"));
  const database = await testDatabase();
  onEnd(async () => {
    rmSync(dir, { recursive: true, force: true });
    await database.drop();
  });
  const write = (path: string, content: string | Uint8Array) => {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), content);
  };
  mkdirSync(join(dir, "data"));
  const lines = stream
    .trim()
    .split("\n")
    .map((line) => `    ${line}`);
  write(
    "ingest/shop.yaml",
    `version: 1
source: shop
files: { at: data }
streams:
  - name: orders
    files: "${glob}"
    settleSeconds: 0
    table: orders
    recordSchema: schema.json
${lines.join("\n")}
`,
  );
  const put = (files: Readonly<Record<string, string | Uint8Array>>) => {
    for (const [name, content] of Object.entries(files)) write(join("data", name), content);
  };
  let sourceUrl = database.url;
  const declared = () => loadIngest(join(dir, "ingest/shop.yaml"), { projectDir: dir, env: { SOURCE_URL: sourceUrl } });
  write("ingest/schema.json", JSON.stringify(schema));
  return {
    dir,
    settings: database.settings,
    put,
    remove: (name) => rmSync(join(dir, "data", name)),
    schema: (changed) => write("ingest/schema.json", JSON.stringify(changed)),
    sqlSource: (changed, name) => {
      if (name !== undefined) sourceUrl = Object.assign(new URL(database.url), { pathname: `/${name}` }).href;
      write(
        "ingest/shop.yaml",
        `version: 1
source: shop
sql: { url: "\${SOURCE_URL}" }
streams:
  - name: orders
    table: orders
    recordSchema: schema.json
${changed
  .split("\n")
  .map((line) => `    ${line}`)
  .join("\n")}
`,
      );
    },
    load: async (options = {}) => (await ingest(declared(), database.settings, options)).streams[0]!,
    loadInto: async (settings) => (await ingest(declared(), settings)).streams[0]!,
    replay: () => {
      const declaration = declared();
      return replay(declaration, declaration.streams[0]!, database.settings);
    },
    rows: async <T>(sql: string) =>
      (await withClient(database.settings, {}, (client) => client.query<T>(script(sql)))).rows as readonly T[],
  };
}
