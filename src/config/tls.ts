import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { SSL_MODES, type SslMode, type Tls } from "../model/connection-settings.ts";
import { UserError } from "../model/errors.ts";
import { nearest } from "../model/nearest.ts";
import type { ConnectionParameter, ConnectionParameters } from "./libpq.ts";

/**
 * TLS by libpq's rules: without a word `prefer`; where a root certificate is named or lies in `~/.postgresql`, the server's
 * certificate must lead to it, and with `verify-full` be for the host, too.
 */
export function readTls(given: ConnectionParameters): Tls {
  const system = given.get("sslrootcert")?.value === "system";
  const mode = modeOf(given, system);
  const root = system ? undefined : (given.get("sslrootcert") ?? byDefault("root.crt"));
  // As libpq does: whoever trusts all of the world's authorities must ask for the host.
  if (system && mode !== "verify-full")
    throw new UserError({
      message: `${said(given, "sslrootcert")}: sslrootcert=system needs sslmode=verify-full`,
      found: `sslmode=${mode}`,
    });
  if (mode === "verify-ca" && !root)
    throw new UserError({
      message: `${said(given, "sslmode")}: sslmode=verify-ca needs a root certificate`,
      expected: "sslrootcert=file, or ~/.postgresql/root.crt",
      hint: "get the certificate of the authority from whoever runs the server, or write verify-full, which trusts whom Node trusts",
    });
  const cert = given.get("sslcert") ?? byDefault("postgresql.crt");
  const key = cert && (given.get("sslkey") ?? byDefault("postgresql.key"));
  if (given.has("sslcert") && !key)
    throw new UserError({ message: `${said(given, "sslcert")}: a certificate needs its key`, hint: "add sslkey=file" });
  const files = { ca: root, cert, key, crl: given.get("sslcrl") ?? byDefault("root.crl") };
  // Without TLS their absence is nobody's business.
  const texts = mode === "disable" ? {} : textsOf(files);
  const rest = {
    passphrase: given.get("sslpassword")?.value,
    minVersion: given.get("ssl_min_protocol_version")?.value,
    maxVersion: given.get("ssl_max_protocol_version")?.value,
    direct: directly(given, mode),
  };
  const set = Object.entries(rest).filter(([, value]) => value !== undefined);
  return { mode, ...texts, ...Object.fromEntries(set) };
}

function modeOf(given: ConnectionParameters, system: boolean): SslMode {
  const word = given.get("sslmode");
  // JDBC's word, which libpq takes as well.
  if (!word) return given.has("ssl") ? "require" : system ? "verify-full" : "prefer";
  const mode = SSL_MODES.find((one) => one === word.value);
  if (mode) return mode;
  const meant = nearest(word.value, SSL_MODES);
  throw new UserError({
    message: `${word.from}: unknown sslmode`,
    expected: SSL_MODES.join(", "),
    found: word.value,
    hint: word.value === "no-verify" ? "require encrypts without verifying" : meant && `did you mean ${meant}?`,
  });
}

function directly(given: ConnectionParameters, mode: SslMode): true | undefined {
  if (given.get("sslnegotiation")?.value !== "direct") return undefined;
  if (mode === "require" || mode.startsWith("verify")) return true;
  throw new UserError({
    message: `${said(given, "sslnegotiation")}: sslnegotiation=direct needs sslmode=require or more`,
    found: `sslmode=${mode}`,
  });
}

const said = (given: ConnectionParameters, name: string) => given.get(name)?.from ?? "the connection";

/** What libpq looks for in the home folder. */
function byDefault(name: string): ConnectionParameter | undefined {
  const path = join(homedir(), ".postgresql", name);
  return existsSync(path) ? { value: path, from: path } : undefined;
}

function textsOf(
  files: Readonly<Record<string, ConnectionParameter | undefined>>,
): Partial<Record<"ca" | "cert" | "key" | "crl", string>> {
  const read = Object.entries(files).filter(([, file]) => file !== undefined);
  return Object.fromEntries(read.map(([name, file]) => [name, textOf(file!, name)]));
}

const NAMES: Readonly<Record<string, string>> = {
  ca: "the root certificate",
  cert: "the client's certificate",
  key: "the client's key",
  crl: "the revoked certificates",
};

function textOf({ value: path, from }: ConnectionParameter, name: string): string {
  // What a credentials file holds is the text itself.
  if (path.includes("-----BEGIN")) return path;
  try {
    return readFileSync(path.replace(/^~(?=\/)/, homedir()), "utf8");
  } catch (cause) {
    throw new UserError({
      message: `${from}: cannot read ${NAMES[name]} ${path}`,
      found: (cause as Error).message,
      hint: "check the path and its permissions",
      cause,
    });
  }
}
