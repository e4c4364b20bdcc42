import type { TLSSocket } from "node:tls";
import type { ConnectionSettings } from "../model/connection-settings.ts";
import type { Client } from "./client.ts";
import { type Pooling, poolingOf } from "./pooler.ts";

/** What is between this program and the server. */
export interface Way {
  /** "TLSv1.3"; undefined where nothing is encrypted. */
  readonly tls?: string;
  readonly pooling?: Pooling;
}

export async function wayOf(client: Client, settings: ConnectionSettings): Promise<Way> {
  const { processID, connection } = client.driver as unknown as {
    readonly processID: number | null;
    readonly connection: { readonly stream: Partial<TLSSocket> };
  };
  const tls = connection.stream.encrypted ? (connection.stream.getProtocol?.() ?? "TLS") : undefined;
  const isPooled = client.processId !== (processID ?? 0);
  return {
    ...(tls === undefined ? {} : { tls }),
    ...(isPooled ? { pooling: await poolingOf(settings, client.driver, client.processId) } : {}),
  };
}
