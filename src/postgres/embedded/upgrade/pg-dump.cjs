// Runs the WebAssembly build of pg_dump (@electric-sql/pglite-tools) in a thread, against a real server: what it writes goes to
// whoever started the thread, who has the socket; what the server answers comes from there. It is meant for a server in the
// same process, which answers before the write returns, so a write is blocked here until the answer is whole.
"use strict";
const { parentPort, workerData } = require("node:worker_threads");
const { nextMessage } = require("../../../wait/next-message.cjs");

const { module: path, arrived, args } = workerData;
const fromUs = messages({ startup: true });
const fromServer = messages({ startup: false });
let hasEnded = false;

/** The part of a PGlite that `pgDump` uses. */
const server = {
  query: async () => ({ rows: [{ search_path: '""' }] }),
  exec: async () => {},
  execProtocolRawStream(memory, { onRawData }) {
    const written = Buffer.from(memory);
    parentPort.postMessage({ written });
    if (!wantsAnswer(fromUs(written))) return;
    const answer = [];
    // Where the connection ends, pg_dump is told by an answer that is cut.
    for (let whole = false; !whole && !hasEnded; ) {
      const bytes = nextMessage(parentPort, arrived);
      hasEnded = bytes === null;
      if (hasEnded) break;
      answer.push(bytes);
      whole = fromServer(Buffer.from(bytes)).some(isOurTurn);
    }
    onRawData(Buffer.concat(answer));
  },
};

/**
 * Takes the messages of the protocol off a stream of bytes, chunk by chunk. A piece of one stays for the next chunk.
 * https://www.postgresql.org/docs/current/protocol-message-formats.html
 */
function messages({ startup }) {
  let rest = Buffer.alloc(0);
  return (chunk) => {
    rest = rest.length ? Buffer.concat([rest, chunk]) : chunk;
    const found = [];
    for (;;) {
      const head = startup ? 0 : 1; // the first message of a client has no letter
      if (rest.length < head + 4) break;
      const end = head + rest.readInt32BE(head);
      if (rest.length < end) break;
      found.push({ kind: startup ? "startup" : String.fromCharCode(rest[0]), body: rest.subarray(head + 4, end) });
      rest = rest.subarray(end);
      startup = false;
    }
    return Object.assign(found, { isCut: rest.length > 0 });
  };
}

/** Nobody answers half a message, nor a goodbye. */
function wantsAnswer(sent) {
  return !sent.isCut && sent.length > 0 && sent.at(-1).kind !== "X";
}

const AUTHENTICATED = [0, 12];

/** ReadyForQuery, CopyInResponse, or a question of the authentication. */
function isOurTurn({ kind, body }) {
  return kind === "Z" || kind === "G" || (kind === "R" && !AUTHENTICATED.includes(body.readInt32BE(0)));
}

async function dump() {
  const { pgDump } = require(path);
  const file = await pgDump({ pg: server, args });
  return file.text();
}

dump().then(
  (text) => parentPort.postMessage({ text }),
  (error) => parentPort.postMessage({ failed: String(error.message) }),
);
