import type { Client } from "../../postgres/client.ts";
import { ledgerExists } from "../ledger/ledger.ts";
import { noPast, type Past, pastOf } from "../ledger/past.ts";
import type { RowBatch } from "../write/row-batch.ts";
import type { LoadWriter, Sink } from "./sink.ts";

/** Loads of a dry run: read and judged as if they landed, and nothing is written or locked. */
export class Rehearsal implements Sink {
  past: Past = noPast;
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  async prepare(schema: string): Promise<void> {
    if (await ledgerExists(this.#client, schema)) this.past = pastOf(this.#client);
  }

  async evolve(): Promise<void> {}

  async makeTable(): Promise<boolean> {
    return false;
  }

  whole<T>(work: () => Promise<T>): Promise<T> {
    return work();
  }

  async open(): Promise<LoadWriter> {
    return {
      isFirst: false,
      server: undefined,
      copyRows: async (rows: RowBatch) => rows.count,
      copyRejections: async () => {},
      close: async () => null,
    };
  }

  async noteFailure(): Promise<null> {
    return null;
  }

  async tend(): Promise<readonly string[]> {
    return [];
  }
}
