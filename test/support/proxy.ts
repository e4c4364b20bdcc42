import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { onTestFinished } from "vitest";
import type { ConnectionSettings } from "../../src/model/connection-settings.ts";

export interface CuttableProxy {
  /** The server, as seen through the proxy. */
  readonly settings: ConnectionSettings;
  /** The next connections are told that the server starts. */
  refuse(connections: number): void;
  /** Destroys every open connection, both sides: as when a machine between dies. */
  cut(): void;
  /** Destroys the client's side only; the server is told nothing, as when a cable is pulled. */
  cutClients(): void;
  /** The server's next answer on each open connection is lost, and the connection with it. */
  loseAnswers(): void;
  /** At last the server notices what `cutClients` cut. */
  notice(): void;
  /** Everything that clients sent. */
  sent(): string;
  /** Bytes that the server sent. */
  received(): number;
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  answerLost: boolean;
}

/** PostgreSQL's message to whom it does not let in yet. */
const FIELDS = Buffer.from("SFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0\0");
const STARTS = Buffer.concat([
  Buffer.from("E"),
  Buffer.from(Uint32Array.of(FIELDS.length + 4).buffer).swap32(),
  FIELDS,
]);

/** A TCP proxy in front of PostgreSQL that can be cut. Gone when the test ends. */
export async function proxy(settings: ConnectionSettings): Promise<CuttableProxy> {
  const pairs = new Set<Pair>();
  const orphans = new Set<Socket>();
  const sent: Buffer[] = [];
  let [refused, received] = [0, 0];
  const listener = createServer({ noDelay: true }, (client) => {
    if (refused > 0) {
      refused--;
      client.on("error", () => {});
      client.once("data", () => client.end(STARTS));
      return;
    }
    const server = connect({ host: settings.host, port: settings.port, noDelay: true });
    const pair: Pair = { client, server, answerLost: false };
    pairs.add(pair);
    for (const socket of [client, server]) socket.on("error", () => {});
    client.on("data", (bytes) => {
      sent.push(bytes);
      server.write(bytes);
    });
    client.on("end", () => server.end());
    client.on("close", () => {
      pairs.delete(pair);
      if (!orphans.has(server)) server.destroy();
    });
    server.on("data", (bytes) => {
      received += bytes.length;
      if (!pair.answerLost) return void client.write(bytes);
      client.destroy();
      server.destroy();
    });
    server.on("close", () => {
      orphans.delete(server);
      client.destroy();
    });
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  onTestFinished(() => {
    for (const { client, server } of pairs) for (const socket of [client, server]) socket.destroy();
    for (const socket of orphans) socket.destroy();
    listener.close();
  });
  const { port } = listener.address() as { port: number };
  return {
    // What is sent is read here.
    settings: { ...settings, host: "127.0.0.1", port, ssl: { mode: "disable" } },
    refuse(connections) {
      refused = connections;
    },
    cut() {
      for (const { client, server } of pairs) for (const socket of [client, server]) socket.destroy();
    },
    cutClients() {
      for (const { client, server } of pairs) {
        orphans.add(server);
        client.destroy();
      }
    },
    loseAnswers() {
      for (const pair of pairs) pair.answerLost = true;
    },
    sent: () => Buffer.concat(sent).toString(),
    received: () => received,
    notice() {
      for (const socket of orphans) socket.destroy();
    },
  };
}
