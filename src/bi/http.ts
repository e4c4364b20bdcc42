import { UserError } from "../model/errors.ts";
import { after } from "../wait/timers.ts";

/** A tool may think for long about many columns. */
const ANSWER_MS = 60_000;

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** What it said; undefined where that is no JSON. */
  readonly json: unknown;
  readonly text: string;
}

export interface Asking {
  readonly method?: "GET" | "POST" | "PUT";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** Speaks JSON to the REST API of one tool. */
export class ToolApi {
  readonly #base: URL;
  readonly #tool: string;
  readonly #signal: AbortSignal | undefined;
  /** Sent with every request. */
  headers: Readonly<Record<string, string>> = {};

  /** @throws UserError for what is no address of a tool */
  constructor(tool: string, address: string, signal?: AbortSignal) {
    this.#tool = tool;
    this.#base = baseOf(tool, address);
    this.#signal = signal;
  }

  get address(): string {
    return this.#base.href.replace(/\/$/, "");
  }

  /** Whatever the tool answers. @throws UserError where nothing does */
  async ask(path: string, { method = "GET", headers = {}, body }: Asking = {}): Promise<Answer> {
    const url = new URL(path.replace(/^\//, ""), this.#base);
    const ending = new AbortController();
    const stop = after(ANSWER_MS, () => ending.abort(new Error(`no answer within ${ANSWER_MS / 1000} s`)));
    const signal = this.#signal ? AbortSignal.any([this.#signal, ending.signal]) : ending.signal;
    try {
      const answer = await fetch(url, {
        method,
        headers: {
          accept: "application/json",
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...this.headers,
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal,
      });
      const text = await answer.text();
      return { status: answer.status, headers: answer.headers, json: parsed(text), text };
    } catch (cause) {
      this.#signal?.throwIfAborted();
      throw this.#unreachable(cause as Error);
    } finally {
      stop();
    }
  }

  /** What the tool answers, where it does what it is asked. @throws UserError otherwise */
  async json<Value>(path: string, asking: Asking = {}): Promise<Value> {
    const answer = await this.ask(path, asking);
    if (answer.status >= 200 && answer.status < 300 && answer.json !== undefined) return answer.json as Value;
    throw this.refused(`${asking.method ?? "GET"} ${path.split("?")[0]}`, answer);
  }

  refused(what: string, { status, json, text }: Answer): UserError {
    const isJson = json !== undefined;
    return new UserError({
      message: `${this.#tool} at ${this.address} does not do as it was asked: ${what}`,
      expected: "an answer of its REST API",
      found: `${status}${isJson ? ` ${JSON.stringify(json)}` : text ? `, and a page: ${text.replace(/\s+/g, " ").slice(0, 120)}` : ""}`,
      hint: hintFor(status, isJson, this.#tool),
      code: String(status),
    });
  }

  #unreachable(cause: Error): UserError {
    const { code, message } = (cause.cause ?? cause) as NodeJS.ErrnoException;
    return new UserError({
      message: `${this.#tool} cannot be reached at ${this.address}`,
      found: message || code || String(cause),
      hint: `is it running, and is this the address that a browser opens it at? --url names it`,
      ...(code ? { code } : {}),
      cause,
    });
  }
}

function hintFor(status: number, isJson: boolean, tool: string): string {
  if (status === 401 || status === 403)
    return "give it a login that may edit what the tool knows of tables: an administrator's";
  if (!isJson || status === 404) return `is this the address of ${tool}, and is it as new as docs/bi.md says?`;
  if (status === 422 || status === 400)
    return "the tool names what it does not take; another version of it may want another form";
  return "ask again later; the log of the tool says more";
}

function baseOf(tool: string, address: string): URL {
  const whole = address.endsWith("/") ? address : `${address}/`;
  // `URL.parse` is younger than the oldest Node that will do.
  const url = URL.canParse(whole) ? new URL(whole) : undefined;
  if (url && /^https?:$/.test(url.protocol) && !url.username && !url.password) return url;
  throw new UserError({
    message: `--url is no address of ${tool}`,
    expected: "http://host:port or https://host/path, without user and password",
    found: url?.password ? address.replace(url.password, "***") : address,
    hint: "write the address that a browser opens it at",
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
