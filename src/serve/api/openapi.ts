import { valueCheck } from "../../config/value-check.ts";
import type { DeclaredEndpoint, DeclaredParameter } from "../../model/api.ts";
import type { Api } from "../../model/graph.ts";
import { type Cell, parameterSchema } from "./cells.ts";
import { MEDIA_TYPES } from "./negotiate.ts";
import { TYPES } from "./problem.ts";
import type { Source } from "./statements.ts";

type Json = Readonly<Record<string, unknown>>;

export interface Described {
  readonly title: string;
  readonly version: string;
  readonly apis: readonly Api[];
  /** How those who ask for what is not public say who they are; undefined where nobody has to. */
  readonly signIn: SignIn | undefined;
  /** What an endpoint answers now; undefined where that is not there. */
  readonly sourceOf: (endpoint: DeclaredEndpoint) => Source | undefined;
  /** What the project says of the columns of what an endpoint reads. */
  readonly meaningOf: (endpoint: DeclaredEndpoint) => ReadonlyMap<string, string>;
}

/** Keys are taken always. */
export interface SignIn {
  /** Whose tokens are taken, too. */
  readonly issuer: string | undefined;
}

/** The endpoints as OpenAPI 3.1, of what the declarations and the published relations say. Pure. */
export function openApiDocument({ title, version, apis, signIn, sourceOf, meaningOf }: Described): Json {
  const endpoints = apis.flatMap((api) => api.endpoints.map((endpoint) => ({ api, endpoint })));
  const schemes = signIn && endpoints.some(({ endpoint }) => endpoint.access === "key") ? schemesOf(signIn) : undefined;
  return {
    openapi: "3.1.0",
    info: { title, version },
    tags: apis.map((api) => ({ name: api.title, ...(api.text ? { description: api.text } : {}) })),
    paths: Object.fromEntries(
      endpoints.map(({ api, endpoint }) => [
        endpoint.path,
        {
          get: {
            ...operation(api, endpoint, sourceOf(endpoint), meaningOf(endpoint)),
            // Any of them, with the scope.
            ...(schemes && endpoint.access === "key"
              ? { security: Object.keys(schemes).map((name) => ({ [name]: [endpoint.scope] })) }
              : {}),
          },
        },
      ]),
    ),
    components: {
      parameters: COMMON,
      responses: {
        NotModified: { description: "It would be what the sender of If-None-Match has" },
        Problem: { description: "What cannot be answered, and why", content: problemContent() },
      },
      ...(schemes ? { securitySchemes: schemes } : {}),
    },
  };
}

function schemesOf({ issuer }: SignIn): Json {
  const description = "A key that `dataform keys add` gave out";
  return {
    key: { type: "http", scheme: "bearer", description },
    keyHeader: { type: "apiKey", in: "header", name: "X-API-Key", description },
    ...(issuer === undefined
      ? {}
      : {
          token: {
            type: "openIdConnect",
            openIdConnectUrl: `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`,
            description: `A token of ${issuer}, as Authorization: Bearer`,
          },
        }),
  };
}

function operation(
  api: Api,
  endpoint: DeclaredEndpoint,
  source: Source | undefined,
  meaning: ReadonlyMap<string, string>,
): Json {
  const common = ["limit", "cursor", ...(endpoint.released ? ["release"] : []), "numbers", "format"];
  return {
    operationId: endpoint.name,
    tags: [api.title],
    summary: endpoint.title,
    ...(endpoint.text ? { description: endpoint.text } : {}),
    parameters: [
      ...endpoint.parameters.map((one) => parameter(one, source, meaning)),
      limitOf(endpoint),
      ...common.slice(1).map((name) => ({ $ref: `#/components/parameters/${name}` })),
    ],
    responses: {
      200: {
        description: "One page, or all rows in another format than JSON",
        headers: headersOf(endpoint),
        content: contentOf(endpoint, source, meaning),
      },
      ...(endpoint.released ? { 304: { $ref: "#/components/responses/NotModified" } } : {}),
      default: { $ref: "#/components/responses/Problem" },
    },
  };
}

function parameter(one: DeclaredParameter, source: Source | undefined, meaning: ReadonlyMap<string, string>): Json {
  const { name, operator, required, text, default: otherwise } = one;
  const type = source?.types.get(one.column);
  const schema = one.schema ?? (type === undefined ? { type: "string" } : parameterSchema(type));
  const description = text ?? meaning.get(one.column);
  const isSeveral = operator === "in";
  return {
    name,
    in: one.in,
    required,
    ...(description ? { description } : {}),
    ...(isSeveral ? { style: "form", explode: false } : {}),
    schema: {
      ...(isSeveral ? { type: "array", items: schema } : schema),
      ...(otherwise === undefined ? {} : { default: isSeveral ? otherwise.split(",") : asValue(otherwise, schema) }),
    },
  };
}

/** A default as JSON has it: a number where it is one. */
function asValue(text: string, schema: Json): unknown {
  if (valueCheck(schema)(text) !== undefined) return text;
  if (schema.type === "integer" || schema.type === "number") return Number(text);
  return schema.type === "boolean" ? text === "true" : text;
}

function limitOf({ limit, most }: DeclaredEndpoint): Json {
  return {
    name: "limit",
    in: "query",
    description: "Rows of a page.",
    schema: { type: "integer", minimum: 1, maximum: most, default: limit },
  };
}

const COMMON: Json = {
  cursor: {
    name: "cursor",
    in: "query",
    description: "Where a page goes on: `next` of the page before has it, with everything else.",
    schema: { type: "string" },
  },
  release: {
    name: "release",
    in: "query",
    description: "A kept release that is read instead of the published one.",
    schema: { type: "integer", minimum: 1 },
  },
  numbers: {
    name: "numbers",
    in: "query",
    description: "`json`: numbers of any length as numbers, of which programs may lose digits; as texts otherwise.",
    schema: { enum: ["text", "json"], default: "text" },
  },
  format: {
    name: "format",
    in: "query",
    description: "In place of Accept. All but JSON are given whole, and take no `limit`.",
    schema: { enum: Object.keys(MEDIA_TYPES) },
  },
};

function headersOf({ released }: DeclaredEndpoint): Json {
  const header = (description: string) => ({ description, schema: { type: "string" } });
  return {
    Link: header('`<…>; rel="next"` where there are more rows'),
    ...(released
      ? { ETag: header("The same for the same release"), "dataform-release": header("The release of the rows") }
      : {}),
  };
}

function contentOf(endpoint: DeclaredEndpoint, source: Source | undefined, meaning: ReadonlyMap<string, string>): Json {
  const row = {
    type: "object",
    ...(source
      ? {
          required: source.cells.map(({ name }) => name),
          properties: Object.fromEntries(source.cells.map((cell) => [cell.name, columnSchema(cell, meaning)])),
        }
      : {}),
  };
  const page = {
    type: "object",
    required: ["data", "release", "truncated", "next"],
    properties: {
      data: { type: "array", items: row },
      release: { type: ["integer", "null"], description: "The release of all rows." },
      truncated: { type: "boolean", description: "Whether there are more rows." },
      next: { type: ["string", "null"], description: "The address of the next page." },
    },
  };
  const others = endpoint.stream ? (["ndjson", "csv", "parquet"] as const) : [];
  return {
    "application/json": { schema: page },
    ...Object.fromEntries(others.map((format) => [MEDIA_TYPES[format].split(";")[0]!, {}])),
  };
}

function columnSchema({ name, schema }: Cell, meaning: ReadonlyMap<string, string>): Json {
  const said = meaning.get(name);
  const { type } = schema as { readonly type?: string };
  return { ...schema, ...(type ? { type: [type, "null"] } : {}), ...(said ? { description: said } : {}) };
}

function problemContent(): Json {
  const kinds = Object.keys(TYPES).map((type) => `urn:dataform-postgres:problem:${type}`);
  return {
    "application/problem+json": {
      schema: {
        type: "object",
        required: ["type", "title", "status"],
        properties: {
          type: { enum: kinds },
          title: { type: "string" },
          status: { type: "integer" },
          detail: { type: "string" },
          instance: { type: "string" },
          errors: {
            type: "array",
            items: {
              type: "object",
              properties: { pointer: { type: "string" }, detail: { type: "string" } },
            },
          },
        },
      },
    },
  };
}
