import { UserError } from "../model/errors.ts";
import { nearest } from "../model/nearest.ts";

/** One of libpq's connection parameters, as in the query of a URL, in a service file, or by its variable. */
interface Parameter {
  readonly name: string;
  readonly variable?: string;
  /** What it may be; anything where it is not said. */
  readonly may?: readonly string[];
  /** Why it cannot be done at all. */
  readonly not?: string;
}

const NO_GSS = "this program has no GSSAPI";

/** All of libpq's parameters: each is done, or refused. */
export const LIBPQ: readonly Parameter[] = [
  { name: "host", variable: "PGHOST" },
  { name: "hostaddr", variable: "PGHOSTADDR" },
  { name: "port", variable: "PGPORT" },
  { name: "dbname", variable: "PGDATABASE" },
  { name: "user", variable: "PGUSER" },
  { name: "password", variable: "PGPASSWORD" },
  { name: "passfile", variable: "PGPASSFILE" },
  { name: "service", variable: "PGSERVICE" },
  { name: "servicefile", variable: "PGSERVICEFILE" },
  { name: "options", variable: "PGOPTIONS" },
  { name: "application_name", variable: "PGAPPNAME" },
  { name: "fallback_application_name" },
  { name: "connect_timeout", variable: "PGCONNECT_TIMEOUT" },
  { name: "target_session_attrs", variable: "PGTARGETSESSIONATTRS" },
  { name: "load_balance_hosts", variable: "PGLOADBALANCEHOSTS", may: ["disable"] },
  { name: "sslmode", variable: "PGSSLMODE" },
  { name: "ssl", may: ["true"] },
  { name: "sslrootcert", variable: "PGSSLROOTCERT" },
  { name: "sslcert", variable: "PGSSLCERT" },
  { name: "sslkey", variable: "PGSSLKEY" },
  { name: "sslpassword" },
  { name: "sslcrl", variable: "PGSSLCRL" },
  { name: "sslcrldir", variable: "PGSSLCRLDIR", not: "name one file by sslcrl" },
  { name: "sslsni", variable: "PGSSLSNI", may: ["1"] },
  { name: "sslcompression", variable: "PGSSLCOMPRESSION", may: ["0"] },
  { name: "sslcertmode", variable: "PGSSLCERTMODE", may: ["allow"] },
  { name: "sslnegotiation", variable: "PGSSLNEGOTIATION", may: ["postgres", "direct"] },
  { name: "ssl_min_protocol_version", variable: "PGSSLMINPROTOCOLVERSION", may: ["TLSv1.2", "TLSv1.3"] },
  { name: "ssl_max_protocol_version", variable: "PGSSLMAXPROTOCOLVERSION", may: ["TLSv1.2", "TLSv1.3"] },
  { name: "channel_binding", variable: "PGCHANNELBINDING" },
  { name: "client_encoding", variable: "PGCLIENTENCODING", may: ["UTF8", "utf8", "utf-8", "UTF-8", "auto"] },
  { name: "gssencmode", variable: "PGGSSENCMODE", may: ["disable", "prefer"] },
  { name: "krbsrvname", variable: "PGKRBSRVNAME", not: NO_GSS },
  { name: "gsslib", variable: "PGGSSLIB", not: NO_GSS },
  { name: "gssdelegation", variable: "PGGSSDELEGATION", not: NO_GSS },
  {
    name: "require_auth",
    variable: "PGREQUIREAUTH",
    not: "channel_binding=require keeps a password from a false server",
  },
  { name: "requirepeer", variable: "PGREQUIREPEER", not: "only psql can ask who owns a socket" },
  { name: "replication", not: "models are read by SQL" },
  { name: "keepalives", may: ["1"] },
  { name: "keepalives_idle", not: "set tcp_keepalives_idle of the server by options" },
  { name: "keepalives_interval", not: "set tcp_keepalives_interval of the server by options" },
  { name: "keepalives_count", not: "set tcp_keepalives_count of the server by options" },
  { name: "tcp_user_timeout", not: "set tcp_user_timeout of the server by options" },
];

/** A parameter's value, and where it was said: "PGSSLMODE in .env". */
export interface ConnectionParameter {
  readonly value: string;
  readonly from: string;
}

export type ConnectionParameters = ReadonlyMap<string, ConnectionParameter>;

/** What other programs put into a URL, and what to write instead. */
const OTHERS: Readonly<Record<string, string>> = {
  schema: "leave it out: the schema of models is defaultSchema in the project file",
  currentSchema: "leave it out: the schema of models is defaultSchema in the project file",
  search_path: "write options=-csearch_path%3Dname",
  pgbouncer: "leave it out",
  uselibpqcompat: "leave it out: sslmode means here what it means for libpq",
};

/**
 * Takes parameters by their names.
 * @throws UserError for one that libpq has not, or that cannot be done
 */
export function givenBy(entries: Iterable<readonly [string, string]>, from: string): ConnectionParameters {
  const given = new Map<string, ConnectionParameter>();
  for (const [name, value] of entries) {
    const parameter = LIBPQ.find((one) => one.name === name);
    if (!parameter) throw unknown(name, from);
    checkParameter(parameter, value, from);
    given.set(name, { value, from });
  }
  return given;
}

/** Takes the variables that are set; an empty one is as if it were not, as for libpq. */
export function givenByVariables(
  env: Readonly<Record<string, string | undefined>>,
  place: (name: string) => string,
): ConnectionParameters {
  const given = new Map<string, ConnectionParameter>();
  for (const parameter of LIBPQ) {
    const value = parameter.variable === undefined ? undefined : env[parameter.variable];
    if (!value) continue;
    const from = place(parameter.variable!);
    checkParameter(parameter, value, from);
    given.set(parameter.name, { value, from });
  }
  return given;
}

/** The first that says a parameter counts. */
export function layered(...layers: readonly ConnectionParameters[]): ConnectionParameters {
  return new Map(layers.toReversed().flatMap((layer) => [...layer]));
}

function checkParameter({ name, variable, may, not }: Parameter, value: string, from: string): void {
  const what = variable && from.startsWith(variable) ? from : `${from}: ${name}`;
  if (not !== undefined) throw new UserError({ message: `${what} cannot be done here`, found: value, hint: not });
  if (!may || may.includes(value)) return;
  const load =
    name === "load_balance_hosts" ? "write the servers in the order in which they are to be tried" : undefined;
  throw new UserError({
    message: `${what} is not what this program can do`,
    expected: may.join(" or "),
    found: value,
    hint: load ?? "correct it, or leave it out",
  });
}

function unknown(name: string, from: string): UserError {
  const names = LIBPQ.filter(({ not }) => not === undefined).map((one) => one.name);
  const meant = nearest(name, names);
  const other = Object.hasOwn(OTHERS, name) ? OTHERS[name] : undefined;
  return new UserError({
    message: `${from}: unknown parameter ${name}`,
    expected: "a connection parameter of libpq, as psql takes them",
    hint: other ?? (meant ? `did you mean ${meant}?` : "leave it out"),
  });
}
