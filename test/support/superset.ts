import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

// Answers as Apache Superset 6.1.0 does, recorded from one; test/bi/superset-real.test.ts holds a real one against the same tests.

interface Column {
  id: number;
  column_name: string;
  description: string | null;
  verbose_name: string | null;
  extra: string | null;
  type: string;
  [key: string]: unknown;
}

/** A relation of the database behind it: what its columns are called, and their comments. */
export type Relations = Record<string, Record<string, string | null>>;

export const PASSWORD = "open sesame";

const invalid = (messages: object, payload: object) => ({
  errors: [
    {
      message: "The schema of the submitted payload is invalid.",
      error_type: "MARSHMALLOW_ERROR",
      level: "error",
      extra: {
        messages,
        payload,
        issue_codes: [{ code: 1040, message: "Issue 1040 - The submitted payload failed validation." }],
      },
    },
  ],
});
const NO_GUARD = {
  errors: [
    {
      message: "400 Bad Request: The CSRF token is missing.",
      error_type: "GENERIC_BACKEND_ERROR",
      level: "error",
      extra: { issue_codes: [{ code: 1011, message: "Issue 1011 - Superset encountered an unexpected error." }] },
    },
  ],
};
const PUT_KEYS =
  "always_filter_main_dttm cache_timeout catalog columns currency_code_column database_id default_endpoint description external_url extra fetch_values_predicate filter_select_enabled folders is_managed_externally is_sqllab_view main_dttm_col metrics normalize_columns offset owners schema sql table_name template_params uuid".split(
    " ",
  );
const COLUMN_KEYS =
  "advanced_data_type column_name datetime_format description expression extra filterable groupby id is_active is_dttm python_date_format type uuid verbose_name".split(
    " ",
  );
const METRIC_KEYS =
  "currency d3format description expression extra id metric_name metric_type uuid verbose_name warning_text".split(" ");

export interface Recorded {
  readonly url: string;
  readonly relations: Relations;
  /** Every request that changes something: method and path. */
  readonly written: string[];
  version: string;
  close(): Promise<void>;
}

export async function recordedSuperset(relations: Relations): Promise<Recorded> {
  let ids = 0;
  const now = "2026-11-29T14:34:52.146823";
  const fresh = (column_name: string, description: string | null): Column => ({
    advanced_data_type: null,
    changed_on: now,
    column_name,
    created_on: now,
    description,
    expression: null,
    extra: null,
    filterable: true,
    groupby: true,
    id: ++ids,
    is_active: true,
    is_dttm: false,
    python_date_format: null,
    type: "BIGINT",
    type_generic: 0,
    uuid: `0ee6afcb-511c-4f55-bb11-${String(ids).padStart(12, "0")}`,
    verbose_name: null,
  });
  const datasets: {
    id: number;
    schema: string;
    table_name: string;
    description: null;
    extra: null;
    columns: Column[];
    metrics: object[];
  }[] = [];
  const rights = ["_dataform", "public", "shop", "shop_staging", "raw"].map((schema, at) => ({
    id: 234 + at,
    view_menu: { name: `[shop].[shop].[${schema}]` },
    permission: { name: "schema_access" },
  }));
  let gamma = [3, 7, 238];
  const state: Recorded = { url: "", relations, written: [], version: "6.1.0", close: async () => {} };

  const list = (result: readonly object[]) => ({ count: result.length, ids: [], list_columns: [], result });
  /** As DatasetDAO.update_columns and its like: what has an id is changed, what has none is made, what is left out is deleted. */
  const replaced = <One extends { id: number }>(
    there: One[],
    given: readonly Partial<One>[],
    made: (one: Partial<One>) => One,
  ) => given.map((one) => (one.id === undefined ? made(one) : { ...there.find(({ id }) => id === one.id)!, ...one }));
  const put = (id: number, body: Record<string, unknown>): readonly [number, object] => {
    const dataset = datasets.find((one) => one.id === id);
    if (!dataset) return [404, { message: "Not found" }];
    const unknown = Object.keys(body).find((key) => !PUT_KEYS.includes(key));
    if (unknown) return [422, invalid({ [unknown]: ["Unknown field."] }, body)];
    for (const [list, keys] of [
      ["columns", COLUMN_KEYS],
      ["metrics", METRIC_KEYS],
    ] as const)
      for (const [at, one] of ((body[list] as object[]) ?? []).entries()) {
        const odd = Object.keys(one).find((key) => !keys.includes(key));
        if (odd) return [422, invalid({ [list]: { [at]: { [odd]: ["Unknown field."] } } }, body)];
      }
    const { columns, metrics, ...rest } = body as { columns?: Partial<Column>[]; metrics?: { id: number }[] };
    Object.assign(dataset, rest);
    if (columns)
      dataset.columns = replaced(dataset.columns, columns, (one) => ({ ...fresh(one.column_name!, null), ...one }));
    if (metrics)
      dataset.metrics = replaced(
        dataset.metrics as { id: number }[],
        metrics,
        (one) => ({ ...one, id: ++ids }) as { id: number },
      );
    return [200, { id, result: body }];
  };

  const answer = (method: string, path: string, body: Record<string, unknown>): readonly [number, unknown] => {
    const [, id] = /\/dataset\/(\d+)/.exec(path) ?? [];
    const dataset = datasets.find((one) => one.id === Number(id));
    if (path === "/version") return [200, { build_number: null, version_sha: "", version_string: state.version }];
    if (method === "GET" && path === "/api/v1/database/")
      return [200, list([{ id: 1, database_name: "shop", backend: "postgresql" }])];
    if (method === "GET" && path === "/api/v1/dataset/")
      return [200, list(datasets.map(({ id, schema, table_name }) => ({ id, schema, table_name, kind: "physical" })))];
    if (method === "GET" && id)
      return dataset ? [200, { id: dataset.id, result: dataset }] : [404, { message: "Not found" }];
    if (method === "PUT" && dataset && path.endsWith("/refresh")) {
      const comments = relations[`${dataset.schema}.${dataset.table_name}`]!;
      // The comment takes the place of whatever was typed; what else is said of a column stays.
      dataset.columns = Object.entries(comments).map(([name, comment]) => {
        const there = dataset.columns.find(({ column_name }) => column_name === name) ?? fresh(name, comment);
        return { ...there, description: comment ?? there.description };
      });
      return [200, { message: "OK" }];
    }
    if (method === "PUT" && id) return put(Number(id), body);
    if (method === "POST" && path === "/api/v1/dataset/") {
      const { schema, table_name } = body as { schema: string; table_name: string };
      const columns = relations[`${schema}.${table_name}`];
      if (!columns)
        return [
          422,
          {
            message: {
              table: [
                `Table [shop.${schema}.${table_name}] could not be found, please double check your database connection, schema, and table name`,
              ],
            },
          },
        ];
      if (datasets.some((one) => one.schema === schema && one.table_name === table_name))
        return [422, { message: { table: [`Dataset shop.${schema}.${table_name} already exists`] } }];
      const made = {
        id: ++ids,
        schema,
        table_name,
        description: null,
        extra: null,
        columns: Object.entries(columns).map(([name, comment]) => fresh(name, comment)),
        metrics: [
          {
            id: ++ids,
            metric_name: "count",
            expression: "COUNT(*)",
            verbose_name: "COUNT(*)",
            description: null,
            extra: null,
            currency: null,
            changed_on: now,
            metric_type: "count",
          },
        ],
      };
      datasets.push(made);
      return [201, { id: made.id, data: made, result: body }];
    }
    if (path === "/api/v1/security/roles/")
      return [
        200,
        list([
          { id: 1, name: "Admin" },
          { id: 4, name: "Gamma" },
        ]),
      ];
    if (path === "/api/v1/security/roles/4/permissions/")
      return [
        200,
        {
          result: gamma.map((one) => ({
            id: one,
            permission_name: one > 200 ? "schema_access" : "can_read",
            view_menu_name: rights.find((right) => right.id === one)?.view_menu.name ?? "Chart",
          })),
        },
      ];
    if (method === "POST" && path === "/api/v1/security/roles/4/permissions") {
      gamma = body.permission_view_menu_ids as number[];
      return [200, { result: body }];
    }
    if (path === "/api/v1/security/permissions/") return [200, list([{ id: 91, name: "schema_access" }])];
    if (path === "/api/v1/security/permissions-resources/") return [200, list(rights)];
    return [404, "<html>404</html>"];
  };

  const respond = async (request: IncomingMessage, response: ServerResponse) => {
    const body = JSON.parse((await text(request)) || "{}") as Record<string, unknown>;
    const method = request.method!;
    const { pathname } = new URL(request.url!, "http://localhost");
    const send = (status: number, value: unknown, headers: Record<string, string> = {}) => {
      const isJson = typeof value !== "string";
      response.writeHead(status, {
        "content-type": isJson ? "application/json; charset=utf-8" : "text/html",
        ...headers,
      });
      response.end(isJson ? JSON.stringify(value) : value);
    };
    if (!/^\/(?:api\/v1\/|version$)/.test(pathname))
      return send(404, "<!doctype html><title>404: Page not found</title>");
    if (pathname === "/api/v1/security/login")
      return body.password === PASSWORD
        ? send(200, { access_token: "a token" })
        : send(401, { message: "Not authorized" });
    if (pathname !== "/version" && request.headers.authorization !== "Bearer a token")
      return send(401, { msg: "Missing Authorization Header" });
    if (pathname === "/api/v1/security/csrf_token/")
      return send(200, { result: "a guard" }, { "set-cookie": "session=kept; HttpOnly; Path=/; SameSite=Lax" });
    const isGuarded = request.headers["x-csrftoken"] === "a guard" && request.headers.cookie === "session=kept";
    if (method !== "GET" && !isGuarded) return send(400, NO_GUARD);
    if (method !== "GET") state.written.push(`${method} ${pathname}`);
    send(...answer(method, pathname, body));
  };
  const server = createServer((request, response) => void respond(request, response));
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return Object.assign(state, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => new Promise<void>((done) => server.close(() => done())),
  });
}
