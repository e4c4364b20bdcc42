import { chmodSync, chownSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseConnectionUrl, resolveConnection } from "../../src/config/connection.ts";
import { type ConnectionSettings, connectionUrl } from "../../src/model/connection-settings.ts";
import { withClient } from "../../src/postgres/client.ts";
import { freePort } from "../../src/postgres/embedded/port.ts";
import { embeddedStatus, startEmbedded, stopEmbedded } from "../../src/postgres/embedded/server.ts";
import { script } from "../../src/sql/authored.ts";
import { sql } from "../../src/sql/sql.ts";
import { makeAuthority, makeCertificate } from "../support/certificates.ts";
import { resetProject } from "../support/embedded.ts";

// One server of its own, whose pg_hba.conf says by the user how one may come in.

const authority = makeAuthority("the authority");
const stranger = makeAuthority("another authority");
const server = makeCertificate(authority, "db.example", ["db.example"]);
const client = makeCertificate(authority, "with_certificate");
const hba = `hostssl all only_tls all scram-sha-256
hostnossl all only_plain all scram-sha-256
hostssl all only_plain all reject
hostnossl all only_tls all reject
hostssl all with_certificate all cert
local all all trust
host all all all scram-sha-256
`;

let settings: ConnectionSettings;
const files = mkdtempSync(join(tmpdir(), "dataform-tls-"));

beforeAll(async () => {
  chmodSync(files, 0o755);
  const stateDir = join(files, ".dataform");
  settings = await startEmbedded(stateDir);
  const { dataDir } = await embeddedStatus(stateDir);
  const { uid, gid } = statSync(dataDir);
  const put = (folder: string, name: string, text: string, mode = 0o600) => {
    writeFileSync(join(folder, name), text, { mode });
    if (folder === dataDir) chownSync(join(folder, name), uid, gid);
  };
  put(dataDir, "server.crt", server.certificate);
  put(dataDir, "server.key", server.key);
  put(dataDir, "root.crt", authority.certificate);
  put(dataDir, "pg_hba.conf", hba);
  put(files, "ca.crt", authority.certificate);
  put(files, "stranger.crt", stranger.certificate);
  put(files, "client.crt", client.certificate);
  put(files, "client.key", client.key);
  await withClient(settings, {}, async (session) => {
    for (const user of ["only_tls", "only_plain", "with_certificate"])
      await session.query(script(`create role ${user} login password 'secret'`));
    await session.query(sql`alter system set ssl_ca_file = 'root.crt'`);
    await session.query(sql`alter system set ssl = on`);
  });
  await stopEmbedded(stateDir);
  settings = await startEmbedded(stateDir);
}, 60_000);

afterAll(async () => {
  await resetProject(files);
  rmSync(files, { recursive: true, force: true });
});

/** How one comes in: "TLS", "plain", or what is said to a person. */
async function over(query: Readonly<Record<string, string>>, user = "postgres", host = "127.0.0.1"): Promise<string> {
  const password = user === "postgres" ? settings.password : "secret";
  const url = new URL(`postgresql://${user}:${password}@${host}:${settings.port}/dataform`);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return how(parseConnectionUrl(url.href, "--url"));
}

async function how(given: ConnectionSettings): Promise<string> {
  try {
    return await withClient(given, {}, async (session) => {
      const { rows } = await session.query<{ ssl: string }>(
        sql`select ssl from pg_stat_ssl where pid = pg_backend_pid()`,
      );
      return rows[0]!.ssl === "t" ? "TLS" : "plain";
    });
  } catch (error) {
    const { message, found, hint } = error as { message: string; found?: string; hint?: string };
    return [message, found, hint].join("\n");
  }
}

const named = (name: string) => join(files, name);

test("TLS is tried first without a word, and each mode falls back as for psql", async () => {
  expect(await over({})).toBe("TLS");
  expect(await over({ sslmode: "prefer" })).toBe("TLS");
  expect(await over({ sslmode: "allow" })).toBe("plain");
  expect(await over({ sslmode: "disable" })).toBe("plain");
  expect(await over({}, "only_plain")).toBe("plain");
  expect(await over({ sslmode: "allow" }, "only_tls")).toBe("TLS");
  expect(await over({ sslmode: "disable" }, "only_tls")).toContain("no encryption");
  expect(await over({ sslmode: "require" }, "only_plain")).toContain("SSL encryption");
  // A wrong password is not sent again without TLS.
  expect(await how({ ...settings, user: "only_tls", password: "wrong" })).toContain(
    'password authentication failed for user "only_tls"\ncheck the password',
  );
});

test("verify-ca asks who signed the certificate, verify-full also whom it is for, and an untrusted one gets advice", async () => {
  const ca = { sslrootcert: named("ca.crt") };
  expect(await over({ sslmode: "verify-ca", ...ca })).toBe("TLS");
  expect(await over({ sslmode: "require", ...ca })).toBe("TLS");
  expect(await over({ sslmode: "verify-full", ...ca })).toMatch(
    /does not match certificate's altnames[\s\S]*name the host as its certificate does/,
  );
  expect(await over({ sslmode: "verify-full", hostaddr: "127.0.0.1", ...ca }, "postgres", "db.example")).toBe("TLS");
  const stranger = { sslrootcert: named("stranger.crt") };
  for (const sslmode of ["require", "verify-ca", "verify-full"])
    expect(await over({ sslmode, ...stranger })).toContain("by sslrootcert=file (PGSSLROOTCERT)");
  expect(await over({ sslmode: "verify-full" }, "postgres", "localhost")).toContain("by sslrootcert=file");
  // As for psql: whoever only prefers TLS goes without where it cannot be had.
  expect(await over(stranger)).toBe("plain");
  expect(await over(stranger, "only_tls")).toContain("by sslrootcert=file");
});

test("what names no certificate, or not all of one, is refused before a connection is made", () => {
  const read = (query: string) => () => parseConnectionUrl(`postgresql://h/d?${query}`, "--url");
  expect(read("sslmode=verify-ca")).toThrow("sslmode=verify-ca needs a root certificate");
  expect(read("sslrootcert=system&sslmode=require")).toThrow("sslrootcert=system needs sslmode=verify-full");
  expect(read("sslrootcert=/nowhere.crt")).toThrow("cannot read the root certificate /nowhere.crt");
  expect(read(`sslcert=${named("client.crt")}`)).toThrow("a certificate needs its key");
  expect(read("sslnegotiation=direct")).toThrow("sslnegotiation=direct needs sslmode=require");
});

test("a client's certificate, TLS from the first byte and a password bound to it are done", async () => {
  const certificate = { sslmode: "require", sslcert: named("client.crt"), sslkey: named("client.key") };
  expect(await over(certificate, "with_certificate")).toBe("TLS");
  expect(await over({ sslmode: "require" }, "with_certificate")).toContain("look at sslmode and sslcert");
  expect(await over({ sslmode: "require", sslnegotiation: "direct" })).toBe("TLS");
  expect(await over({ sslmode: "require", ssl_min_protocol_version: "TLSv1.3" })).toBe("TLS");
  expect(await over({ sslmode: "require", channel_binding: "require" })).toBe("TLS");
  expect(await over({ sslmode: "disable", channel_binding: "require" })).toContain("cannot bind the password");
});

test("credentials of Dataform 2 are encrypted without a word, and say what to do where the server has no TLS", async () => {
  const { host, port, user, password, database } = settings;
  const credentials = (more: object) =>
    writeFileSync(
      join(files, ".df-credentials.json"),
      JSON.stringify({ host, port, username: user, password, databaseName: database, ...more }),
    );
  const chosen = (env: Record<string, string> = {}) => how(resolveConnection(env, { projectDir: files })!);
  credentials({});
  expect(await chosen()).toBe("TLS");
  expect(await chosen({ PGSSLMODE: "disable" })).toBe("plain");
  credentials({ ssl: { serverCertificate: authority.certificate } });
  expect(await chosen()).toBe("TLS");
  credentials({ ssl: { serverCertificate: stranger.certificate } });
  expect(await chosen()).toContain("by sslrootcert=file");
});

test("of several servers the first that answers and will do is taken, also by what cancels", async () => {
  const closed = await freePort();
  const several = (query: string) =>
    parseConnectionUrl(
      `postgresql://postgres:${settings.password}@127.0.0.1:${closed},127.0.0.1:${settings.port}/dataform?${query}`,
      "--url",
    );
  expect(await how(several(""))).toBe("TLS");
  expect(await how(several("target_session_attrs=read-write"))).toBe("TLS");
  expect(await how(several("target_session_attrs=prefer-standby"))).toBe("TLS");
  expect(await how(several("target_session_attrs=standby"))).toMatch(
    /ECONNREFUSED.*; .*: this server is not standby\ntarget_session_attrs asks for it/,
  );
  await withClient(several(""), {}, async (session) => {
    const asleep = session.query(sql`select pg_sleep(600)`);
    const ended = expect(asleep).rejects.toMatchObject({ code: "57014" });
    await expect
      .poll(async () => {
        await session.cancel();
        return true;
      })
      .toBe(true);
    await ended;
  });
});

test("options, application_name and a service count; our own name of a session stands first", async () => {
  const url = `${connectionUrl(settings, { password: true })}?application_name=nightly&options=-c%20work_mem%3D77MB`;
  await withClient(parseConnectionUrl(url, "--url"), { applicationName: "dataform-run-1" }, async (session) => {
    const { rows } = await session.query(
      sql`select current_setting('application_name') as name, current_setting('work_mem') as work_mem`,
    );
    expect(rows).toEqual([{ name: "dataform-run-1 nightly", work_mem: "77MB" }]);
  });
});
