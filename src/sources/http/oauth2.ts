import type { AuthDeclaration, Secret } from "../../model/declarations.ts";
import { UserError } from "../../model/errors.ts";
import { atPath } from "../json/document.ts";
import { TokenSeal } from "./kept-token.ts";
import { type Authorizer, createHttpReader, type HttpHooks, type HttpOptions, type HttpReader } from "./reader.ts";
import { checkHeader, formEncode, type Redactor } from "./redact.ts";
import type { Answer } from "./request.ts";

export type TokenHttp = Pick<HttpOptions, "key" | "retry" | "timeoutSeconds" | "redact"> & HttpHooks;

/** A token is renewed this long before it ends, or earlier by a quarter of a short life. */
const MARGIN_SECONDS = 60;
/** A refresh token that ends within this time is told of. */
const SOON_DAYS = 14;
const DAY_SECONDS = 86_400;

type OAuth2 = NonNullable<AuthDeclaration["oauth2"]>;
interface Token {
  readonly value: string;
  /** Milliseconds since 1970. */
  readonly until: number;
}

/** What all readers of one declaration have in common. */
interface Client {
  token?: Token | undefined;
  /** The request for a token that is on its way: whoever needs one meanwhile waits for it. */
  pending?: Promise<Token> | undefined;
  /** A refresh token that the server gave in place of the declared one. */
  replaced?: string;
  /** What was kept when that was given: kept still, keeping the new one has failed, and the one that is kept is used up. */
  givenOver?: { readonly kept: string | undefined };
  /** How the client names itself: by the standard's way, or as some servers want it. */
  inBody: boolean;
}

// A server that replaces refresh tokens takes each of them once: the streams of a source must not each begin with the first.
const clients = new WeakMap<OAuth2, Client>();

/** OAuth2: an access token that is fetched when it is needed, and again before it ends. */
export class OAuth2Tokens implements Authorizer {
  readonly subject: string;
  readonly hint: string;
  readonly #oauth2: OAuth2;
  readonly #redactor: Redactor;
  readonly #http: TokenHttp;
  readonly #client: Client;
  /** The token of the last request. */
  #sent: string | undefined;

  constructor(oauth2: OAuth2, redactor: Redactor, http: TokenHttp) {
    this.#oauth2 = oauth2;
    this.#redactor = redactor;
    this.#http = http;
    this.#client = clients.get(oauth2) ?? { inBody: false };
    clients.set(oauth2, this.#client);
    const { clientSecret, refreshToken } = oauth2;
    redactor.reveal(clientSecret);
    if (refreshToken) redactor.reveal(refreshToken);
    this.subject = `the token that ${http.key}.auth.oauth2.tokenUrl gave`;
    this.hint = refreshToken
      ? `check what the user may do who gave the refresh token in ${refreshToken.variable}, and the scope`
      : `check what the client in ${clientSecret.variable} may do, and the scope`;
  }

  async headers(): Promise<Readonly<Record<string, string>>> {
    const client = this.#client;
    const now = (this.#http.now ?? Date.now)();
    const token = client.token && now < client.token.until ? client.token : await this.#renewed(now);
    this.#sent = token.value;
    this.#redactor.add(this.#sent, "access token");
    if (client.replaced !== undefined) this.#redactor.add(client.replaced, "refresh token");
    return { authorization: `Bearer ${this.#sent}` };
  }

  renew(): boolean {
    // Another request may have been refused with the same token, and renewed it meanwhile.
    if (this.#client.token?.value === this.#sent) this.#client.token = undefined;
    return true;
  }

  #renewed(now: number): Promise<Token> {
    const client = this.#client;
    client.pending ??= this.#fetch(now)
      .then((token) => {
        client.token = token;
        return token;
      })
      .finally(() => {
        client.pending = undefined;
      });
    return client.pending;
  }

  async #fetch(now: number): Promise<Token> {
    const reader = createHttpReader({ ...this.#http, policy: { trusted: [new URL(this.#oauth2.tokenUrl)] } });
    try {
      return this.#read(await this.#exchanged(reader), reader, now);
    } finally {
      await reader.close();
    }
  }

  /** With the refresh token that was kept last, where they are kept; the one that the answer gives in its place is kept at once. */
  #exchanged(reader: HttpReader): Promise<Answer> {
    const { tokenUrl, clientId, refreshToken } = this.#oauth2;
    const { tokens } = this.#http;
    if (!refreshToken || !tokens) return this.#answered(reader);
    const seal = new TokenSeal(this.#redactor.reveal(refreshToken).trim(), [tokenUrl, this.#redactor.reveal(clientId)]);
    const client = this.#client;
    return tokens.exchange(seal.id, async (kept) => {
      const isUsedUp = client.givenOver !== undefined && client.givenOver.kept === kept;
      const last = kept === undefined || isUsedUp ? undefined : seal.open(kept);
      if (last !== undefined) {
        client.replaced = last;
        this.#redactor.add(last, "refresh token");
      }
      const result = await this.#answered(reader);
      const given = this.#given(result, refreshToken);
      if (given !== undefined) {
        client.replaced = given;
        client.givenOver = { kept };
        this.#redactor.add(given, "refresh token");
      }
      const keep = given ?? (isUsedUp ? client.replaced : undefined);
      return { result, keep: keep === undefined ? undefined : seal.seal(keep) };
    });
  }

  async #answered(reader: HttpReader): Promise<Answer> {
    const client = this.#client;
    const answer = await this.#ask(reader, client.inBody);
    if (answer.status !== 400 && answer.status !== 401) return answer;
    const other = await this.#ask(reader, !client.inBody);
    if (other.status !== 200 && !(isAboutClient(answer) && !isAboutClient(other))) return answer;
    client.inBody = !client.inBody;
    return other;
  }

  /** The refresh token that an answer gives in place of the one it was asked with. */
  #given({ status, body }: Answer, refreshToken: Secret): string | undefined {
    const given = status === 200 ? atPath(parsedJson(body), "refresh_token") : undefined;
    const sent = this.#client.replaced ?? this.#redactor.reveal(refreshToken).trim();
    return typeof given === "string" && given !== "" && given !== sent ? given : undefined;
  }

  #ask(reader: HttpReader, inBody: boolean): Promise<Answer> {
    const { clientId, clientSecret, refreshToken, scope, tokenUrl } = this.#oauth2;
    const id = this.#redactor.reveal(clientId);
    const secret = this.#redactor.reveal(clientSecret);
    const pair = Buffer.from(`${formEncode(id)}:${formEncode(secret)}`).toString("base64");
    this.#redactor.add(pair, clientSecret.variable);
    const form = new URLSearchParams({ grant_type: refreshToken ? "refresh_token" : "client_credentials" });
    if (refreshToken) form.set("refresh_token", this.#client.replaced ?? this.#redactor.reveal(refreshToken).trim());
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
    const { clientSecret, refreshToken } = this.#oauth2;
    if (status === 200 && typeof value === "string" && value !== "" && String(type).toLowerCase() === "bearer") {
      this.#redactor.add(value, "access token");
      checkHeader(value, "the access token");
      if (refreshToken) this.#follow(answer, parsed, refreshToken);
      const seconds = Number(atPath(parsed, "expires_in") ?? Number.POSITIVE_INFINITY);
      const margin = Math.min(MARGIN_SECONDS, seconds / 4);
      return { value, until: Number.isNaN(seconds) ? Number.POSITIVE_INFINITY : now + (seconds - margin) * 1000 };
    }
    // Only the standard's own words: the rest may hold a token.
    const error = atPath(parsed, "error");
    const words = [error, atPath(parsed, "error_description")].filter(Boolean).join(": ");
    throw new UserError({
      message: `${url.origin}${url.pathname} gives no token`,
      expected: "HTTP 200 with access_token, of the type Bearer",
      found: `HTTP ${status}${words === "" ? "" : `, ${reader.excerpt(words)}`}`,
      hint:
        refreshToken && error === "invalid_grant"
          ? `the refresh token has ended, was taken back or replaced by a newer one: put a new one into ${refreshToken.variable}`
          : `check ${this.#http.key}.auth.oauth2 and the environment variable ${clientSecret.variable}`,
      code: String(status),
      exitCode: 1,
    });
  }

  /** What the answer says about the refresh token itself: that it was replaced, or ends soon. */
  #follow(answer: Answer, parsed: unknown, refreshToken: Secret): void {
    const { variable } = refreshToken;
    const given = this.#given(answer, refreshToken);
    const isFirst = this.#client.replaced === undefined;
    if (given !== undefined) {
      this.#client.replaced = given;
      this.#redactor.add(given, "refresh token");
      if (isFirst && !this.#http.tokens) this.#http.onWarning?.(replacedWarning(answer.url.host, variable));
    }
    const seconds = Number(atPath(parsed, "refresh_token_expires_in") ?? Number.NaN);
    if (this.#client.replaced === undefined && seconds < SOON_DAYS * DAY_SECONDS) {
      const days = Math.max(0, Math.floor(seconds / DAY_SECONDS));
      this.#http.onWarning?.(`the refresh token in ${variable} ends in ${days} days: put a new one there before`);
    }
  }
}

function replacedWarning(host: string, variable: string): string {
  return (
    `${host} replaced the refresh token in ${variable}. This reading goes on with the new one and then forgets it, because an ` +
    `environment variable cannot be written; a load keeps it. If the old one no longer counts, the next one fails: put a new one into ${variable}`
  );
}

/** Whether an error says that the client is not known, rather than that its grant is bad. */
function isAboutClient({ body }: Answer): boolean {
  const error = atPath(parsedJson(body), "error");
  return error === undefined || error === "invalid_client" || error === "invalid_request";
}

function parsedJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    return undefined;
  }
}
