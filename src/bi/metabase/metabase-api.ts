import { UserError } from "../../model/errors.ts";
import { type Answer, ToolApi } from "../http.ts";

/** The first version with keys for its API. */
const OLDEST = 49;

interface Field {
  readonly id: number;
  readonly name: string;
  readonly display_name: string | null;
  readonly description: string | null;
  readonly semantic_type: string | null;
  readonly fk_target_field_id: number | null;
}

export interface Table {
  readonly id: number;
  readonly schema: string | null;
  readonly name: string;
  readonly description: string | null;
  readonly visibility_type: string | null;
  readonly fields: readonly Field[];
}

interface Database {
  readonly id: number;
  readonly name: string;
  readonly engine: string;
}

/** Metabase's REST API, by a key of an administrator. */
export class Metabase {
  readonly api: ToolApi;
  readonly version: string;

  private constructor(api: ToolApi, version: string) {
    this.api = api;
    this.version = version;
  }

  /** @throws UserError for a wrong address, a wrong key, and a tool that is too old */
  static async open(address: string, key: string, signal?: AbortSignal): Promise<Metabase> {
    const api = new ToolApi("Metabase", address, signal);
    const version = versionIn(api, await api.ask("/api/session/properties"));
    api.headers = { "x-api-key": key };
    const answer = await api.ask("/api/user/current");
    if (answer.status === 200) return new Metabase(api, version);
    if (answer.status !== 401 && answer.status !== 403) throw api.refused("GET /api/user/current", answer);
    throw new UserError({
      message: `Metabase at ${api.address} does not take the key`,
      expected: "a key of the group Administrators, in METABASE_API_KEY",
      found: String(answer.status),
      hint: "make one in Metabase: Admin settings, Authentication, API keys",
      code: String(answer.status),
    });
  }

  async databases(): Promise<readonly Database[]> {
    const all = await this.api.json<readonly Database[] | { readonly data: readonly Database[] }>("/api/database");
    return "data" in all ? all.data : all;
  }

  async tables(database: number): Promise<readonly Table[]> {
    const path = `/api/database/${database}/metadata?include_hidden=true`;
    return (await this.api.json<{ readonly tables: readonly Table[] }>(path)).tables;
  }

  /** Has it look at the schema anew; it answers before it has. */
  async sync(database: number): Promise<void> {
    await this.#send("POST", `/api/database/${database}/sync_schema`, {});
  }

  async table(id: number, change: Readonly<Record<string, unknown>>): Promise<void> {
    await this.#send("PUT", `/api/table/${id}`, change);
  }

  /** Several tables of one kind at once. */
  async hide(ids: readonly number[]): Promise<void> {
    await this.#send("PUT", "/api/table", { ids, visibility_type: "hidden" });
  }

  async field(id: number, change: Readonly<Record<string, unknown>>): Promise<void> {
    await this.#send("PUT", `/api/field/${id}`, change);
  }

  /** Some of what is done is answered with nothing. */
  async #send(method: "POST" | "PUT", path: string, body: unknown): Promise<void> {
    const answer = await this.api.ask(path, { method, body });
    if (answer.status < 200 || answer.status >= 300) throw this.api.refused(`${method} ${path}`, answer);
  }
}

function versionIn(api: ToolApi, answer: Answer): string {
  const tag = (answer.json as { version?: { tag?: string } } | undefined)?.version?.tag;
  if (tag === undefined) throw api.refused("GET /api/session/properties", answer);
  // v0.50.3, and v1.50.3 of the edition that is paid for; a build of one's own is called otherwise.
  const major = /^v?[01]\.(\d+)/.exec(tag)?.[1];
  if (major === undefined || Number(major) >= OLDEST) return tag;
  throw new UserError({
    message: `Metabase at ${api.address} is too old`,
    expected: `version 0.${OLDEST} or newer, which has keys for its API`,
    found: tag,
    hint: "upgrade it",
  });
}
