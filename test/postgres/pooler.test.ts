import { expect, test } from "vitest";
import type { ConnectionSettings } from "../../src/model/connection-settings.ts";
import { refuseUnkept } from "../../src/postgres/pooler.ts";

const settings = { host: "pool", port: 6432, user: "u", database: "d" } as ConnectionSettings;
const kept = { processId: 7, isOpen: false, isBehind: false };

test("a session that keeps its process, its commits and its server is one", () => {
  expect(() => refuseUnkept(settings, 7, kept)).not.toThrow();
});

test.each([
  ["moves to another process, though the number it gave was the server's", { processId: 8 }, "and is in 8"],
  ["leaves what was written in a transaction of its own", { isOpen: true }, "and did not end it"],
  ["reads from a server that is behind", { isBehind: true }, "which is behind"],
])("a pooler that %s is refused", (_, seen, found) => {
  expect(() => refuseUnkept(settings, 7, { ...kept, ...seen })).toThrow(
    expect.objectContaining({ found: expect.stringContaining(found) }),
  );
});
