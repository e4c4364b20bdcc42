import { UserError } from "../model/errors.ts";
import type { AuthDeclaration } from "../model/ingest.ts";
import { type Authorizer, createHttpReader, type HttpHooks, type HttpOptions, type HttpReader } from "./http.ts";
import { atPath } from "./json.ts";
import { checkHeader, formEncode, type Redactor } from "./redact.ts";
import type { Answer } from "./request.ts";

export type TokenHttp = Pick<HttpOptions, "key" | "retry" | "timeoutSeconds" | "redact"> & HttpHooks;

/** A token is renewed this long before it ends, or earlier by a quarter of a short life. */
const MARGIN_SECONDS = 60;
type OAuth2 = NonNullable<AuthDeclaration["oauth2"]>;
interface Token {
  readonly value: string;
  /** Milliseconds since 1970. */
  readonly until: number;
}

/** OAuth2 client credentials: a token that is fetched when it is needed, and again before it ends. */
export class ClientCredentials implements Authorizer {
  readonly subject: string;
  readonly hint: string;
  readonly #oauth2: OAuth2;
  readonly #redactor: Redactor;
  readonly #http: TokenHttp;
  #token: Token | undefined;
  /** How the client names itself: by the standard's way, or as some servers want it. */
  #inBody = false;

  constructor(oauth2: OAuth2, redactor: Redactor, http: TokenHttp) {
    this.#oauth2 = oauth2;
    this.#redactor = redactor;
    this.#http = http;
    this.subject = `the token that ${http.key}.auth.oauth2.tokenUrl gave`;
    this.hint = `check what the client in ${oauth2.clientSecret.variable} may do, and the scope`;
  }

  async headers(): Promise<Readonly<Record<string, string>>> {
    const now = (this.#http.now ?? Date.now)();
    if (!this.#token || now >= this.#token.until) this.#token = await this.#fetch(now);
    return { authorization: `Bearer ${this.#token.value}` };
  }

  renew(): boolean {
    this.#token = undefined;
    return true;
  }

  async #fetch(now: number): Promise<Token> {
    const reader = createHttpReader({ ...this.#http, policy: { trusted: [new URL(this.#oauth2.tokenUrl)] } });
    try {
      let answer = await this.#ask(reader, this.#inBody);
      if (answer.status === 400 || answer.status === 401) {
        const other = await this.#ask(reader, !this.#inBody);
        if (other.status === 200) {
          answer = other;
          this.#inBody = !this.#inBody;
        }
      }
      return this.#read(answer, reader, now);
    } finally {
      await reader.close();
    }
  }

  #ask(reader: HttpReader, inBody: boolean): Promise<Answer> {
    const { clientId, clientSecret, scope, tokenUrl } = this.#oauth2;
    const id = this.#redactor.reveal(clientId);
    const secret = this.#redactor.reveal(clientSecret);
    const pair = Buffer.from(`${formEncode(id)}:${formEncode(secret)}`).toString("base64");
    this.#redactor.add(pair, clientSecret.variable);
    const form = new URLSearchParams({ grant_type: "client_credentials" });
    if (scope !== undefined) form.set("scope", scope);
    if (inBody) {
      form.set("client_id", id);
      form.set("client_secret", secret);
    }
    const headers = {
      accept: "application/json",
      "content-type": "application/x-www-form-urlencoded",
      ...(inBody ? {} : { authorization: `Basic ${pair}` }),
    };
    const call = { url: new URL(tokenUrl), method: "POST", headers, body: form.toString() } as const;
    return reader.call(call, (answer) => answer);
  }

  #read(answer: Answer, reader: HttpReader, now: number): Token {
    const { status, url, body } = answer;
    const parsed = parsedJson(body);
    const value = atPath(parsed, "access_token");
    const type = atPath(parsed, "token_type") ?? "bearer";
    if (status === 200 && typeof value === "string" && value !== "" && String(type).toLowerCase() === "bearer") {
      this.#redactor.add(value, "access token");
      checkHeader(value, "the access token");
      const seconds = Number(atPath(parsed, "expires_in") ?? Number.POSITIVE_INFINITY);
      const margin = Math.min(MARGIN_SECONDS, seconds / 4);
      return { value, until: Number.isNaN(seconds) ? Number.POSITIVE_INFINITY : now + (seconds - margin) * 1000 };
    }
    // Only the standard's own words: the rest may hold a token.
    const words = [atPath(parsed, "error"), atPath(parsed, "error_description")].filter(Boolean).join(": ");
    throw new UserError({
      message: `${url.origin}${url.pathname} gives no token`,
      expected: "HTTP 200 with access_token, of the type Bearer",
      found: `HTTP ${status}${words === "" ? "" : `, ${reader.excerpt(words)}`}`,
      hint: `check ${this.#http.key}.auth.oauth2 and the environment variable ${this.#oauth2.clientSecret.variable}`,
      code: String(status),
      exitCode: 1,
    });
  }
}

function parsedJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    return undefined;
  }
}
