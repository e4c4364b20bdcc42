import { UserError } from "../../model/errors.ts";
import type { Client } from "../../postgres/client.ts";
import { requireUnicode } from "../../postgres/unicode.ts";
import type { LedgerKey } from "../ledger/ledger.ts";
import { ledgerExists, standing } from "../ledger/ledger-tables.ts";
import { noPast, type Past, pastOf } from "../ledger/past.ts";
import { judgeTable, tableExists } from "../table/tables.ts";
import type { RowBatch } from "../write/row-batch.ts";
import type { LoadWriter, Sink } from "./sink.ts";
import type { LoadTarget } from "./target.ts";

function ofEarlierRelease(schema: string): UserError {
  return new UserError({
    message: `the ledger in schema ${schema} is of an earlier release`,
    hint: "the next load brings it up to date; a dry run writes nothing",
  });
}

/** Loads of a dry run: read and judged as if they landed, and nothing is written or locked. */
export class Rehearsal implements Sink {
  past: Past = noPast;
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  async prepare(schema: string): Promise<void> {
    if (!(await ledgerExists(this.#client, schema))) return requireUnicode(this.#client);
    if (!(await standing(this.#client, schema)).isUpToDate) throw ofEarlierRelease(schema);
    this.past = pastOf(this.#client);
  }

  async evolve({ table }: LoadTarget): Promise<readonly string[]> {
    await judgeTable(this.#client, table);
    return [];
  }

  async forgetFiles({ key, table }: LoadTarget): Promise<void> {
    if (await tableExists(this.#client, table)) return;
    const { files, versions, ...past } = this.past;
    const isForgotten = ({ source, stream, table: into }: LedgerKey) =>
      source === key.source && stream === key.stream && into === key.table;
    this.past = {
      ...past,
      files: (asked) => (isForgotten(asked) ? noPast : { files }).files(asked),
      versions: (asked, path) => (isForgotten(asked) ? noPast : { versions }).versions(asked, path),
    };
  }

  async readyOffsets({ table }: LoadTarget): Promise<void> {
    if (!(await tableExists(this.#client, table))) this.past = { ...this.past, kafkaOffsets: noPast.kafkaOffsets };
  }

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

  async noteAsked(): Promise<void> {}

  async tend(): Promise<readonly string[]> {
    return [];
  }
}
