import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

// Answers as Metabase's own page of its API says (/api/docs); none was at hand to record it from.

interface MetabaseField {
  id: number;
  name: string;
  display_name: string;
  description: string | null;
  semantic_type: string | null;
  fk_target_field_id: number | null;
}

interface MetabaseTable {
  id: number;
  schema: string;
  name: string;
  description: string | null;
  visibility_type: string | null;
  fields: MetabaseField[];
}

export const KEY = "mb_a_key";

export interface PlayedMetabase {
  readonly url: string;
  readonly tables: MetabaseTable[];
  /** Every request that changes something: method, path and body. */
  readonly written: string[];
  version: string;
  close(): Promise<void>;
}

/** @param relations columns of each relation, as Metabase has synced them */
export async function playedMetabase(relations: Readonly<Record<string, readonly string[]>>): Promise<PlayedMetabase> {
  let ids = 0;
  const tables = Object.entries(relations).map(([key, columns]): MetabaseTable => {
    const [schema, name] = key.split(".") as [string, string];
    const fields = columns.map((column) => ({
      id: ++ids,
      name: column,
      display_name: column
        .split("_")
        .map((word) => (word === "id" ? "ID" : `${word[0]!.toUpperCase()}${word.slice(1)}`))
        .join(" "),
      description: null,
      semantic_type: column === "amount" ? "type/Quantity" : null,
      fk_target_field_id: null,
    }));
    return { id: ++ids, schema, name, description: null, visibility_type: null, fields };
  });
  const state: PlayedMetabase = { url: "", tables, written: [], version: "v0.58.3", close: async () => {} };

  const changed = (path: string, body: Record<string, unknown>): readonly [number, unknown] => {
    const [, kind, id] = /^\/api\/(table|field)(?:\/(\d+))?$/.exec(path) ?? [];
    const fields = tables.flatMap((table) => table.fields);
    if (kind === "table" && id === undefined) {
      const { ids: several, ...change } = body as { ids: number[] };
      return [200, tables.filter((table) => several.includes(table.id)).map((table) => Object.assign(table, change))];
    }
    const one =
      kind === "table"
        ? tables.find((table) => table.id === Number(id))
        : fields.find((field) => field.id === Number(id));
    if (!one) return [404, "Not found."];
    // It points at a key only, where the kind says that it points at something.
    const target = fields.find((field) => field.id === body.fk_target_field_id);
    if (body.semantic_type === "type/FK" && target?.semantic_type !== "type/PK") return [400, "Invalid target"];
    return [200, Object.assign(one, body)];
  };

  const server = createServer((request, response) => {
    const respond = async () => {
      const body = JSON.parse((await text(request)) || "{}") as Record<string, unknown>;
      const { pathname } = new URL(request.url!, "http://localhost");
      const send = (status: number, value: unknown) => {
        const isJson = typeof value !== "string";
        response.writeHead(status, { "content-type": isJson ? "application/json;charset=utf-8" : "text/plain" });
        response.end(isJson ? JSON.stringify(value) : value);
      };
      if (pathname === "/api/session/properties")
        return send(200, { version: { tag: state.version, date: "2026-01-01" } });
      if (request.headers["x-api-key"] !== KEY) return send(401, "Unauthenticated");
      if (pathname === "/api/user/current") return send(200, { id: 1, is_superuser: true });
      if (pathname === "/api/database")
        return send(200, { data: [{ id: 2, name: "Shop", engine: "postgres" }], total: 1 });
      if (pathname === "/api/database/2/metadata") return send(200, { id: 2, name: "Shop", tables });
      if (request.method === "GET") return send(404, "API endpoint does not exist.");
      state.written.push(`${request.method} ${pathname} ${JSON.stringify(body)}`);
      if (pathname === "/api/database/2/sync_schema") return send(200, { status: "ok" });
      send(...changed(pathname, body));
    };
    void respond();
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return Object.assign(state, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => new Promise<void>((done) => server.close(() => done())),
  });
}
