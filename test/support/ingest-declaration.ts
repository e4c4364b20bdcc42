import {
  type IngestDeclaration,
  type RawColumn,
  type RecordSchema,
  type RestDeclaration,
  type RestStream,
  Secret,
  type StreamDeclaration,
} from "../../src/model/declarations.ts";

export const TOKEN = "s3cret-token-value";

/** A small record: what most tests of landing load. */
export const itemSchema: RecordSchema = {
  file: "schemas/items.json",
  description: "Things",
  schema: {
    type: "object",
    required: ["id", "updated_at"],
    properties: {
      id: { type: "string" },
      updated_at: { type: "string", format: "date-time" },
      amount: { type: "integer" },
      price: { type: "number" },
      tags: { type: ["array", "null"] },
    },
  },
  columns: [
    { name: "id", type: "text", description: "Its name" },
    { name: "updated_at", type: "timestamp with time zone" },
    { name: "amount", type: "bigint" },
    { name: "price", type: "numeric" },
    { name: "tags", type: "jsonb" },
  ],
};

/** `itemSchema` with one more, or one other, column. */
export function withColumn(column: RawColumn, property: object): RecordSchema {
  const { schema, columns, ...rest } = itemSchema;
  const properties = { ...(schema.properties as object), [column.name]: property };
  return {
    ...rest,
    schema: { ...schema, properties },
    columns: [...columns.filter((one) => one.name !== column.name), column],
  };
}

type RestStreamDeclaration = StreamDeclaration & { readonly connector: RestStream };

/** A stream of the API; fields of its own and those of `connector` side by side. */
export function stream(
  changes: Partial<Omit<StreamDeclaration, "connector"> & RestStream> = {},
): RestStreamDeclaration {
  const {
    path = "/items",
    records = "data",
    params = {},
    window,
    job,
    body,
    parent,
    recordsOptional,
    kind: _,
    ...others
  } = changes;
  const asked = {
    ...(window ? { window } : {}),
    ...(job ? { job } : {}),
    ...(body ? { body } : {}),
    ...(parent ? { parent } : {}),
  };
  return {
    name: "items",
    table: "items",
    recordSchema: itemSchema,
    cursor: { field: "updated_at", param: "since" },
    connector: { kind: "rest", path, records, params, ...asked, ...(recordsOptional ? { recordsOptional } : {}) },
    batch: { kind: "log", maxShrink: 0.3 },
    drift: "evolve",
    ...others,
  };
}

export function restConnector(baseUrl: string, changes: Partial<RestDeclaration> = {}): RestDeclaration {
  return {
    kind: "rest",
    baseUrl,
    auth: { bearer: new Secret("SHOP_TOKEN", TOKEN) },
    paging: {
      cursorParam: "cursor",
      cursorPath: "next_cursor",
      limitParam: "limit",
      limit: 10,
      totalPath: "total",
      maxPages: 1000,
    },
    retry: { attempts: 4, maxDelaySeconds: 30 },
    timeoutSeconds: 10,
    ...changes,
  };
}

export function declaration(
  baseUrl: string,
  changes: Partial<RestDeclaration> = {},
  streams: readonly StreamDeclaration[] = [stream()],
): IngestDeclaration {
  const connector = restConnector(baseUrl, changes);
  return { file: "ingest/shop.yaml", source: "shop", schema: "raw", connector, streams };
}

/** Item number `n`, changed `n` minutes into the year. */
export function item(n: number, changes: object = {}): Record<string, unknown> {
  return { id: `item-${n}`, updated_at: new Date(Date.UTC(2026, 0, 1, 0, n)).toISOString(), amount: n, ...changes };
}
