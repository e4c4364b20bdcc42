import { setTimeout as sleepFor } from "node:timers/promises";
import { type Dispatcher, EnvHttpProxyAgent } from "undici";
import { UserError } from "../model/errors.ts";
import type { RetryDeclaration, Secret } from "../model/ingest.ts";
import { type Answer, request } from "./request.ts";

export interface HttpOptions {
  readonly bearer?: Secret;
  readonly retry: RetryDeclaration;
  readonly timeoutSeconds: number;
  /** Told before each wait. */
  readonly onWait?: (seconds: number, reason: string) => void;
  /** In place of the clock and of chance, for tests. */
  readonly sleep?: (seconds: number) => Promise<void>;
  readonly random?: () => number;
  readonly dispatcher?: Dispatcher;
}

export interface HttpReader {
  /** GETs a JSON document and hands its text to `parse`; what `parse` rejects as cut short is asked for again. */
  get<T>(url: URL, parse: (text: string) => T): Promise<T>;
  close(): Promise<void>;
}

/** All waits of one reader together: past this the source is down, not busy. */
const WAIT_BUDGET_SECONDS = 600;
const FIRST_DELAY_SECONDS = 0.5;

/** Reads JSON over HTTP with patience: retries, backs off, and says plainly what is wrong. */
export function createHttpReader(options: HttpOptions): HttpReader {
  // Honours HTTP_PROXY, HTTPS_PROXY and NO_PROXY.
  const dispatcher = options.dispatcher ?? new EnvHttpProxyAgent({ connect: { timeout: 10_000 } });
  const sleep = options.sleep ?? ((seconds: number) => sleepFor(seconds * 1000));
  let waited = 0;

  async function pause(attempt: number, failure: Failure, url: URL): Promise<void> {
    const { attempts, maxDelaySeconds } = options.retry;
    if (attempt >= attempts) throw givenUp(url, failure, `gave up after ${attempts} attempts`);
    const asked = failure.retryAfter;
    if (asked !== undefined && asked > maxDelaySeconds) {
      throw givenUp(url, failure, `the server asks to wait ${Math.ceil(asked)} s, more than ${maxDelaySeconds} s`);
    }
    // Full jitter: many clients that failed together must not come back together.
    const ceiling = Math.min(maxDelaySeconds, FIRST_DELAY_SECONDS * 2 ** (attempt - 1));
    const seconds = asked ?? ceiling * (options.random ?? Math.random)();
    waited += seconds;
    if (waited > WAIT_BUDGET_SECONDS) throw givenUp(url, failure, `waited ${WAIT_BUDGET_SECONDS} s in all`);
    options.onWait?.(seconds, failure.reason);
    await sleep(seconds);
  }

  return {
    async get(url, parse) {
      for (let attempt = 1; ; attempt++) {
        const outcome = await attemptOnce(url, parse, dispatcher, options);
        if ("parsed" in outcome) return outcome.parsed;
        await pause(attempt, outcome, url);
      }
    },
    close: () => (options.dispatcher ? Promise.resolve() : dispatcher.close()),
  };
}

/** A failure that another try may mend. */
interface Failure {
  readonly reason: string;
  readonly retryAfter?: number;
  readonly code?: string;
  readonly cause?: unknown;
}

const TRANSIENT = new Set([408, 425, 429, 500, 502, 503, 504]);

async function attemptOnce<T>(
  url: URL,
  parse: (text: string) => T,
  dispatcher: Dispatcher,
  options: HttpOptions,
): Promise<{ parsed: T } | Failure> {
  let answer: Answer;
  try {
    answer = await request(url, { dispatcher, bearer: options.bearer, timeoutSeconds: options.timeoutSeconds });
  } catch (error) {
    if (error instanceof UserError) throw error;
    return networkFailure(error, options.timeoutSeconds);
  }
  if (TRANSIENT.has(answer.status)) {
    const retryAfter = readRetryAfter(answer.headers.get("retry-after"));
    const reason = `HTTP ${answer.status}`;
    return { reason, code: String(answer.status), ...(retryAfter === undefined ? {} : { retryAfter }) };
  }
  const text = answer.json(options.bearer);
  try {
    return { parsed: parse(text) };
  } catch (error) {
    if (error instanceof SyntaxError) return { reason: `the JSON is cut short: ${error.message}`, cause: error };
    throw error;
  }
}

function networkFailure(error: unknown, timeoutSeconds: number): Failure {
  const cause = ((error as Error).cause ?? error) as {
    name?: string;
    code?: string;
    message?: string;
    errors?: Error[];
  };
  const timedOut = cause.name === "TimeoutError" || (error as Error).name === "TimeoutError";
  const reason = timedOut
    ? `no full answer within ${timeoutSeconds} s`
    : cause.message || cause.errors?.[0]?.message || String(error);
  return { reason, cause: error, ...(cause.code === undefined ? {} : { code: String(cause.code) }) };
}

/** Seconds to wait, from a number or a date; undefined for neither. */
export function readRetryAfter(header: string | null, now = Date.now()): number | undefined {
  if (header === null) return undefined;
  if (/^\s*\d+(\.\d+)?\s*$/.test(header)) return Number(header);
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, (date - now) / 1000);
}

const hints: Readonly<Record<string, string>> = {
  ECONNREFUSED: "start the service, or correct rest.baseUrl",
  ENOTFOUND: "check the host name in rest.baseUrl",
  EAI_AGAIN: "the host name could not be looked up: check the network",
  "429": "ask for less at a time, or raise rest.retry.maxDelaySeconds",
};

function givenUp(url: URL, failure: Failure, why: string): UserError {
  return new UserError({
    message: `no answer from ${url.origin}${url.pathname}: ${why}`,
    found: failure.reason,
    hint: hints[failure.code ?? ""] ?? "try again later; nothing was landed and the next load begins at the same place",
    ...(failure.code === undefined ? {} : { code: failure.code }),
    exitCode: 1,
    cause: failure.cause,
  });
}
