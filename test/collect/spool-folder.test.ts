import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { Kept } from "../../src/collect/arriving.ts";
import { lineOf } from "../../src/collect/spool/lines.ts";
import { SpoolFolder } from "../../src/collect/spool/spool-folder.ts";

const kept = (n: number, text = `{"id":"${n}"}`): Kept => ({
  position: `event ${n}`,
  text,
  reason: n % 3 ? undefined : `is the ${n}th`,
  sending: { writeKey: "web", receivedAt: 1_790_000_000_000 + n, ...(n % 2 ? { sentAt: "2026-11-30T09:00:00Z" } : {}) },
});

function parent(): string {
  const folder = mkdtempSync(join(tmpdir(), "spool-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

const append = (folder: SpoolFolder, ...events: readonly Kept[]) =>
  folder.append(Buffer.from(events.map(lineOf).join("")));

async function allOf(folder: SpoolFolder): Promise<Kept[]> {
  const all: Kept[] = [];
  for (let at = 0; at < folder.end; ) {
    const { kept, next } = await folder.read(at, 2);
    all.push(...kept);
    at = next;
  }
  return all;
}

const fileOf = (parent: string, id: string) =>
  join(parent, id, readdirSync(join(parent, id)).find((name) => name !== "lock")!);

test("what is kept is read as it was, whatever stands in it", async () => {
  const folder = SpoolFolder.make(parent());
  const events = [
    kept(1),
    kept(2, 'line\nfeed \u0000 "q" ü \\'),
    kept(3, "x".repeat(9_000_000)),
    kept(4, "\ud800"),
    kept(5, ""),
  ];
  await append(folder, ...events);
  expect(await allOf(folder)).toEqual(events);
  await folder.remove();
});

test("whoever comes next has it, but not while somebody does; the end that a crash cut is none of it, what is damaged is told", async () => {
  const all = parent();
  const first = SpoolFolder.make(all);
  await append(first, kept(1), kept(2), kept(4));
  expect(SpoolFolder.takeLeft(all)).toEqual([]);
  await first.leave();
  const file = fileOf(all, first.id);
  const text = readFileSync(file, "utf8");
  appendFileSync(file, text.slice(0, 30));
  writeFileSync(file, readFileSync(file, "utf8").replace('"event 2"', '"event 9"'));
  const [next] = SpoolFolder.takeLeft(all);
  const read = await allOf(next!);
  expect(read.map(({ position }) => position)).toEqual(["event 1", "a line of a spool", "event 4"]);
  expect(read[1]!.reason).toContain("its checksum is another one");
  expect(read[1]!.text).toContain("event 9");
  // It goes on in another file, behind what was cut.
  await append(next!, kept(5));
  expect((await allOf(next!)).map(({ position }) => position)).toEqual([
    "event 1",
    "a line of a spool",
    "event 4",
    "event 5",
  ]);
  next!.forget(text.length);
  expect(readdirSync(join(all, first.id))).toHaveLength(3);
  next!.forget(next!.end);
  expect(readdirSync(join(all, first.id))).toHaveLength(2);
  await next!.remove();
  expect(readdirSync(all)).toEqual([]);
});

test("cut at any byte it is read up to there", async () => {
  const all = parent();
  const folder = SpoolFolder.make(all);
  await append(folder, kept(1), kept(2));
  await folder.leave();
  const file = fileOf(all, folder.id);
  const whole = readFileSync(file);
  const first = lineOf(kept(1)).length;
  for (let length = whole.length; length >= 0; length -= 7) {
    truncateSync(file, length);
    const [next] = SpoolFolder.takeLeft(all);
    expect((await allOf(next!)).length, `${length} bytes`).toBe(length === whole.length ? 2 : length >= first ? 1 : 0);
    await next!.leave();
  }
});
