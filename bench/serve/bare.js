// What Node itself makes of the same: an HTTP server that knows its answers, and one that asks the same statements on eight connections
// of the driver. Nothing of ours is in it: no declaration, no release, no rights. bench/serve.ts starts it.
import { createServer } from "node:http";
import pg from "pg";

const [connectionString, statements] = process.argv.slice(2);
/** By the first part of the path, whose second one is `$1`. */
const { kept, ...read } = JSON.parse(statements);
const pool = new pg.Pool({ connectionString, max: 8 });
const headers = {
  "content-type": "application/json; charset=utf-8",
  "cache-control": "public, no-cache",
  vary: "Accept, Accept-Encoding, Authorization, X-API-Key, Origin",
  etag: 'W/"r1-00000000-json"',
};
const page = async (name, text, value) =>
  Buffer.from(JSON.stringify({ data: (await pool.query({ name, text, values: [value] })).rows }));
const known = new Map();
for (const [name, text] of Object.entries(kept)) known.set(name, await page(name, text, "1"));
const server = createServer(async ({ url, headers: { "if-none-match": tag } }, response) => {
  if (tag) return response.writeHead(304, headers).end();
  const [, name, value] = url.split("/");
  const body = known.get(name) ?? (await page(name, read[name], value));
  return response.writeHead(200, { ...headers, "content-length": body.length }).end(body);
});
server.listen(0, "127.0.0.1", () => process.stdout.write(`http://127.0.0.1:${server.address().port}/\n`));
