import { UserError } from "../model/errors.ts";
import { percentDecoded } from "../model/percent.ts";
import { type ConnectionParameters, givenBy, layered } from "./libpq.ts";

/**
 * Reads `postgresql://user:password@host:5432,host2:5433/database?sslmode=…` as libpq does: several hosts, a Unix socket
 * as `%2Fvar%2Frun%2Fpostgresql`, any parameter behind the question mark. `source` names the setting in messages.
 */
export function readUrl(url: string, source: string): ConnectionParameters {
  const scheme = /^([a-z][a-z0-9+.-]*):(\/\/)?/i.exec(url);
  if (!scheme) throw badUrl(source, url === "" ? "nothing" : "text that is not a URL");
  const isOurs = /^postgres(ql)?$/i.test(scheme[1]!);
  if (!scheme[2]) throw badUrl(source, isOurs ? "a URL without // after the colon" : "text that is not a URL");
  if (!isOurs) throw badUrl(source, `a URL that begins with ${scheme[1]}://`);
  if (/\s/.test(url)) throw badUrl(source, "white space (write %20)");
  const [, userinfo = "", hosts = "", database = "", query = ""] = PARTS.exec(url.slice(scheme[0].length))!;
  // libpq would take the beginning of such a password for a host, a port or a parameter, and tell it.
  if (database.includes("@") || (userinfo === "" && hosts.includes(":") && query.includes("@")))
    throw badUrl(source, "an @ behind a / or a ? (in a password, write %2F for /, %3F for ?, and %40 for @)");
  const [user = "", ...password] = userinfo.split(":");
  const named = [...hostsOf(hosts, source), ["user", user], ["password", password.join(":")], ["dbname", database]];
  const decoded = named.map(([name, value]) => [name!, decode(value!, source)] as const);
  const parameters = query.split("&").filter(Boolean);
  return layered(
    givenBy(
      parameters.map((pair) => parameterOf(pair, source)),
      source,
    ),
    givenBy(
      decoded.filter(([, value]) => value !== ""),
      source,
    ),
  );
}

/** user:password, hosts, database, query. A password may have an @, as long as it has no slash. */
const PARTS = /^(?:([^/?]*)@)?([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/;

/** `a:1,b` → hosts "a,b", ports "1,". */
function hostsOf(text: string, source: string): [string, string][] {
  if (text === "") return [];
  const hosts = text.split(",").map((one) => {
    const match = /^(\[[^\]]*\]|[^:[\]]*)(?::(.*))?$/.exec(one);
    if (!match) throw badUrl(source, "a host with a bracket in it (an IPv6 address stands in brackets)");
    return { host: match[1]!.replace(/^\[|\]$/g, ""), port: match[2] ?? "" };
  });
  const list = (values: string[]) => (values.some(Boolean) ? values.join(",") : "");
  return [
    ["host", list(hosts.map(({ host }) => host))],
    ["port", list(hosts.map(({ port }) => port))],
  ];
}

function parameterOf(pair: string, source: string): [string, string] {
  const at = pair.indexOf("=");
  if (at < 1) throw badUrl(source, "a parameter behind the question mark without a name or a value");
  // A plus sign is a plus sign, as for libpq.
  return [decode(pair.slice(0, at), source), decode(pair.slice(at + 1), source)];
}

function decode(part: string, source: string): string {
  const text = percentDecoded(part);
  if (text === undefined) throw badUrl(source, "a % sign that is not an escape (write %25)");
  return text;
}

function badUrl(source: string, found: string): UserError {
  return new UserError({
    message: `${source} is not a PostgreSQL connection URL`,
    expected: "postgresql://user:password@host:5432/database",
    found,
    hint: `correct ${source}, or write embedded for the embedded PostgreSQL`,
  });
}
