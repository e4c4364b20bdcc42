import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { onTestFinished } from "vitest";

export interface CuttingProxy {
  readonly port: number;
  /** Connections so far. */
  connections(): number;
}

/**
 * In front of a server on this machine: connection number n, counted from 0, is cut when the server has sent `after[n]`
 * bytes on it, or falls silent then; those without a number are left alone.
 */
export async function cuttingProxy(
  target: number,
  after: readonly (number | undefined)[],
  how: "cut" | "silent" = "cut",
): Promise<CuttingProxy> {
  const sockets = new Set<Socket>();
  let connections = 0;
  const listener = createServer((client) => {
    let left = after[connections++] ?? Number.POSITIVE_INFINITY;
    const server = connect(target, "127.0.0.1");
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        client.destroy();
        server.destroy();
      });
    }
    client.pipe(server);
    server.on("data", (bytes) => {
      const rest = bytes.subarray(0, Math.max(0, left));
      left -= bytes.length;
      if (!client.write(rest)) {
        server.pause();
        client.once("drain", () => server.resume());
      }
      if (left <= 0 && how === "cut") client.end(() => client.destroy());
    });
    server.on("end", () => client.end());
  }).listen(0, "127.0.0.1");
  await once(listener, "listening");
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    listener.close();
  });
  return { port: (listener.address() as AddressInfo).port, connections: () => connections };
}

/** The same for FTP, whose files come on connections of their own: it is those that are counted and cut. */
export async function cuttingFtpProxy(target: number, after: readonly (number | undefined)[]): Promise<CuttingProxy> {
  let transfers = 0;
  const listener = createServer((client) => {
    const server = connect(target, "127.0.0.1");
    for (const socket of [client, server]) {
      socket.on("error", () => {});
      socket.on("close", () => {
        client.destroy();
        server.destroy();
      });
    }
    client.pipe(server);
    server.on("data", async (bytes) => {
      const port = /^229 .*\(\|\|\|(\d+)\|\)/m.exec(bytes.toString())?.[1];
      if (port === undefined) return void client.write(bytes);
      const data = await cuttingProxy(Number(port), [after[transfers++]]);
      client.write(bytes.toString().replace(port, String(data.port)));
    });
  }).listen(0, "127.0.0.1");
  await once(listener, "listening");
  onTestFinished(() => void listener.close());
  return { port: (listener.address() as AddressInfo).port, connections: () => transfers };
}
