import { connect, createServer, type Server, type Socket } from "node:net";

/** What went from clients to a server. */
interface Sent {
  /** Messages that make it do something: simple queries, and executions of prepared statements. */
  statements: number;
  bytes: number;
}

export interface Wire {
  readonly port: number;
  /** What was sent since the last time it was asked. */
  take(): Sent;
  close(): void;
}

const QUERY = "Q".charCodeAt(0);
const EXECUTE = "E".charCodeAt(0);

/** Stands before a PostgreSQL, without TLS, and counts. */
export async function countingWire(host: string, port: number): Promise<Wire> {
  let sent: Sent = { statements: 0, bytes: 0 };
  const open = new Set<Socket>();
  const server: Server = createServer((client) => {
    const behind = connect(port, host);
    for (const socket of [client, behind]) {
      open.add(socket);
      socket.setNoDelay(true);
      socket.on("error", () => {});
      socket.once("close", () => {
        open.delete(socket);
        client.destroy();
        behind.destroy();
      });
    }
    const count = counter((type) => {
      if (type === QUERY || type === EXECUTE) sent.statements++;
    });
    client.on("data", (part) => {
      sent.bytes += part.length;
      count(part);
    });
    client.pipe(behind);
    behind.pipe(client);
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as { readonly port: number }).port,
    take() {
      const taken = sent;
      sent = { statements: 0, bytes: 0 };
      return taken;
    },
    close() {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}

/** Calls with the type of each message of a frontend, however its bytes are divided. */
function counter(each: (type: number) => void): (part: Buffer) => void {
  // The first message has no type, only a length.
  let head: number[] = [];
  let type: number | undefined;
  let isFirst = true;
  let left = 0;
  return (part) => {
    for (let at = 0; at < part.length; ) {
      if (left > 0) {
        const step = Math.min(left, part.length - at);
        left -= step;
        at += step;
        continue;
      }
      if (!isFirst && type === undefined) {
        type = part[at++]!;
        continue;
      }
      head.push(part[at++]!);
      if (head.length < 4) continue;
      left = Buffer.from(head).readUInt32BE() - 4;
      head = [];
      if (type !== undefined) each(type);
      // Behind a question for TLS or GSS, which has eight bytes, the first message comes once more.
      isFirst = isFirst && left === 4;
      type = undefined;
    }
  };
}
