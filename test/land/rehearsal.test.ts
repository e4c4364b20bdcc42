import { expect, test } from "vitest";
import { type FileIngest, fileIngest } from "../support/ingest-files.ts";

const header = "id,customer,amount,day\n";
const some = (count: number) =>
  header + Array.from({ length: count }, (_, n) => `${n},c${n},1.50,2026-01-01\n`).join("");
const figures = ({ status, rows, rejected, reasons }: Awaited<ReturnType<FileIngest["load"]>>) => ({
  status,
  rows,
  rejected,
  reasons,
});

test.each([
  ["csv", `${some(3)}x,c,1,2026-01-01\n`],
  ["ndjson", '{"id":1}\n{"id":"x"}\n{"id":2,"customer":"a\\nb"}\n'],
  ["json", '[{"id":1},{"id":"x"}]'],
])("a dry run of %s tells what the load then does, and leaves nothing", async (format, text) => {
  const { put, load, rows } = await fileIngest(`format: ${format}`);
  put({ "a.x": text });
  const rehearsed = await load({ dryRun: true });
  expect(rehearsed.loadId).toBeNull();
  expect(await rows("select to_regnamespace('raw') as raw")).toEqual([{ raw: null }]);
  expect(figures(rehearsed)).toEqual(figures(await load()));
});

test.each([
  ["has shrunk", "batch: { kind: full }", some(8), some(1)],
  ["is empty", "batch: { kind: full }", some(8), header],
  ["fewer rows than a whole file has", "minRows: 2", some(2), some(1)],
  ["its content is another now", "changed: refuse", some(1), some(2)],
])("a dry run refuses a file as the load does: %s", async (message, stream, before, now) => {
  const { put, load } = await fileIngest(`format: csv\n${stream}`);
  put({ "a.csv": before });
  expect(await load()).toMatchObject({ status: "loaded" });
  put({ "a.csv": now });
  const rehearsed = await load({ dryRun: true });
  expect(rehearsed.files![0]!.error!.message).toContain(message);
  expect((await load()).files![0]!.error).toEqual(rehearsed.files![0]!.error);
});

test("rows count for minRows in every format, also those that are still in memory", async () => {
  const { put, load } = await fileIngest("format: ndjson\nminRows: 2");
  put({ "a.ndjson": '{"id":1}\n{"id":2}\n', "b.ndjson": '{"id":1}\n' });
  expect((await load()).files!.map(({ status, rows }) => [status, rows])).toEqual([
    ["loaded", 2],
    ["failed", 0],
  ]);
});
