import "./runtime.ts";
import type { Socket } from "node:net";
import type { ConnectionOptions } from "node:tls";
import pg from "pg";

/** What the driver's connection does inside, and its types do not say. */
interface Wire {
  readonly stream: Socket;
  connect(port: number | string, host?: string): void;
  attachListeners(stream: Socket): void;
  emit(event: "sslconnect"): void;
}

/** A connection that goes on without TLS where the server has none: as libpq, and without asking it a second time. */
export function negotiatingConnection(ssl: ConnectionOptions): pg.Connection {
  const connection = new pg.Connection({ ssl, keepAlive: true, keepAliveInitialDelayMillis: 10_000 } as never);
  const wire = connection as unknown as Wire;
  const connect = wire.connect.bind(wire);
  wire.connect = (port, host) => {
    connect(port, host);
    const [answered] = wire.stream.listeners("data");
    wire.stream.removeAllListeners("data");
    wire.stream.once("data", (answer: Buffer) => {
      if (answer.toString() !== "N") return answered!(answer);
      wire.attachListeners(wire.stream);
      wire.emit("sslconnect");
    });
  };
  return connection;
}
