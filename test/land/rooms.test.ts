import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";

const land = resolve(import.meta.dirname, "../../src/land");
/** From the ground up: a room knows those before it. */
const rooms = ["table", "ledger", "check", "write", "load", "connectors"];

const filesOf = (folder: string) => readdirSync(folder).filter((name) => name.endsWith(".ts"));

test("the rooms of landing are these", () => {
  const found = readdirSync(land, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  expect(found.map(({ name }) => name).sort()).toEqual([...rooms].sort());
});

test("each room of landing knows only those below it", () => {
  const wrong = rooms.flatMap((room, floor) =>
    filesOf(join(land, room)).flatMap((name) =>
      [...readFileSync(join(land, room, name), "utf8").matchAll(/"\.\.\/(\w[\w-]*)(?:\/|\.ts)/g)]
        .map(([, other]) => other!)
        .filter((other) => rooms.indexOf(other) === -1 || rooms.indexOf(other) > floor)
        .map((other) => `${room}/${name} knows ${other}`),
    ),
  );
  expect(wrong).toEqual([]);
});

test("whether a load is a dry run is asked once, where its sink is chosen", () => {
  const files = ["", ...rooms].flatMap((room) => filesOf(join(land, room)).map((name) => join(room, name)));
  const asking = files.flatMap((name) =>
    readFileSync(join(land, name), "utf8")
      .split("\n")
      .filter((line) => /dryRun(?!\?:)/.test(line))
      .map((line) => `${name}: ${line.trim()}`),
  );
  expect(asking).toEqual([
    "ingest.ts: dryRun: options.dryRun ?? false,",
    expect.stringMatching(/^ingest\.ts: const sink: Sink = options\.dryRun \?/),
  ]);
});
