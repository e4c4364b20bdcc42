import { type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http";
import type { Server } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import cors, { type FastifyCorsOptions } from "@fastify/cors";
import fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { UserError } from "../model/errors.ts";
import type { ServerSettings } from "../model/server-settings.ts";
import { PoolIsFull } from "../postgres/read-pool.ts";
import { connectionLost, postgresError, SQLSTATE } from "../postgres/sqlstate.ts";
import { after, endWhenIdle, repeatedly } from "../wait/timers.ts";
import { Problem, type ProblemType } from "./api/problem.ts";
import { followCertificate, readCertificate } from "./certificate.ts";

export interface ServerOptions {
  readonly host: string;
  /** 0: one that is free. */
  readonly port: number;
  readonly settings: ServerSettings;
  /** Addresses that take what is sent by POST. */
  readonly takes?: ReadonlySet<string>;
  /** Told of what failed and is nobody's mistake. */
  readonly log: (line: string) => void;
}

export interface RunningServer {
  readonly address: string;
  close(): Promise<void>;
}

/** Answers a request at once and says so, or leaves it as it is. */
export type QuickAnswer = (request: IncomingMessage, response: ServerResponse) => boolean;

/** On every answer. */
const SAFE = { "x-content-type-options": "nosniff", "referrer-policy": "no-referrer", "x-frame-options": "DENY" };

/** What an address may be long, one parameter of its path, and all headers together, in bytes. */
const LONGEST_ADDRESS = 8_192;
const LONGEST_PARAMETER = 1_000;
const MOST_HEADERS = 16_384;

/**
 * One process that answers over HTTP. `add` gives it what it answers; what it returns is asked first.
 * @throws UserError where the address is taken
 */
export async function startServer(
  { host, port, settings, log, takes = new Set() }: ServerOptions,
  add: (server: FastifyInstance) => void | QuickAnswer | Promise<void>,
): Promise<RunningServer> {
  const { tls, idleTime, requestTime, trustedProxies, drainTime } = settings;
  const http = {
    maxHeaderSize: MOST_HEADERS,
    headersTimeout: requestTime,
    // As often as it takes for a time to be kept.
    connectionsCheckingInterval: Math.min(5_000, requestTime),
  };
  const server: FastifyInstance = fastify({
    logger: false,
    ...(tls ? { https: { ...http, ...readCertificate(tls), minVersion: "TLSv1.2" } } : { http }),
    requestTimeout: requestTime,
    connectionTimeout: idleTime,
    keepAliveTimeout: idleTime,
    forceCloseConnections: "idle",
    trustProxy: trustedProxies.length ? [...trustedProxies] : false,
    clientErrorHandler: refuse,
    // Few answers take a body.
    bodyLimit: 1024,
    // What a body says is heeded or refused.
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false, useDefaults: false } },
    return503OnClosing: true,
    exposeHeadRoutes: true,
    routerOptions: { maxParamLength: LONGEST_PARAMETER },
    frameworkErrors: (error, request, reply) => fail(error, request, reply, log),
  });
  const isForUs = (raw: IncomingMessage) => trustedProxies.length > 0 || isMeant(raw, host);
  server.addHook("onRequest", (request, reply, done) => {
    reply.headers(SAFE);
    // It may wait, and be read for, as long as other times allow; what nobody takes of its answer may not stay.
    endWhenIdle(request.raw.socket, 0);
    if (request.url.length > LONGEST_ADDRESS) done(new Problem("address-too-long"));
    else if (!isForUs(request.raw)) done(new Problem("misdirected-request"));
    // Whatever else such a request says is of no use.
    else if (request.is404 && !READS.has(request.method) && request.method !== "OPTIONS") done(notAllowed());
    else done();
  });
  server.addHook("onSend", (request, _, payload, done) => {
    endWhenIdle(request.raw.socket, idleTime);
    done(null, payload);
  });
  // A page of somebody else's may send a text without being asked who it is.
  server.removeContentTypeParser("text/plain");
  if (settings.cors) {
    const [reading, sending] = [corsOptions(settings.cors), sendingOptions(settings.cors)];
    await server.register(cors, {
      delegator: (request, done) => done(null, takes.has(request.url.split("?")[0]!) ? sending : reading),
    });
  }
  server.setErrorHandler((error, request, reply) => fail(error as Error, request, reply, log));
  server.setNotFoundHandler((request, reply) => {
    return answer(READS.has(request.method) ? new Problem("not-found") : notAllowed(), request, reply);
  });
  const quick = await add(server);
  if (quick) answerFirst(server, (request, response) => isForUs(request) && quick(request, response));
  server.server.maxConnections = settings.connections;
  try {
    await server.listen({ host, port });
  } catch (error) {
    await server.close();
    throw cannotListen(error as NodeJS.ErrnoException, host, port);
  }
  const { port: taken } = server.server.address() as AddressInfo;
  const stop = tls ? followCertificate(server.server as unknown as Server, tls, log) : () => {};
  return {
    address: `${tls ? "https" : "http"}://${host.includes(":") ? `[${host}]` : host}:${taken}/`,
    close: async () => {
      stop();
      await drained(server, drainTime);
    },
  };
}

/** What is known to the letter goes no further; a server that is ending says so in each of its answers. */
function answerFirst(server: FastifyInstance, quick: QuickAnswer): void {
  const [handle] = server.server.listeners("request") as ((...of: Parameters<QuickAnswer>) => void)[];
  server.server.removeAllListeners("request");
  let isEnding = false;
  server.addHook("preClose", (done) => {
    isEnding = true;
    done();
  });
  server.server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    if (isEnding || !quick(request, response)) handle!(request, response);
  });
}

/** Between two looks for connections over which nothing goes any more, in milliseconds. */
const LOOK_EVERY = 20;

/** Takes nothing more, lets what is being answered be answered, for so many milliseconds at most, and ends. */
async function drained(server: FastifyInstance, time: number): Promise<void> {
  const stop = repeatedly(LOOK_EVERY, () => server.server.closeIdleConnections());
  const late = after(time, () => server.server.closeAllConnections());
  try {
    await server.close();
  } finally {
    stop();
    late();
  }
}

/** Besides, a browser asks by OPTIONS whether a page from elsewhere may. */
const READS: ReadonlySet<string> = new Set(["GET", "HEAD"]);

function notAllowed(): Problem {
  return new Problem("method-not-allowed", { headers: { allow: "GET, HEAD" } });
}

function corsOptions({ origins, maxAge }: NonNullable<ServerSettings["cors"]>): FastifyCorsOptions {
  return {
    origin: origins.includes("*") ? "*" : [...origins],
    methods: ["GET", "HEAD"],
    allowedHeaders: ["Authorization", "X-API-Key", "Accept", "Cache-Control", "If-None-Match"],
    exposedHeaders: ["ETag", "Link", "Dataform-Release", "Retry-After", "WWW-Authenticate"],
    maxAge: Math.round(maxAge / 1000),
  };
}

/** A beacon brings cookies whether there are any or not, and browsers want the page by its name then. */
function sendingOptions({ origins, maxAge }: NonNullable<ServerSettings["cors"]>): FastifyCorsOptions {
  return {
    origin: origins.includes("*") ? true : [...origins],
    credentials: true,
    methods: ["POST"],
    allowedHeaders: ["Authorization", "X-API-Key", "Content-Type", "Content-Encoding"],
    exposedHeaders: ["Retry-After"],
    maxAge: Math.round(maxAge / 1000),
  };
}

const NOT_READ: ReadonlyMap<string | undefined, ProblemType> = new Map<string | undefined, ProblemType>([
  ["HPE_HEADER_OVERFLOW", "headers-too-large"],
  ["ERR_HTTP_REQUEST_TIMEOUT", "request-timeout"],
]);

/** What is no request, or comes too slowly: there is nobody yet who could answer it. */
function refuse({ code }: Error & { code?: string }, socket: Socket): void {
  if (code === "ECONNRESET" || !socket.writable) return void socket.destroy();
  const problem = new Problem(NOT_READ.get(code) ?? "invalid-request");
  const body = problem.body("");
  socket.end(
    [
      `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
      "Content-Type: application/problem+json; charset=utf-8",
      `Content-Length: ${Buffer.byteLength(body)}`,
      "Connection: close",
      "",
      body,
    ].join("\r\n"),
  );
}

/** A page of somebody else's that was led to this address by its own name may not read what is here. */
function isMeant({ headers }: IncomingMessage, host: string): boolean {
  if (!isLoopback(host)) return true;
  const named = headers.host?.replace(/:\d+$/, "").replace(/^\[|\]$/g, "");
  return named !== undefined && isLoopback(named);
}

/** Whether only this machine reaches it. */
export function isLoopback(host: string): boolean {
  return /^(?:127\.\d+\.\d+\.\d+|::1|localhost)$/.test(host);
}

function fail(error: Error, request: FastifyRequest, reply: FastifyReply, log: ServerOptions["log"]): unknown {
  const problem = problemOf(error);
  if (problem.status === 500) log(`${request.method} ${request.url.split("?")[0]}: ${error.stack ?? error.message}`);
  // What had begun has ended itself.
  if (reply.raw.headersSent) return undefined;
  return answer(problem, request, reply);
}

function answer(problem: Problem, request: FastifyRequest, reply: FastifyReply): unknown {
  return reply
    .code(problem.status)
    .headers({ ...SAFE, ...problem.headers, "cache-control": "no-store" })
    .type("application/problem+json; charset=utf-8")
    .send(problem.body(request.url.split("?")[0]!));
}

const OF_STATUS: ReadonlyMap<number, ProblemType> = new Map([
  [404, "not-found"],
  [413, "too-large"],
  [415, "unsupported-media-type"],
]);

/** What is said of an error to whoever asked: nothing of the database's. */
function problemOf(error: Error): Problem {
  if (error instanceof Problem) return error;
  const { statusCode } = error as FastifyError;
  if (statusCode !== undefined && statusCode < 500)
    return new Problem(OF_STATUS.get(statusCode) ?? "invalid-request", { detail: error.message });
  const busy = { headers: { "retry-after": "1" } };
  if (error instanceof PoolIsFull) return new Problem("too-busy", busy);
  const failure = postgresError(error);
  if (connectionLost(error) || (error instanceof UserError && !failure))
    return new Problem("database-unavailable", { headers: { "retry-after": "5" } });
  if (failure?.code === SQLSTATE.queryCanceled) return new Problem("took-too-long", busy);
  if (/^2[23]/.test(failure?.code ?? ""))
    return new Problem("invalid-request", {
      detail: "a value is none of the type of the column that it is compared with",
    });
  return new Problem("internal-error");
}

function cannotListen(error: NodeJS.ErrnoException, host: string, port: number): UserError {
  return new UserError({
    message: `cannot listen on ${host}, port ${port}`,
    expected: "an address of this machine, and a port that nothing else listens on",
    found: error.code === "EADDRINUSE" ? "the port is taken" : error.message,
    hint: "choose another one with --port; --port 0 takes a free one",
    ...(error.code === undefined ? {} : { code: error.code }),
    cause: error,
  });
}
