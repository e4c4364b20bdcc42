import type { LookupAddress, lookup as lookupWithCallback } from "node:dns";
import { lookup as lookupName } from "node:dns/promises";
import { BlockList, isIP } from "node:net";
import type { Readable } from "node:stream";
import { buildConnector, type Dispatcher, EnvHttpProxyAgent, request } from "undici";
import { UserError } from "../../model/errors.ts";

/** Where requests of one source may go. */
export interface NetworkPolicy {
  /** Addresses that the author of the declaration wrote: they may be private, such as http://localhost:8080. */
  readonly trusted: readonly URL[];
  /**
   * Other hosts that the source may lead to: "cdn.example.com", "*.example.com", with or without a port. Names must have
   * public addresses; a private one has to be written as the address itself, or as localhost.
   */
  readonly allowHosts?: readonly string[];
  /** In place of DNS, for tests. */
  readonly lookup?: (hostname: string) => Promise<readonly LookupAddress[]>;
}

const CONNECT_TIMEOUT_MS = 10_000;
const MAX_REDIRECTS = 5;

const reserved = new BlockList();
const reservedIPv4 =
  "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 " +
  // 168.63.129.16 is the metadata service of one cloud, at a public address.
  "192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4 168.63.129.16/32";
// Teredo, ORCHID and the like, documentation, 6to4.
const reservedIPv6 = "2001::/23 2001:db8::/32 2002::/16 3fff::/20";
for (const subnet of `${reservedIPv4} ${reservedIPv6}`.split(" ")) {
  const [address, bits] = subnet.split("/");
  reserved.addSubnet(address!, Number(bits), address!.includes(":") ? "ipv6" : "ipv4");
}
/** What is outside of it is local, mapped, translated, multicast or not yet given out. */
const globalIPv6 = new BlockList();
globalIPv6.addSubnet("2000::", 3, "ipv6");

/** Whether an IP address, IPv4 or IPv6, belongs to the public internet. */
export function isPublicAddress(address: string): boolean {
  const version = isIP(address);
  if (version === 4) return !reserved.check(address, "ipv4");
  return version === 6 && globalIPv6.check(address, "ipv6") && !reserved.check(address, "ipv6");
}

/** Throws a UserError for a URL that the policy does not allow, as far as the URL itself tells. */
export function checkUrl(url: URL, policy: NetworkPolicy): void {
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw refused(url, "http or https", url.protocol.slice(0, 40));
  }
  if (url.username !== "" || url.password !== "") throw refused(url, "no user name in the URL", "a user name");
  if (isTrusted(url, policy)) return;
  const entry = policy.allowHosts?.find((one) => allows(one, url));
  if (entry === undefined) {
    const allowed = [...policy.trusted.map(({ host }) => host), ...(policy.allowHosts ?? [])].join(", ");
    throw refused(url, allowed, url.host, `add ${url.hostname} to allowHosts if that is right`);
  }
  if (namesPrivateAddress(entry)) return;
  const address = literalAddress(url);
  if (address !== undefined && !isPublicAddress(address)) throw notPublic(url, address);
}

/**
 * Follows the policy on every connection, whatever name leads to it: a host is looked up once, all of its addresses are
 * checked, and the socket goes to one of those. Through a proxy (HTTP_PROXY, HTTPS_PROXY, NO_PROXY) the proxy looks up.
 */
export function guardedDispatcher(policy: NetworkPolicy): Dispatcher {
  const connect: buildConnector.connector = (options, callback) => {
    const { protocol, hostname, port } = options;
    const url = new URL(`${protocol}//${hostname.includes(":") ? `[${hostname}]` : hostname}${port ? `:${port}` : ""}`);
    addressesOf(url, policy).then(
      (addresses) => {
        const pinned: typeof lookupWithCallback = ((_name: string, { all }: { all?: boolean }, found: Found) =>
          all ? found(null, addresses) : found(null, addresses[0]!.address, addresses[0]!.family)) as never;
        buildConnector({ timeout: CONNECT_TIMEOUT_MS, lookup: pinned })(options, callback);
      },
      (error: Error) => callback(error, null),
    );
  };
  return new EnvHttpProxyAgent({ connect });
}

type Found = (error: null, address: string | readonly LookupAddress[], family?: number) => void;

/** The addresses a connection to the URL may use. */
async function addressesOf(url: URL, policy: NetworkPolicy): Promise<readonly LookupAddress[]> {
  checkUrl(url, policy);
  const literal = literalAddress(url);
  if (literal !== undefined) return [{ address: literal, family: isIP(literal) }];
  const addresses = await (policy.lookup ?? ((name) => lookupName(name, { all: true })))(url.hostname);
  if (addresses.length === 0) throw new Error(`${url.hostname} has no address`);
  if (isTrusted(url, policy) || policy.allowHosts?.some((one) => allows(one, url) && namesPrivateAddress(one))) {
    return addresses;
  }
  const wrong = addresses.find(({ address }) => !isPublicAddress(address));
  if (wrong) throw notPublic(url, wrong.address);
  return addresses;
}

export interface GuardedRequest {
  readonly dispatcher: Dispatcher;
  readonly policy: NetworkPolicy;
  readonly method?: "GET" | "HEAD" | "PUT";
  /** What is sent, anew for each address that it is sent to. */
  readonly body?: () => Readable;
  readonly headers?: Readonly<Record<string, string>>;
  /** Headers that only the first URL's own origin gets. */
  readonly credentials?: Readonly<Record<string, string>>;
  /** To connect, for the headers, and between two chunks of the body. */
  readonly timeoutSeconds: number;
}

/**
 * One request with the redirects it leads to, each of them checked. The body is not decoded. Network failures are thrown
 * as undici throws them.
 */
export async function guardedRequest(url: URL, options: GuardedRequest): Promise<Dispatcher.ResponseData> {
  const { dispatcher, policy, method = "GET", timeoutSeconds } = options;
  let headers = { ...options.headers, ...options.credentials };
  let target = url;
  for (let redirects = 0; ; redirects++) {
    checkUrl(target, policy);
    const answer = await request(target, {
      dispatcher,
      method,
      headers,
      ...(options.body ? { body: options.body() } : {}),
      headersTimeout: timeoutSeconds * 1000,
      bodyTimeout: timeoutSeconds * 1000,
    });
    const { location } = answer.headers;
    if (![301, 302, 303, 307, 308].includes(answer.statusCode) || typeof location !== "string") return answer;
    // Waits for the short page that comes with most redirects, and no longer than for that.
    await answer.body.dump({ limit: 64 * 1024 });
    const next = redirectTarget(target, location, redirects);
    // Once away from its origin a request never gets its credentials back.
    if (!sameOrigin(target, next)) headers = { ...options.headers };
    target = next;
  }
}

function redirectTarget(from: URL, location: string, redirects: number): URL {
  const wrong = (message: string, expected: string) =>
    new UserError({ message: `${from.origin}${from.pathname} ${message}`, expected, exitCode: 1 });
  if (redirects >= MAX_REDIRECTS) throw wrong("redirects without end", `at most ${MAX_REDIRECTS} redirects`);
  if (!URL.canParse(location, from.href)) throw wrong("redirects to something that is no URL", "http or https");
  const to = new URL(location, from);
  if (from.protocol === "https:" && to.protocol === "http:") throw wrong("redirects to http", "https");
  return to;
}

function isTrusted(url: URL, { trusted }: NetworkPolicy): boolean {
  return trusted.some((one) => sameOrigin(one, url));
}

/** The same scheme, host and port, or the same host's https in place of its http. */
function sameOrigin(from: URL, to: URL): boolean {
  const upgraded = from.protocol === "http:" && to.protocol === "https:" && from.port === "" && to.port === "";
  return from.origin === to.origin || (upgraded && from.hostname === to.hostname);
}

function allows(entry: string, url: URL): boolean {
  const wildcard = entry.startsWith("*.");
  const written = `${url.protocol}//${wildcard ? entry.slice(2) : entry}`;
  if (!URL.canParse(written)) return false;
  const { hostname, port } = new URL(written);
  if (port !== "" && port !== url.port) return false;
  return wildcard ? url.hostname.endsWith(`.${hostname}`) : url.hostname === hostname;
}

/** An allowed host whose privacy anybody who reads the declaration can see. */
function namesPrivateAddress(entry: string): boolean {
  const host = entry.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
  return host === "localhost" || isIP(host) !== 0;
}

/** WHATWG URLs have every way to write an IPv4 address (octal, hexadecimal, one number) in the plain one already. */
function literalAddress(url: URL): string | undefined {
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  return isIP(host) === 0 ? undefined : host;
}

function notPublic(url: URL, address: string): UserError {
  return refused(url, "a public address", address, "the source leads into a private network");
}

function refused(url: URL, expected: string, found: string, hint?: string): UserError {
  const place = url.host === "" ? url.protocol : `${url.protocol}//${url.host}`;
  return new UserError({
    message: `the source leads to ${place}, which is not allowed`,
    expected,
    found,
    ...(hint === undefined ? {} : { hint }),
    exitCode: 1,
  });
}
