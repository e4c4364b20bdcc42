import type { Dispatcher } from "undici";
import { counted } from "../../model/counted.ts";
import type { RetryDeclaration } from "../../model/declarations.ts";
import { UserError } from "../../model/errors.ts";
import { ownValue } from "../../model/own-value.ts";
import { pause as sleepFor } from "../../wait/pause.ts";
import type { TokenStore } from "./kept-token.ts";
import { guardedDispatcher, type NetworkPolicy } from "./network.ts";
import { secondsAsked } from "./rate-limit.ts";
import { type Answer, type HttpCall, request } from "./request.ts";

export { readRetryAfter } from "./rate-limit.ts";

/** All of it has a default. */
export interface HttpHooks {
  /** Told before each wait. */
  readonly onWait?: (seconds: number, reason: string) => void;
  /** Told what people must know although the work goes on. Without secrets. */
  readonly onWarning?: (text: string) => void;
  /** Where tokens that a server replaces are kept from run to run. */
  readonly tokens?: TokenStore;
  /** In place of the clock (milliseconds since 1970), of chance and of DNS, for tests. */
  readonly sleep?: (seconds: number) => Promise<void>;
  readonly now?: () => number;
  readonly random?: () => number;
  readonly lookup?: NetworkPolicy["lookup"];
}

/** What lets a request in. */
export interface Authorizer {
  /** Headers for the declared origin and no other; names in lower case. */
  headers(): Promise<Readonly<Record<string, string>>>;
  /** After a 401: whether the next headers are others. */
  renew(): boolean;
  /** What a server that answers 401 does not accept: "the token in SHOP_TOKEN". */
  readonly subject: string;
  readonly hint: string;
}

export interface HttpOptions extends HttpHooks {
  /** Where the declaration is, for hints. */
  readonly key: "rest" | "soap" | "kafka.registry" | "kafka.sasl";
  readonly policy: NetworkPolicy;
  /** For the trusted origins only; names in lower case. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly authorizer?: Authorizer;
  /** Takes secrets out of a text. */
  readonly redact?: (text: string) => string;
  readonly retry: RetryDeclaration;
  readonly timeoutSeconds: number;
}

export interface PatientCall extends HttpCall {
  /** Statuses that another try may mend, and that `read` wants to see before. */
  readonly judged?: readonly number[];
}

/** Reads over HTTP with patience: retries, backs off, keeps to rate limits, and says plainly what is wrong. */
export interface HttpReader {
  readonly options: HttpOptions;
  /** `read` gets the answer, whatever its status; when it throws TryAgain, the call is made again. */
  call<T>(call: PatientCall, read: (answer: Answer) => T | Promise<T>): Promise<T>;
  /** Waits as long as the work itself asks for. */
  wait(seconds: number, reason: string): Promise<void>;
  now(): number;
  /** Takes secrets out of a text. */
  redact(text: string): string;
  /** The beginning of a text on one line, without secrets. */
  excerpt(text: string, length?: number): string;
  close(): Promise<void>;
}

/** An answer that another try may mend, such as one that was cut. */
export class TryAgain extends Error {}

/** All waits for failures of one reader together: past this the source is down, not busy. */
const WAIT_BUDGET_SECONDS = 600;
const FIRST_DELAY_SECONDS = 0.5;
/** Characters in which secrets are looked for before a text is cut. */
const EXCERPT_SOURCE = 64 * 1024;

export function createHttpReader(options: HttpOptions): HttpReader {
  const { retry, redact = (text: string) => text } = options;
  const dispatcher = guardedDispatcher({ ...options.policy, ...(options.lookup ? { lookup: options.lookup } : {}) });
  const now = options.now ?? Date.now;
  let waited = 0;
  /** When the rate limit lets the next request through. */
  let notBefore = 0;

  async function wait(seconds: number, reason: string): Promise<void> {
    options.onWait?.(seconds, redact(reason));
    await (options.sleep ?? ((time: number) => sleepFor(time * 1000)))(seconds);
  }

  function checkAsked(seconds: number, url: URL, failure: Failure): void {
    const limit = retry.maxDelaySeconds;
    if (seconds <= limit) return;
    throw givenUp(url, failure, `the server asks to wait ${Math.ceil(seconds)} s, more than ${limit} s`, options.key);
  }

  async function pause(attempt: number, failure: Failure, url: URL): Promise<void> {
    const { attempts, maxDelaySeconds } = retry;
    if (attempt >= attempts) throw givenUp(url, failure, `gave up after ${counted(attempts, "attempt")}`, options.key);
    if (failure.asked !== undefined) checkAsked(failure.asked, url, failure);
    // Full jitter: many clients that failed together must not come back together.
    const ceiling = Math.min(maxDelaySeconds, FIRST_DELAY_SECONDS * 2 ** (attempt - 1));
    const seconds = failure.asked ?? ceiling * (options.random ?? Math.random)();
    waited += seconds;
    if (waited > WAIT_BUDGET_SECONDS)
      throw givenUp(url, failure, `waited ${WAIT_BUDGET_SECONDS} s in all`, options.key);
    await wait(seconds, failure.reason);
  }

  async function keepToRate(url: URL): Promise<void> {
    const seconds = (notBefore - now()) / 1000;
    notBefore = 0;
    if (seconds <= 0) return;
    checkAsked(seconds, url, { reason: "the rate limit is used up", code: "429" });
    await wait(seconds, "the rate limit is used up");
  }

  return {
    options,
    wait,
    now,
    redact,
    async call(call, read) {
      let renewed = false;
      for (let attempt = 1; ; ) {
        await keepToRate(call.url);
        const outcome = await attemptOnce(call, read, dispatcher, options, renewed);
        if ("result" in outcome) {
          if (outcome.asked !== undefined) notBefore = now() + outcome.asked * 1000;
          return outcome.result;
        }
        if (outcome === EXPIRED) renewed = true;
        else await pause(attempt++, outcome, call.url);
      }
    },
    excerpt(text, length = 120) {
      const line = redact(text.slice(0, EXCERPT_SOURCE)).replace(/\s+/g, " ").trim();
      return line === "" ? "(empty)" : line.slice(0, length);
    },
    close: () => dispatcher.destroy(),
  };
}

/** A failure that another try may mend. */
interface Failure {
  readonly reason: string;
  /** Seconds the server wants to be left alone. */
  readonly asked?: number | undefined;
  readonly code?: string;
  readonly cause?: unknown;
}

interface Success<T> {
  readonly result: T;
  readonly asked: number | undefined;
}

/** The credentials were refused and new ones can be had. */
const EXPIRED: Failure = { reason: "HTTP 401", code: "401" };

const TRANSIENT = new Set([408, 425, 429, 500, 502, 503, 504]);

async function attemptOnce<T>(
  call: PatientCall,
  read: (answer: Answer) => T | Promise<T>,
  dispatcher: Dispatcher,
  { policy, headers, authorizer, timeoutSeconds }: HttpOptions,
  renewed: boolean,
): Promise<Success<T> | Failure> {
  const credentials = { ...headers, ...(await authorizer?.headers()) };
  let answer: Answer;
  try {
    answer = await request(call, { dispatcher, policy, credentials, timeoutSeconds });
  } catch (error) {
    return networkFailure(error, timeoutSeconds);
  }
  const { status } = answer;
  if (status === 401 && !renewed && authorizer?.renew()) return EXPIRED;
  const asked = secondsAsked(answer.headers);
  const failure: Failure = { reason: `HTTP ${status}`, code: String(status), asked };
  const limited = status === 403 && asked !== undefined && asked > 0;
  if (limited || (TRANSIENT.has(status) && !call.judged?.includes(status))) return failure;
  try {
    return { result: await read(answer), asked };
  } catch (error) {
    if (error instanceof TryAgain) return status < 300 ? { reason: error.message } : failure;
    throw error;
  }
}

function networkFailure(error: unknown, timeoutSeconds: number): Failure {
  const cause = ((error as Error).cause ?? error) as Error & { readonly code?: string; readonly errors?: Error[] };
  // What the network guard refuses comes as the cause of a failed fetch.
  for (const one of [error, cause, ...(cause.errors ?? [])]) if (one instanceof UserError) throw one;
  const timedOut = cause.name === "TimeoutError" || (error as Error).name === "TimeoutError";
  const reason = timedOut
    ? `no full answer within ${timeoutSeconds} s`
    : cause.message || cause.errors?.[0]?.message || String(error);
  return { reason, cause: error, ...(cause.code === undefined ? {} : { code: String(cause.code) }) };
}

const hints: Readonly<Record<string, string>> = {
  ECONNREFUSED: "start the service, or correct KEY.baseUrl",
  ENOTFOUND: "check the host name in KEY.baseUrl",
  EAI_AGAIN: "the host name could not be looked up: check the network",
  "429": "ask for less at a time, or raise KEY.retry.maxDelaySeconds",
};

function givenUp(url: URL, failure: Failure, why: string, key: string): UserError {
  const { reason, code, cause } = failure;
  return new UserError({
    message: `no answer from ${url.origin}${url.pathname}: ${why}`,
    found: reason,
    hint:
      ownValue(hints, code ?? "")?.replace("KEY", key) ??
      "try again later; nothing was landed and the next load begins at the same place",
    ...(code === undefined ? {} : { code }),
    exitCode: 1,
    cause,
  });
}
