import { expect, test } from "vitest";
import { diagnose } from "../../../src/cli/doctor/diagnose.ts";
import type { DatabaseFacts, Facts, ServerFacts } from "../../../src/cli/doctor/facts.ts";

// What no server of a test is: far away, a standby, too old, without TLS on another machine, with another clock.

const server: ServerFacts = {
  way: {},
  login: 5,
  roundTrip: 0.3,
  version: "18.4",
  versionNumber: 180_004,
  encoding: "UTF8",
  user: "me",
  isSuperuser: false,
  isStandby: false,
  settings: { track_counts: "on", statement_timeout: "0", default_transaction_read_only: "off" },
  connectionsLeft: 97,
  connectionsLimit: "max_connections",
  concurrency: 4,
  locks: { setting: 64, objects: 9_000 },
  timeZone: "Etc/UTC",
  ownTimeZone: "UTC",
  clockAhead: 0,
  databaseBytes: 8_000_000,
  rights: [{ user: "me", mayMakeSchemas: false, schemas: [{ name: "marts", isThere: true, mayCreate: true }] }],
  roles: [],
  record: { environment: "main", layout: 0, newestLayout: 8 },
};

const facts: Facts & { readonly server: ServerFacts } = {
  program: { version: "1.0.0", node: "22.1.0", nodeNeeded: ">=20.19" },
  project: {
    folder: "/shop",
    file: "dataform.json",
    actions: 2,
    models: 2,
    tests: 0,
    schemas: [],
    mistakes: [],
    notes: 0,
  },
  database: { where: "postgresql://me@db:5432/shop (--url)", host: "db", verifies: "host" },
  server: { ...server, way: { tls: "TLSv1.3" } },
};

/** What is not all right about the facts with these changes. */
function wrongOf(changes: Partial<ServerFacts>, others: Partial<Facts> = {}): string[] {
  const { findings } = diagnose({ ...facts, server: { ...facts.server, ...changes }, ...others });
  return findings.flatMap(({ check, level, found }) => (level === "ok" ? [] : [`${level} ${check}: ${found}`]));
}

test("facts without a fault are all right, and the worst finding is the status", () => {
  expect(wrongOf({})).toEqual([]);
  expect(diagnose(facts).status).toBe("ok");
  expect(diagnose({ ...facts, server: { ...facts.server, roundTrip: 80 } }).status).toBe("warning");
  expect(diagnose({ ...facts, server: { ...facts.server, roundTrip: 80, isStandby: true } }).status).toBe("error");
});

test.each<[string, Partial<ServerFacts>, string]>([
  ["a standby", { isStandby: true }, "error writing: this server is a standby, which nobody can write to"],
  [
    "a server before 15",
    { version: "14.2", versionNumber: 140_002 },
    "error version: this PostgreSQL is too old: expected version 15 or newer, found version 14.2",
  ],
  [
    "a way that is not encrypted",
    { way: {} },
    "warning encryption: none: who is between this machine and db can read and change what is sent",
  ],
  ["one that is far", { roundTrip: 80 }, "warning round trip: 80 ms"],
  [
    "a clock ahead",
    { clockAhead: 125_000 },
    "warning clock: the server's is 2m 5s ahead of this machine's; both in UTC",
  ],
  [
    "a clock behind",
    { clockAhead: -5_000, timeZone: "Asia/Tokyo" },
    "warning clock: the server's is 5s behind this machine's; the server is in Asia/Tokyo, whose day current_date is, and this machine in UTC",
  ],
  [
    "little room for locks",
    { locks: { setting: 1, objects: 5 } },
    "warning locks: 2 models may be too many to publish in one commit: the server has no room for so many locks: expected about 6 locks in one transaction, found room for 5, with max_locks_per_transaction = 1",
  ],
])("%s is told", (_, changes, wrong) => {
  expect(wrongOf(changes)).toEqual([wrong]);
});

test("on this machine, or by a socket, nothing need be encrypted", () => {
  for (const host of ["localhost", "127.0.0.1", "::1", "/var/run/postgresql"])
    expect(wrongOf({ way: {} }, { database: { ...facts.database, host } })).toEqual([]);
});

test("what TLS asks of the server is said", () => {
  const encryption = (verifies: DatabaseFacts["verifies"]) => {
    const { findings } = diagnose({ ...facts, database: { ...facts.database, verifies } });
    return findings.find(({ check }) => check === "encryption")?.found;
  };
  expect(encryption("host")).toBe("TLSv1.3, and the certificate is for db");
  expect(encryption("signer")).toBe("TLSv1.3, and a known authority signed the certificate");
  expect(encryption("nothing")).toBe("TLSv1.3; whose server it is nobody asks (sslmode=verify-full does)");
});

test("Node is compared with what package.json wants by its numbers", () => {
  const program = (node: string) => ({ program: { ...facts.program, node } });
  for (const node of ["20.19.0", "20.20.1", "22.0.0", "100.1.0"]) expect(wrongOf({}, program(node))).toEqual([]);
  for (const node of ["20.9.0", "18.20.0"])
    expect(wrongOf({}, program(node))).toEqual([
      `error Node: Node ${node} is too old: expected version 20.19 or newer`,
    ]);
});

test("an embedded server that would not start, or has no room, is told though it is not started", () => {
  const embedded = { state: "stopped", version: "17", dataDir: "/shop/.dataform", crashed: true } as const;
  const told = (more: { readonly freeBytes: number; readonly trouble?: { readonly message: string } }) => {
    const { server: _, ...rest } = facts;
    const database = { host: "", verifies: "nothing", embedded: { ...embedded, ...more } } as const;
    return diagnose({ ...rest, database }).findings.filter(({ group }) => group === "connection");
  };
  expect(told({ freeBytes: 5e9 }).map(({ level }) => level)).toEqual(["ok", "ok"]);
  expect(told({ freeBytes: 5e9 })[0]!.found).toContain("it ended without saying goodbye");
  expect(told({ freeBytes: 1e6, trouble: { message: "it was made by 17" } }).map(({ level }) => level)).toEqual([
    "error",
    "warning",
  ]);
});
