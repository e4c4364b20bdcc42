import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import { freePort } from "../../src/postgres/embedded/port.ts";

export interface TestApi {
  readonly url: string;
  /** Path and query of every request, in order. */
  readonly requests: string[];
}

export type Handler = (request: IncomingMessage, response: ServerResponse, number: number) => void;

/** A real HTTP server that answers as the test says and ends with it. `number` counts requests from 1. */
export async function startApi(handler: Handler): Promise<TestApi> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(request.url!);
    handler(request, response, requests.length);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}

export function sendJson(response: ServerResponse, body: unknown, status = 200, headers: object = {}): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(typeof body === "string" ? body : JSON.stringify(body));
}

/** Serves a growing list as a change feed: `since` inclusive by `updated_at`, `cursor` an offset, `limit` records a page. */
export function feed(records: () => readonly object[]): Handler {
  return (request, response) => {
    const query = new URL(request.url!, "http://x").searchParams;
    const since = query.get("since");
    const all = records().filter(
      (one) => since === null || Date.parse((one as { updated_at: string }).updated_at) >= Date.parse(since),
    );
    const offset = Number(query.get("cursor") ?? 0);
    const limit = Number(query.get("limit") ?? 100);
    const next = offset + limit < all.length ? String(offset + limit) : null;
    sendJson(response, { data: all.slice(offset, offset + limit), next_cursor: next, total: all.length });
  };
}

/** An address where nothing listens. */
export async function unusedUrl(): Promise<string> {
  return `http://127.0.0.1:${await freePort()}`;
}
