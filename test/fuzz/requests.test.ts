import { once } from "node:events";
import { connect } from "node:net";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cli } from "../support/cli.ts";
import { fuzzing } from "../support/fuzzing.ts";
import { type Serving, serving } from "../support/serving.ts";
import { sharedWarehouse, type Warehouse } from "../support/warehouse.ts";

// Whatever comes over the wire: the collector goes on, says what is wrong, and touches no event of another key.

const { timeLimit, timeout } = fuzzing("requests");

const files = {
  "dataform.json": JSON.stringify({ project: "shop", warehouse: "postgres", defaultSchema: "shop" }),
  "ingest/events.yaml": `version: 1
source: events
collect: { maxEventBytes: 2000, maxRequestBytes: 200000 }
streams:
  - name: viewed
    table: viewed
    recordSchema:
      type: object
      properties:
        url: { type: string }
        at: { type: string, format: date-time }
        ms: { type: integer }
        amount: { type: number, postgresType: "numeric(6,2)" }
        more: { type: object }
`,
  "definitions/one.sqlx": 'config { type: "view" }\nselect 1 as id',
};

let shop: Warehouse & { end(): Promise<void> };
let server: Serving;
let mine: string;
let theirs: string;
const ends: (() => unknown)[] = [];
const IDS = ["one", "two", "ü", "'"];

beforeAll(async () => {
  shop = await sharedWarehouse(files);
  await shop.run();
  const key = async (name: string) => {
    const { stdout } = await cli(shop.project.dir, [
      ...["keys", "add", name, "--scope", "collect", "--url", shop.database.url],
    ]);
    return stdout.trim();
  };
  [mine, theirs] = [await key("mine"), await key("theirs")];
  server = await serving(shop, (end) => void ends.push(end), [], ["collect"]);
  const all = IDS.map((id) => ({ id, type: "viewed", data: { url: id, ms: 1 } }));
  expect((await server.post("events", all, { "x-api-key": theirs })).status).toBe(200);
});
afterAll(async () => {
  for (const end of ends) await end();
  await shop?.end();
});

const TEXTS = [
  "",
  " ",
  "\0",
  "\u0001",
  "\\ud800",
  "\u2028",
  "ü",
  "9".repeat(400),
  "x".repeat(3_000),
  "__proto__",
  ...IDS,
];
const TIMES = [
  ...["2026-11-30T09:00:00Z", "2026-11-30T09:00:00.123456789+14:00", "2026-02-30T00:00:00Z", "0000-01-01T00:00:00Z"],
  ...["9999-12-31T23:59:60Z", "+275760-09-13T00:00:00Z", "-000001-01-01T00:00:00Z", "2026-11-30", "now", "infinity"],
];
const odd = fc.oneof(
  fc.constantFrom<unknown>(...TEXTS, ...TIMES, null, true, -1, 1.5, 1e300, 2 ** 53, [], {}, [[]], { a: [1] }),
  fc.jsonValue({ maxDepth: 3 }),
);
const fieldOf = (name: string) => (name === "id" ? fc.constantFrom(...IDS, ...TEXTS) : odd);
const NAMES = ["id", "type", "version", "time", "sent_at", "data", "_write_key", "__proto__", "constructor", "more"];
const DATA = ["url", "at", "ms", "amount", "more", "_event_id", "_write_key", "_load_id", "toString"];
const data = fc.dictionary(fc.constantFrom(...DATA), odd, { maxKeys: 4 });
const event = fc
  .record({ id: fieldOf("id"), data, more: fc.dictionary(fc.constantFrom(...NAMES), odd, { maxKeys: 2 }) })
  .map(({ id, data, more }) => ({ id, type: "viewed", data, ...more }));
const times = fc.constantFrom<unknown>(undefined, ...TIMES, 5, {});

const nested = (depth: number, [open, close]: readonly [string, string]) => open.repeat(depth) + close.repeat(depth);
const json = fc.oneof(
  event.map((one) => JSON.stringify(one)),
  fc.array(event, { maxLength: 6 }).map((all) => JSON.stringify(all)),
  fc.record({ events: fc.array(event, { maxLength: 4 }), sent_at: times }).map((all) => JSON.stringify(all)),
  fc.array(event, { maxLength: 6 }).map((all) => all.map((one) => JSON.stringify(one)).join("\n")),
  fc
    .tuple(fc.constantFrom(10, 250, 5_000, 60_000), fc.constantFrom(["[", "]"], ['{"a":', "}"], ["[", ""]))
    .map(([depth, pair]) => `{"id":"deep","type":"viewed","data":{"more":${nested(depth, pair as [string, string])}}}`),
  fc.constantFrom(
    "",
    " \n ",
    "null",
    "7",
    '"',
    '{"events":7}',
    '{"id":1e999}',
    "\uFEFF{}",
    "x=1&y=2",
    `[${"1,".repeat(9_000)}1]`,
  ),
);
/** The same with some of its bytes cut, doubled or made others. */
const bytes = fc
  .record({
    text: json,
    at: fc.nat(),
    with: fc.uint8Array({ maxLength: 4 }),
    how: fc.constantFrom(...Array<string>(8).fill("whole"), "cut", "put"),
  })
  .map(({ text, at, with: other, how }) => {
    const whole = Buffer.from(text);
    const place = whole.length ? at % whole.length : 0;
    if (how === "whole") return whole;
    if (how === "cut") return whole.subarray(0, place);
    return Buffer.concat([whole.subarray(0, place), other, whole.subarray(place)]);
  });
const BOMB = gzipSync(Buffer.alloc(64 * 1024 * 1024, " "));
const packed = fc
  .record({
    body: bytes,
    how: fc.constantFrom(...Array<string>(8).fill("identity"), "gzip", "deflate", "br", "bomb", "cut", "lie"),
  })
  .map(({ body, how }): readonly [body: Buffer, encoding: string | undefined] => {
    switch (how) {
      case "gzip":
        return [gzipSync(body), "gzip"];
      case "deflate":
        return [deflateSync(body), "deflate"];
      case "br":
        return [brotliCompressSync(body), "br"];
      case "bomb":
        return [BOMB, "gzip"];
      case "cut":
        return [gzipSync(body).subarray(0, -5), " GZip "];
      case "lie":
        return [body, "gzip, br"];
      default:
        return [body, undefined];
    }
  });

/** How the body says where it ends. */
const FRAMINGS = [
  "length",
  "length",
  "length",
  "length",
  "chunks",
  "chunks",
  "odd chunks",
  "both",
  "twice",
  "short",
  "long",
  "none",
] as const;
function framed(body: Buffer, how: (typeof FRAMINGS)[number]): readonly [headers: readonly string[], body: Buffer] {
  const length = `Content-Length: ${body.length}`;
  const chunk = (bytes: Buffer, more = "") =>
    Buffer.concat([Buffer.from(`${bytes.length.toString(16)}${more}\r\n`), bytes, Buffer.from("\r\n")]);
  const half = body.length >> 1;
  const halves = [body.subarray(0, half), body.subarray(half)].filter((one) => one.length);
  const chunks = Buffer.concat([...halves.map((one) => chunk(one)), Buffer.from("0\r\n\r\n")]);
  switch (how) {
    case "length":
      return [[length], body];
    case "chunks":
      return [["Transfer-Encoding: chunked"], chunks];
    case "odd chunks": {
      const odd = [...halves.map((one) => chunk(one, ";x=y")), Buffer.from("0\r\nX-Trailer: 1\r\n\r\n")];
      return [["Transfer-Encoding: chunked"], Buffer.concat(odd)];
    }
    case "both":
      return [[length, "Transfer-Encoding: chunked"], chunks];
    case "twice":
      return [[length, `Content-Length: ${body.length + 1}`], body];
    case "short":
      return [[`Content-Length: ${half}`], body];
    case "long":
      return [[`Content-Length: ${body.length + 9}`], body];
    case "none":
      return [["Transfer-Encoding: chunked"], Buffer.from("zz\r\n")];
  }
}

const TYPES = [
  ...Array<string>(6).fill("application/json"),
  "application/json",
  "text/plain",
  "application/x-ndjson",
  "application/json; charset=x",
  "application/xml",
  "",
];
const HEADERS = [
  "X-Odd: \u00ff",
  "Content-Type: text/plain",
  "X-Api-Key: nobody",
  "Origin: null",
  "Expect: 100-continue",
  "Cookie: a=b",
];
const request = fc.record({
  packed,
  framing: fc.constantFrom(...FRAMINGS),
  type: fc.constantFrom(...TYPES),
  credential: fc.constantFrom("header", "header", "header", "header", "header", "bearer", "address", "twice", "none"),
  headers: fc.option(fc.constantFrom(...HEADERS), { freq: 3 }).map((one) => (one === null ? [] : [one])),
  method: fc.constantFrom(...Array<string>(14).fill("POST"), "PUT", "G\u00cbT"),
  pieces: fc.integer({ min: 1, max: 4 }),
});

function wired({ packed: [body, encoding], framing, type, credential, headers, method }: SentRequest): Buffer {
  const [length, framedBody] = framed(body, framing);
  const path = credential === "address" || credential === "twice" ? `/events?key=${mine}` : "/events";
  const own = {
    header: [`X-Api-Key: ${mine}`],
    bearer: [`Authorization: Bearer ${mine}`],
    twice: [`X-Api-Key: ${mine}`],
  };
  const lines = [
    `${method} ${path} HTTP/1.1`,
    ...["Host: 127.0.0.1", "Connection: close"],
    ...(Object.hasOwn(own, credential) ? own[credential as keyof typeof own] : []),
    ...(type ? [`Content-Type: ${type}`] : []),
    ...(encoding === undefined ? [] : [`Content-Encoding: ${encoding}`]),
    ...[...headers, ...length],
  ];
  return Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), framedBody]);
}
type SentRequest = typeof request extends fc.Arbitrary<infer T> ? T : never;

/** What is answered to bytes that are sent in so many pieces; empty where nothing is. @param isCut whether more of it is waited for */
async function answered(sent: Buffer, pieces: number, isCut: boolean): Promise<string> {
  const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
  const found: Buffer[] = [];
  socket.on("data", (bytes) => found.push(bytes)).on("error", () => {});
  const closed = once(socket, "close").catch(() => {});
  socket.setNoDelay(true);
  const size = Math.ceil(sent.length / pieces);
  for (let at = 0; at < sent.length; at += size)
    if (!socket.destroyed)
      await new Promise<void>((done) => void socket.write(sent.subarray(at, at + size), () => done()));
  // Whoever waits for more of a body sees that none comes; who has all closes.
  if (isCut) socket.end();
  await closed;
  return Buffer.concat(found).toString("latin1");
}

/** A server that fails says 500; one that cannot land what it was sent would say 503 for ever. */
const FINE = [200, 400, 401, 403, 404, 405, 406, 408, 413, 415, 417, 421, 431];

test(
  "whatever is sent: it is answered with what is wrong, the collector goes on, and no event of another key is touched",
  async () => {
    const ofTheirs = () => shop.rows("select * from raw.viewed where _write_key = 'theirs' order by _row_no");
    const before = await ofTheirs();
    const seen = new Map<number, number>();
    await fc.assert(
      fc.asyncProperty(request, async (sent) => {
        const text = await answered(wired(sent), sent.pieces, sent.framing === "long");
        for (const [, status] of text.matchAll(/HTTP\/1\.1 (\d{3})/g)) {
          const code = Number(status);
          if (code !== 100) expect(FINE, text.slice(0, 2_000)).toContain(code);
          seen.set(code, (seen.get(code) ?? 0) + 1);
        }
      }),
      timeLimit,
    );
    const all = IDS.map((id) => ({ id, type: "viewed", data: { url: id, ms: 1 } }));
    const again = await server.post("events", all, { "x-api-key": theirs });
    expect([again.status, again.json()]).toEqual([200, { accepted: 0, duplicates: IDS.length, rejected: [] }]);
    expect(await ofTheirs()).toEqual(before);
    expect(await shop.rows('select record from raw._rejected where record like \'%"_write_key":"theirs"%\'')).toEqual(
      [],
    );
    expect(await shop.rows("select distinct _write_key from raw.viewed order by 1")).toEqual(
      expect.arrayContaining(["theirs"]),
    );
    if (process.env.FUZZ_SECONDS) console.log(Object.fromEntries(seen));
  },
  timeout,
);
