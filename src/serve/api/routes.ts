import type { OutgoingHttpHeaders } from "node:http";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { DeclaredEndpoint } from "../../model/api.ts";
import { markStream } from "../metrics-page.ts";
import { ENDING, encodingOf, formatOf, MEDIA_TYPES, VARY } from "./negotiate.ts";
import type { Read } from "./parameters.ts";
import { Problem } from "./problem.ts";
import type { ReadApi } from "./read-api.ts";
import { signatureOf } from "./repeats.ts";
import { type StreamFormat, send } from "./streams.ts";

/**
 * Whether somebody may ask for something. The signal, where there is one, comes when they may no longer.
 * @throws Problem where not
 */
export type Gate = (
  request: FastifyRequest,
  endpoint: DeclaredEndpoint,
) => AbortSignal | undefined | Promise<AbortSignal | undefined>;

type Query = Record<string, string | string[] | undefined>;
type Request = FastifyRequest<{ Params: Record<string, string>; Querystring: Query }>;

/** Answers each endpoint at its address, in the format that its ending, its query or `Accept` names. */
export function addEndpoints(server: FastifyInstance, api: ReadApi, gate: Gate): void {
  for (const endpoint of api.endpoints) {
    const last = endpoint.parameters.find(({ name }) => endpoint.path.endsWith(`{${name}}`));
    const path = endpoint.path.replace(/\{([^}]*)\}/g, ":$1");
    const handler = (request: Request, reply: FastifyReply) =>
      answer(request, reply, { endpoint, api, gate, last: last?.name });
    const config = { kind: "page", endpoint: endpoint.path };
    server.get(path, { config }, handler);
    // One that ends in a parameter has the ending in its value.
    if (!last) for (const ending of Object.keys(MEDIA_TYPES)) server.get(`${path}.${ending}`, { config }, handler);
  }
}

interface Route {
  readonly endpoint: DeclaredEndpoint;
  readonly api: ReadApi;
  readonly gate: Gate;
  /** The parameter that the path ends in. */
  readonly last: string | undefined;
}

async function answer(request: Request, reply: FastifyReply, { endpoint, api, gate, last }: Route): Promise<unknown> {
  const revoked = await gate(request, endpoint);
  const { format: said, ...query } = request.query;
  const [address = "", search = ""] = request.url.split("?");
  const ending = ENDING.exec(address)?.[1];
  const params =
    ending && last ? { ...request.params, [last]: request.params[last]!.slice(0, -1 - ending.length) } : request.params;
  const format = formatOf(request.headers.accept, said ?? ending);
  const read = await api.read(endpoint, params, query);
  if (format !== "json") return stream(request, reply, { endpoint, api, read, format, revoked });
  const { headers } = request;
  const {
    status,
    headers: own,
    body,
    again,
  } = await api.page({
    endpoint,
    read,
    address,
    query: withoutCursor(search),
    ifNoneMatch: headers["if-none-match"],
    encoding: encodingOf(headers["accept-encoding"]),
    noCache: headers["cache-control"] !== undefined && /\bno-cache\b/.test(headers["cache-control"]),
  });
  reply.code(status).headers(own);
  const signature = again && signatureOf(request.raw);
  if (signature !== undefined)
    api.answered(signature, {
      ...again!,
      endpoint,
      status,
      headers: { ...reply.getHeaders() } as OutgoingHttpHeaders,
      body,
    });
  return reply.send(body);
}

function withoutCursor(search: string): string {
  if (!search.includes("cursor=")) return search;
  return search
    .split("&")
    .filter((part) => !part.startsWith("cursor="))
    .join("&");
}

/** A page says that it is cut and where it goes on; what has no room for that is given whole. */
async function stream(
  request: Request,
  reply: FastifyReply,
  {
    endpoint,
    api,
    read,
    format,
    revoked,
  }: Pick<Route, "endpoint" | "api"> & {
    readonly read: Read;
    readonly format: StreamFormat;
    readonly revoked: AbortSignal | undefined;
  },
): Promise<unknown> {
  if (!endpoint.stream) throw new Problem("not-acceptable", { detail: "this address answers pages of JSON only" });
  for (const name of ["limit", "cursor"])
    if (request.query[name] !== undefined) {
      const detail = `${name} is for pages of JSON: ${format} is given whole`;
      throw new Problem("invalid-request", { detail, errors: [{ pointer: `/query/${name}`, detail }] });
    }
  markStream(request);
  const packed = format !== "parquet" && encodingOf(request.headers["accept-encoding"]) !== "identity";
  await api.rows(endpoint, read, format, async ({ release, bytes, late, patience }) => {
    reply.hijack();
    const { raw } = reply;
    raw.writeHead(200, {
      ...(reply.getHeaders() as Record<string, string>),
      "content-type": MEDIA_TYPES[format],
      "cache-control": `${endpoint.access === "public" ? "public" : "private"}, no-store`,
      vary: VARY,
      ...(release === null ? {} : { "dataform-release": String(release) }),
      ...(packed ? { "content-encoding": "gzip" } : {}),
    });
    if (request.method === "HEAD") return void raw.end();
    const signal = revoked ? AbortSignal.any([revoked, late]) : late;
    await send(raw, bytes, { format, packed, patience, signal });
  });
  return reply;
}
