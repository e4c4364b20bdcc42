import { type Dispatcher, fetch, type Headers, type Response } from "undici";
import { UserError } from "../model/errors.ts";
import type { Secret } from "../model/ingest.ts";

/** One answer, read to its end. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** The body as text. Throws a UserError for every answer that is not a good JSON one. */
  json(bearer: Secret | undefined): string;
}

export interface RequestOptions {
  readonly dispatcher: Dispatcher;
  readonly bearer?: Secret | undefined;
  readonly timeoutSeconds: number;
}

/** After decompression: a page is small, a decompression bomb is not. */
const MAX_BODY_BYTES = 64 * 1024 * 1024;
const MAX_REDIRECTS = 5;

/** One GET with a time limit on the whole of it. Network failures are thrown as `fetch` throws them. */
export async function request(url: URL, options: RequestOptions): Promise<Answer> {
  const signal = AbortSignal.timeout(options.timeoutSeconds * 1000);
  let target = url;
  for (let redirects = 0; ; redirects++) {
    const response = await fetch(target, {
      dispatcher: options.dispatcher,
      signal,
      // Followed here, so that the token is never carried to another host.
      redirect: "manual",
      headers: {
        accept: "application/json",
        ...(options.bearer ? { authorization: `Bearer ${options.bearer.reveal()}` } : {}),
      },
    });
    const location = response.headers.get("location");
    if (response.status < 300 || response.status > 399 || location === null) return readAnswer(response, url);
    await response.body?.cancel();
    target = redirectTarget(target, location, response.status, redirects);
  }
}

function redirectTarget(from: URL, location: string, status: number, redirects: number): URL {
  const to = URL.canParse(location, from.href) ? new URL(location, from) : undefined;
  const upgraded = to?.hostname === from.hostname && from.protocol === "http:" && to.protocol === "https:";
  if (to && redirects < MAX_REDIRECTS && (to.origin === from.origin || upgraded)) return to;
  const tooMany = redirects >= MAX_REDIRECTS;
  throw new UserError({
    message: `${from.origin}${from.pathname} redirects ${tooMany ? "without end" : "to another host"}`,
    expected: `an answer from ${from.host} itself`,
    found: `${status} to ${to ? `${to.protocol}//${to.host}` : location.slice(0, 100)}`,
    hint: "the token is not sent elsewhere: correct rest.baseUrl, or log in again if this is a login page",
    code: String(status),
    exitCode: 1,
  });
}

async function readAnswer(response: Response, url: URL): Promise<Answer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += (chunk as Uint8Array).byteLength;
    if (size > MAX_BODY_BYTES) {
      throw new UserError({
        message: `the answer of ${url.origin}${url.pathname} is too large`,
        expected: `at most ${MAX_BODY_BYTES / 1024 / 1024} MB a page`,
        hint: "ask for smaller pages (rest.paging.limit)",
        exitCode: 1,
      });
    }
    chunks.push(chunk as Uint8Array);
  }
  const body = Buffer.concat(chunks);
  const { status, headers } = response;
  return { status, headers, json: (bearer) => jsonText(status, headers, body, url, bearer) };
}

function jsonText(status: number, headers: Headers, body: Buffer, url: URL, bearer: Secret | undefined): string {
  const type = headers.get("content-type") ?? "no content type";
  const refuse = (message: string, expected: string, hint: string) =>
    new UserError({
      message: `${url.origin}${url.pathname} ${message}`,
      expected,
      found: redact(`HTTP ${status}, ${type}: ${beginning(body)}`, bearer),
      hint,
      code: String(status),
      exitCode: 1,
    });
  if (status === 401 || status === 403) {
    const token = bearer ? `the token in ${bearer.variable}` : "a request without a token (rest.auth.bearer)";
    const hint = bearer ? `check the environment variable ${bearer.variable}` : "add rest.auth.bearer";
    throw refuse(`does not accept ${token}`, "HTTP 200", hint);
  }
  if (status < 200 || status > 299) {
    const hint = status === 404 ? "check rest.baseUrl and the stream's path" : "check the stream's path and parameters";
    throw refuse("refuses the request", "HTTP 200", hint);
  }
  if (!/[/+]json\b/i.test(type)) {
    throw refuse(
      "does not answer with JSON",
      "application/json",
      "check rest.baseUrl: this may be a login or error page",
    );
  }
  const charset = /charset="?([^";\s]+)/i.exec(type)?.[1];
  try {
    if (charset && !/^utf-?8$|^us-ascii$/i.test(charset)) throw new TypeError(charset);
    return new TextDecoder("utf-8", { fatal: true }).decode(body);
  } catch {
    throw refuse("answers in another encoding", "UTF-8, the encoding of JSON", "the source must send UTF-8");
  }
}

/** The first characters of a body on one line. */
function beginning(body: Buffer): string {
  const text = body.subarray(0, 400).toString("utf8").replace(/\s+/g, " ").trim();
  return text === "" ? "(empty)" : text.slice(0, 120);
}

/** An answer may repeat the token it was sent. */
function redact(text: string, bearer: Secret | undefined): string {
  const value = bearer?.reveal();
  return value ? text.replaceAll(value, `<${bearer!.variable}>`) : text;
}
