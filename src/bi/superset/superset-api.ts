import { UserError } from "../../model/errors.ts";
import { type Asking, ToolApi } from "../http.ts";
import type { Dataset } from "./dataset.ts";

/** Older versions take no comments of columns by themselves, and were not tried. */
const OLDEST = 5;

export interface DatasetEntry {
  readonly id: number;
  readonly schema: string | null;
  readonly table_name: string;
  readonly kind: string;
}

interface Listed<Value> {
  readonly count: number;
  readonly result: readonly Value[];
}

const PAGE = 100;

/** Apache Superset's REST API, as an administrator. */
export class Superset {
  readonly api: ToolApi;
  readonly version: string;

  private constructor(api: ToolApi, version: string) {
    this.api = api;
    this.version = version;
  }

  /** @throws UserError for a wrong address, a wrong login, and a tool that is too old */
  static async open(
    address: string,
    login: { readonly user: string; readonly password: string },
    signal?: AbortSignal,
  ): Promise<Superset> {
    const api = new ToolApi("Superset", address, signal);
    const answer = await api.ask("/api/v1/security/login", {
      method: "POST",
      body: { username: login.user, password: login.password, provider: "db", refresh: false },
    });
    if (answer.status === 401)
      throw new UserError({
        message: `Superset at ${api.address} does not let ${login.user} in`,
        expected: "a user of its own database who may edit datasets, and the right password",
        found: "401",
        hint: "--user names the user, SUPERSET_PASSWORD has the password",
        code: "401",
      });
    const token = (answer.json as { access_token?: string } | undefined)?.access_token;
    if (token === undefined) throw api.refused("POST /api/v1/security/login", answer);
    api.headers = { authorization: `Bearer ${token}` };
    const csrf = await api.ask("/api/v1/security/csrf_token/");
    const guard = (csrf.json as { result?: string } | undefined)?.result;
    const cookies = csrf.headers.getSetCookie().map((cookie) => cookie.split(";")[0]!);
    if (guard !== undefined)
      api.headers = { ...api.headers, "x-csrftoken": guard, referer: api.address, cookie: cookies.join("; ") };
    return new Superset(api, await versionOf(api));
  }

  databases(): Promise<readonly { readonly id: number; readonly database_name: string; readonly backend: string }[]> {
    return this.#all("/api/v1/database/");
  }

  datasets(database: number): Promise<readonly DatasetEntry[]> {
    return this.#all("/api/v1/dataset/", `filters:!((col:database,opr:rel_o_m,value:${database}))`);
  }

  async dataset(id: number): Promise<Dataset> {
    return (await this.api.json<{ result: Dataset }>(`/api/v1/dataset/${id}`)).result;
  }

  async put(path: string, asking: Asking = {}): Promise<void> {
    await this.api.json(path, { method: "PUT", ...asking });
  }

  /** Undefined where there is no such relation, or the tool's login may not read it. */
  async create(database: number, schema: string, name: string): Promise<number | undefined> {
    const body = { database, schema, table_name: name };
    const answer = await this.api.ask("/api/v1/dataset/", { method: "POST", body });
    if (answer.status === 201) return (answer.json as { id: number }).id;
    if (answer.status === 422 && /could not be found/.test(answer.text)) return undefined;
    throw this.api.refused("POST /api/v1/dataset/", answer);
  }

  roles(): Promise<readonly { readonly id: number; readonly name: string }[]> {
    return this.#all("/api/v1/security/roles/");
  }

  async rightsOf(role: number): Promise<readonly { id: number; permission_name: string; view_menu_name: string }[]> {
    type Rights = { result: readonly { id: number; permission_name: string; view_menu_name: string }[] };
    return (await this.api.json<Rights>(`/api/v1/security/roles/${role}/permissions/`)).result;
  }

  /** Every right to a schema that there is, by the name of what it is about: `[database].[catalog].[schema]`. */
  async schemaRights(): Promise<ReadonlyMap<string, number>> {
    const [access] = await this.#all<{ id: number }>(
      "/api/v1/security/permissions/",
      "filters:!((col:name,opr:eq,value:schema_access))",
    );
    const rights = await this.#all<{ id: number; view_menu: { name: string } }>(
      "/api/v1/security/permissions-resources/",
      `filters:!((col:permission,opr:rel_o_m,value:${access?.id ?? 0}))`,
    );
    return new Map(rights.map(({ id, view_menu }) => [view_menu.name, id]));
  }

  /** The whole list: what is left out is taken away. */
  async setRights(role: number, ids: readonly number[]): Promise<void> {
    const path = `/api/v1/security/roles/${role}/permissions`;
    await this.api.json(path, { method: "POST", body: { permission_view_menu_ids: ids } });
  }

  async #all<Value>(path: string, filter = ""): Promise<readonly Value[]> {
    const found: Value[] = [];
    for (let page = 0; ; page++) {
      const q = `(${filter ? `${filter},` : ""}page:${page},page_size:${PAGE})`;
      const { count, result } = await this.api.json<Listed<Value>>(`${path}?q=${encodeURIComponent(q)}`);
      found.push(...result);
      if (!result.length || found.length >= count) return found;
    }
  }
}

async function versionOf(api: ToolApi): Promise<string> {
  const { json } = await api.ask("/version");
  const version = (json as { version_string?: string } | undefined)?.version_string ?? "";
  const major = Number.parseInt(version, 10);
  // A build of one's own may say nothing, or 0.0.0-dev.
  if (!Number.isFinite(major) || major === 0 || major >= OLDEST) return version || "unknown";
  throw new UserError({
    message: `Superset at ${api.address} is too old`,
    expected: `version ${OLDEST} or newer`,
    found: version,
    hint: "upgrade it",
  });
}
