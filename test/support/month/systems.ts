import type { IncomingMessage, ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { expect } from "vitest";
import { sendJson, startApi } from "../ingest-api.ts";
import { type AdDay, adsOf, type Customer, customersAt, dateOf } from "./world.ts";

/** The systems of others on a day: an API of customers that fails as told, and one of ads. */
export interface Systems {
  readonly url: string;
  /** What they say from now on is of this day. */
  begin(day: number): void;
  /** The next answers of the customers' API are these, before it works again. */
  failWith(...faults: readonly Fault[]): void;
  /** From now on customers are told to who has a token only. Returns the first refresh token; each is good once. */
  askForTokens(): string;
}

type Fault = "500" | "429" | "cut" | "html";

const faults: Readonly<Record<Fault, (response: ServerResponse) => void>> = {
  500: (response) => sendJson(response, { error: "try later" }, 500, { "retry-after": "0" }),
  429: (response) => sendJson(response, { error: "slowly" }, 429, { "retry-after": "0" }),
  cut: (response) => {
    response.writeHead(200, { "content-type": "application/json", "content-length": "100000" });
    response.write('{"data": [');
    setImmediate(() => response.destroy());
  },
  html: (response) => {
    response.writeHead(200, { "content-type": "text/html" });
    response.end("<html><body>Maintenance until 7</body></html>");
  },
};

const LIMIT = 15;

export async function openSystems(): Promise<Systems> {
  let day = 1;
  const waiting: Fault[] = [];
  /** The one refresh token that is good, and the access tokens given for those before it. */
  const tokens = { asked: false, refresh: "", access: new Set<string>(), given: 0 };
  const give = () => {
    tokens.refresh = `refresh-${++tokens.given}`;
    return tokens.refresh;
  };
  const { url } = await startApi((request, response) => {
    const asked = new URL(request.url!, "http://x");
    if (asked.pathname === "/ads") return sendJson(response, ads(asked.searchParams, day));
    if (asked.pathname === "/token") return exchange(request, response, tokens, give);
    const bearer = request.headers.authorization?.replace("Bearer ", "") ?? "";
    if (tokens.asked && !tokens.access.has(bearer)) return sendJson(response, { error: "no token" }, 401);
    const fault = waiting.shift();
    if (fault) return faults[fault](response);
    sendJson(response, customers(asked.searchParams, day));
  });
  return {
    url,
    begin: (next) => {
      expect(waiting, `faults of day ${day} that nobody met`).toEqual([]);
      day = next;
    },
    failWith: (...next) => void waiting.push(...next),
    askForTokens: () => {
      tokens.asked = true;
      return give();
    },
  };
}

interface Tokens {
  readonly refresh: string;
  readonly access: Set<string>;
}

async function exchange(
  request: IncomingMessage,
  response: ServerResponse,
  { refresh, access }: Tokens,
  give: () => string,
): Promise<void> {
  const form = new URLSearchParams(await text(request));
  if (form.get("refresh_token") !== refresh) return sendJson(response, { error: "invalid_grant" }, 400);
  const token = `access for ${refresh}`.replaceAll(" ", "-");
  access.add(token);
  sendJson(response, { access_token: token, token_type: "Bearer", expires_in: 3600, refresh_token: give() });
}

function customers(query: URLSearchParams, day: number): object {
  const since = query.get("since");
  const changed: Customer[] = customersAt(day)
    .filter(({ updated_at }) => !since || Date.parse(updated_at) >= Date.parse(since))
    .sort((a, b) => a.updated_at.localeCompare(b.updated_at));
  const offset = Number(query.get("cursor") ?? 0);
  const next = offset + LIMIT < changed.length ? String(offset + LIMIT) : null;
  return { data: changed.slice(offset, offset + LIMIT), next, total: changed.length };
}

function ads(query: URLSearchParams, saidOn: number): AdDay[] {
  const days: AdDay[] = [];
  for (let day = saidOn; dateOf(day) >= query.get("from")!; day--)
    if (dateOf(day) <= query.get("to")!) days.push(...adsOf(day, saidOn));
  return days;
}
