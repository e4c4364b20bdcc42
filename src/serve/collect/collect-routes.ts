import { isUtf8 } from "node:buffer";
import type { IncomingMessage } from "node:http";
import { promisify } from "node:util";
import { brotliDecompress, gunzip, inflate } from "node:zlib";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Outcome } from "../../collect/arrived.ts";
import { type Collector, NotTaken } from "../../collect/collector.ts";
import { MOST_EVENTS, readRequest, type SentEvents, TooManyEvents } from "../../collect/request.ts";
import { Problem } from "../api/problem.ts";
import { Held, readBody } from "./body.ts";

/**
 * Who sends, by the name of their key.
 * @param said a key that stands in the address or the body
 * @throws Problem where they may not
 */
export type SenderGate = (request: FastifyRequest, scope: string, said: string | undefined) => Promise<string>;

/** Where a source takes its events. */
export function collectPath({ source: { source } }: Pick<Collector, "source">): string {
  return `/${source}`;
}

/** Bodies that are read: a page's beacon is text/plain. */
const READ = ["application/json", "text/plain", "application/x-ndjson", "application/ndjson", "application/jsonl"];

/** Takes the events of a source at its address. */
export function addCollector(server: FastifyInstance, collector: Collector, gate: SenderGate): void {
  const path = collectPath(collector);
  const { maxRequestBytes } = collector.source.connector;
  server.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addHook("onError", (_request, _reply, error, done) => {
      collector.refused(error instanceof Problem ? error.type : "internal-error");
      done();
    });
    scope.addContentTypeParser(READ, (request: FastifyRequest, body: IncomingMessage) =>
      readBody(request, body, maxRequestBytes),
    );
    const options = { config: { kind: "collect" }, bodyLimit: maxRequestBytes, onRequest: refuseEarly(collector) };
    scope.post(path, options, (request, reply) => take(request, reply, collector, gate));
    // An endpoint may be read at the same address.
    if (!server.hasRoute({ method: "GET", url: path }))
      scope.get(path, { config: { kind: "collect" } }, () => {
        throw new Problem("method-not-allowed", { headers: { allow: "POST" } });
      });
  });
}

/** Before a body is read that there is no room for. */
function refuseEarly(collector: Collector) {
  return ({ raw: request }: FastifyRequest, { raw: response }: FastifyReply, done: (error?: Error) => void) => {
    const { refusal, room } = collector;
    if (!refusal) Held.begin(request, response, room);
    done(refusal && problemOf(refusal));
  };
}

async function take(
  request: FastifyRequest,
  reply: FastifyReply,
  collector: Collector,
  gate: SenderGate,
): Promise<unknown> {
  const { scope, maxRequestBytes } = collector.source.connector;
  const receivedAt = Date.now();
  const inAddress = keyIn(request.query);
  // Who names themselves before the body is not let have it read otherwise.
  const early = inAddress === undefined && !isSimple(request) ? await gate(request, scope, undefined) : undefined;
  const body = await textOf(request, maxRequestBytes);
  const sent = eventsOf(body, request);
  const inBody = typeof sent.key === "string" ? sent.key : undefined;
  if (inAddress !== undefined && inBody !== undefined)
    throw new Problem("invalid-request", { detail: "a request has one key: in its address, or in its body" });
  const writeKey = early ?? (await gate(request, scope, inAddress ?? inBody));
  if (writeKey.length > LONGEST_NAME || /[\0\p{Surrogate}]/u.test(writeKey))
    throw new Problem("forbidden", { detail: `who sends has a name of ${LONGEST_NAME} characters at most` });
  const outcomes = await collector.send(sent, { writeKey, receivedAt }).catch((error: Error) => {
    throw error instanceof NotTaken ? problemOf(error) : error;
  });
  return answer(reply, sent, outcomes);
}

/** Whether a page may have sent it without asking, so that no header of its own is with it. */
function isSimple({ headers }: FastifyRequest): boolean {
  return headers.authorization === undefined && headers["x-api-key"] === undefined;
}

function keyIn(query: unknown): string | undefined {
  const { key } = query as { readonly key?: string | readonly string[] };
  if (Array.isArray(key)) throw new Problem("invalid-request", { detail: "a request has one key" });
  return key as string | undefined;
}

function linesIn({ headers }: FastifyRequest): boolean | undefined {
  const type = headers["content-type"] ?? "";
  return /ndjson|jsonl/i.test(type) ? true : /^text\/plain/i.test(type) ? undefined : false;
}

/** Of who sends, in characters. */
const LONGEST_NAME = 255;

const UNPACK = new Map([
  ["gzip", promisify(gunzip)],
  ["x-gzip", promisify(gunzip)],
  ["deflate", promisify(inflate)],
  ["br", promisify(brotliDecompress)],
] as const) as ReadonlyMap<string, (packed: Buffer, options: { readonly maxOutputLength: number }) => Promise<Buffer>>;

/** The body, unpacked, in no more memory than it may have. */
async function textOf(request: FastifyRequest, most: number): Promise<string> {
  const { headers } = request;
  const bytes = (request.body as Buffer | undefined) ?? Buffer.alloc(0);
  const encoding = headers["content-encoding"]?.trim().toLowerCase() ?? "identity";
  const unpacked = encoding === "identity" ? bytes : await unpackedOf(bytes, encoding, most);
  if (!isUtf8(unpacked)) throw new Problem("invalid-request", { detail: "the body is not UTF-8" });
  const text = unpacked.toString();
  if (!/\S/.test(text)) throw new Problem("invalid-request", { detail: "the body is empty" });
  // As a text, and as what it says.
  Held.of(request).take(2 * unpacked.length);
  return text;
}

function eventsOf(body: string, request: FastifyRequest): SentEvents {
  try {
    return readRequest(body, linesIn(request));
  } catch (error) {
    if (!(error instanceof TooManyEvents)) throw error;
    throw new Problem("too-large", { detail: `a request has ${MOST_EVENTS} events at most` });
  }
}

async function unpackedOf(bytes: Buffer, encoding: string, most: number): Promise<Buffer> {
  const unpack = UNPACK.get(encoding);
  if (!unpack)
    throw new Problem("unsupported-media-type", {
      detail: `Content-Encoding ${encoding} is not read; there are gzip, deflate and br`,
      headers: { "accept-encoding": "gzip, deflate, br" },
    });
  try {
    return await unpack(bytes, { maxOutputLength: most });
  } catch (error) {
    if ((error as { code?: string }).code === "ERR_BUFFER_TOO_LARGE")
      throw new Problem("too-large", { detail: `unpacked it is larger than ${most} bytes` });
    throw new Problem("invalid-request", { detail: `the body is not ${encoding}` });
  }
}

function problemOf({ why }: NotTaken): Problem {
  return why === "full"
    ? new Problem("too-busy", { headers: { "retry-after": "1" } })
    : new Problem(`${why}-unavailable`, { headers: { "retry-after": "5" } });
}

/** What became of each event. What is rejected is kept, and of no use to be sent again as it is. */
function answer(reply: FastifyReply, { events, rejected }: SentEvents, outcomes: readonly Outcome[]): unknown {
  const places = [...events, ...rejected].map(({ position }) => position);
  const told = {
    accepted: outcomes.filter(({ kind }) => kind === "accepted").length,
    duplicates: outcomes.filter(({ kind }) => kind === "duplicate").length,
    rejected: outcomes.flatMap((one, index) =>
      one.kind === "rejected" ? [{ event: places[index]!, reason: one.reason }] : [],
    ),
  };
  // Where nothing of it is an event, whoever sent it is wrong about more than one.
  const status = events.length === 0 && rejected.length > 0 ? 400 : 200;
  return reply.code(status).header("cache-control", "no-store").send(told);
}
