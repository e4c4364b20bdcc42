import { type Dispatcher, fetch, type Headers, type Response } from "undici";
import { UserError } from "../../model/errors.ts";
import { checkUrl, type NetworkPolicy } from "./network.ts";

export interface HttpCall {
  readonly url: URL;
  readonly method?: "GET" | "POST";
  /** For every host; names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** One answer, read to its end. */
export interface Answer {
  /** What was asked for, before redirects. */
  readonly url: URL;
  readonly status: number;
  readonly headers: Headers;
  /** After decompression. */
  readonly body: Buffer;
}

export interface RequestOptions {
  readonly dispatcher: Dispatcher;
  readonly policy: NetworkPolicy;
  /** Headers for the policy's trusted origins and for no other; names in lower case. */
  readonly credentials: Readonly<Record<string, string>>;
  readonly timeoutSeconds: number;
}

/** After decompression: a page is small, a decompression bomb is not. */
export const MAX_BODY_BYTES = 64 * 1024 * 1024;
const MAX_REDIRECTS = 5;

/** One request with a time limit on the whole of it. Network failures are thrown as `fetch` throws them. */
export async function request(call: HttpCall, options: RequestOptions): Promise<Answer> {
  const { dispatcher, policy, timeoutSeconds } = options;
  const { method = "GET", body } = call;
  const signal = AbortSignal.timeout(timeoutSeconds * 1000);
  let target = call.url;
  let credentials = isTrusted(target, policy) ? options.credentials : {};
  checkUrl(target, policy);
  for (let redirects = 0; ; redirects++) {
    const response = await fetch(target, {
      dispatcher,
      signal,
      method,
      // Followed here, so that credentials are never carried to another host.
      redirect: "manual",
      headers: { ...call.headers, ...credentials },
      ...(body === undefined ? {} : { body }),
    });
    const location = response.headers.get("location");
    if (response.status < 300 || response.status > 399 || location === null) return readAnswer(response, call.url);
    await response.body?.cancel();
    const next = redirectTarget(target, location, { status: response.status, redirects, method, policy });
    // Once away from its origin a request never gets its credentials back.
    if (!isTrusted(next, policy)) credentials = {};
    target = next;
  }
}

interface Redirect {
  readonly status: number;
  readonly redirects: number;
  readonly method: string;
  readonly policy: NetworkPolicy;
}

function redirectTarget(from: URL, location: string, { status, redirects, method, policy }: Redirect): URL {
  const to = URL.canParse(location, from.href) ? new URL(location, from) : undefined;
  const refuse = (message: string, hint: string) =>
    new UserError({
      message: `${from.origin}${from.pathname} ${message}`,
      expected: `an answer from ${from.host} itself`,
      found: `${status} to ${to ? `${to.protocol}//${to.host}` : location.slice(0, 100)}`,
      hint,
      code: String(status),
      exitCode: 1,
    });
  if (redirects >= MAX_REDIRECTS) throw refuse("redirects without end", "correct the address");
  const trusted = to !== undefined && isTrusted(to, policy);
  // A POST that is redirected otherwise would become a GET, or carry its body to somebody else.
  if (method === "POST" && !(trusted && (status === 307 || status === 308)))
    throw refuse("redirects a POST", "correct the address to the one it redirects to");
  if (trusted) return to;
  if (to && isAllowed(to, policy) && !(from.protocol === "https:" && to.protocol === "http:")) return to;
  const other = to && /^https?:$/.test(to.protocol) ? `; or add ${to.hostname} to allowHosts` : "";
  throw refuse(
    "redirects to another host",
    `credentials are not sent elsewhere: correct baseUrl, or log in again if this is a login page${other}`,
  );
}

function isAllowed(url: URL, policy: NetworkPolicy): boolean {
  try {
    checkUrl(url, policy);
    return true;
  } catch {
    return false;
  }
}

/** Whether a URL has the origin of a trusted one, or is the https in place of its http. */
export function isTrusted(url: URL, { trusted }: NetworkPolicy): boolean {
  return trusted.some((one) => one.origin === url.origin || (one.hostname === url.hostname && isUpgrade(one, url)));
}

function isUpgrade(from: URL, to: URL): boolean {
  return from.protocol === "http:" && to.protocol === "https:" && from.port === "" && to.port === "";
}

/** The URL that an answer of `from` names. Never http after https. */
export function leadTo(from: URL, link: string): URL {
  if (!URL.canParse(link, from.href)) {
    throw new UserError({
      message: `the answer of ${from.origin}${from.pathname} leads to something that is no URL`,
      expected: "http or https",
      found: link.slice(0, 20),
      exitCode: 1,
    });
  }
  const to = new URL(link, from);
  if (from.protocol !== "https:" || to.protocol !== "http:") return to;
  // Servers behind a proxy often do not know that they are reached by https.
  if (to.hostname === from.hostname && to.port === "") {
    to.protocol = "https:";
    to.port = from.port;
    return to;
  }
  throw new UserError({
    message: `the answer of ${from.origin}${from.pathname} leads to http`,
    expected: "https",
    found: to.origin,
    exitCode: 1,
  });
}

async function readAnswer(response: Response, url: URL): Promise<Answer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += (chunk as Uint8Array).byteLength;
    if (size > MAX_BODY_BYTES) throw tooLarge(url);
    chunks.push(chunk as Uint8Array);
  }
  return { url, status: response.status, headers: response.headers, body: Buffer.concat(chunks) };
}

export function tooLarge(url: URL): UserError {
  return new UserError({
    message: `the answer of ${url.origin}${url.pathname} is too large`,
    expected: `at most ${MAX_BODY_BYTES / 1024 / 1024} MB an answer, unpacked`,
    hint: "ask for less at a time, such as smaller pages (rest.paging.limit)",
    exitCode: 1,
  });
}
