import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { UserError } from "../model/errors.ts";
import { PoolIsFull } from "../postgres/read-pool.ts";
import { connectionLost, postgresError, SQLSTATE } from "../postgres/sqlstate.ts";
import { Problem } from "./api/problem.ts";

export interface ServerOptions {
  readonly host: string;
  /** 0: one that is free. */
  readonly port: number;
  /** Told of what failed and is nobody's mistake. */
  readonly log: (line: string) => void;
}

export interface RunningServer {
  readonly address: string;
  close(): Promise<void>;
}

/** On every answer. */
const SAFE = { "x-content-type-options": "nosniff", "referrer-policy": "no-referrer", "x-frame-options": "DENY" };

/** Milliseconds: for a request to be there as a whole, and for a connection that nothing goes over. */
const REQUEST_TIMEOUT = 15_000;
const IDLE_TIMEOUT = 60_000;
/** What an address may be long, and one of its parameters. */
const LONGEST_PARAMETER = 1000;

/**
 * One process that answers over HTTP. `add` gives it what it answers.
 * @throws UserError where the address is taken
 */
export async function startServer(
  { host, port, log }: ServerOptions,
  add: (server: FastifyInstance) => void | Promise<void>,
): Promise<RunningServer> {
  const server = fastify({
    logger: false,
    requestTimeout: REQUEST_TIMEOUT,
    connectionTimeout: IDLE_TIMEOUT,
    keepAliveTimeout: IDLE_TIMEOUT,
    forceCloseConnections: true,
    // No answer takes a body.
    bodyLimit: 1024,
    return503OnClosing: true,
    exposeHeadRoutes: true,
    routerOptions: { maxParamLength: LONGEST_PARAMETER },
    frameworkErrors: (error, request, reply) => fail(error, request, reply, log),
  });
  server.addHook("onRequest", (request, reply, done) => {
    reply.headers(SAFE);
    if (isMeant(request.raw, host)) done();
    else done(new Problem("misdirected-request"));
  });
  server.setErrorHandler((error, request, reply) => fail(error as Error, request, reply, log));
  server.setNotFoundHandler((request, reply) => {
    const isRead = request.method === "GET" || request.method === "HEAD";
    const problem = isRead
      ? new Problem("not-found")
      : new Problem("method-not-allowed", { headers: { allow: "GET, HEAD" } });
    return answer(problem, request, reply);
  });
  await add(server);
  try {
    await server.listen({ host, port });
  } catch (error) {
    await server.close();
    throw cannotListen(error as NodeJS.ErrnoException, host, port);
  }
  const { port: taken } = server.server.address() as AddressInfo;
  return {
    address: `http://${host.includes(":") ? `[${host}]` : host}:${taken}/`,
    close: () => server.close(),
  };
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

/** What is said of an error to whoever asked: nothing of the database's. */
function problemOf(error: Error): Problem {
  if (error instanceof Problem) return error;
  const { statusCode } = error as FastifyError;
  if (statusCode !== undefined && statusCode < 500)
    return new Problem(statusCode === 404 ? "not-found" : "invalid-request", { detail: error.message });
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
