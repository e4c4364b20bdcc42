// What Node itself makes of the same: an HTTP server that knows its answer, and one that asks the same statement on eight connections
// of the driver. Nothing of ours is in it: no declaration, no release, no rights. bench/serve.ts starts it.
import { createServer } from "node:http";
import pg from "pg";

const [connectionString, statement] = process.argv.slice(2);
const pool = new pg.Pool({ connectionString, max: 8 });
const headers = {
  "content-type": "application/json; charset=utf-8",
  "cache-control": "public, no-cache",
  vary: "Accept, Accept-Encoding, Authorization, X-API-Key, Origin",
  etag: 'W/"r1-00000000-json"',
};
const read = async (customer) =>
  Buffer.from(JSON.stringify({ data: (await pool.query({ name: "read", text: statement, values: [customer] })).rows }));
const kept = await read("1");
const server = createServer(async ({ url, headers: { "if-none-match": tag } }, response) => {
  if (tag) return response.writeHead(304, headers).end();
  const body = url.startsWith("/kept/") ? kept : await read(url.slice("/read/".length));
  return response.writeHead(200, { ...headers, "content-length": body.length }).end(body);
});
server.listen(0, "127.0.0.1", () => process.stdout.write(`http://127.0.0.1:${server.address().port}/\n`));
