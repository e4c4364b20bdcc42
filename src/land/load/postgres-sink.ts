import type { ConnectionSettings } from "../../model/connection-settings.ts";
import { type Client, withClient, withTransactionIf } from "../../postgres/client.ts";
import { sql } from "../../sql/sql.ts";
import { writeDrift } from "../ledger/drift.ts";
import { forgetFiles, writeFile } from "../ledger/file-ledger.ts";
import { forgetKafkaOffsets, prepareKafkaOffsets } from "../ledger/kafka-offsets.ts";
import {
  type FailureEntry,
  forgetLoads,
  lockStream,
  nextLoadId,
  noteAsked,
  type StreamWait,
  writeFailure,
  writeLoad,
} from "../ledger/ledger.ts";
import { prepareLedger, type Waiting } from "../ledger/ledger-tables.ts";
import { type Past, pastOf } from "../ledger/past.ts";
import type { Lake } from "../table/archive.ts";
import { preparePartition, tend } from "../table/partitions.ts";
import { LOADING_SESSION } from "../table/server-types.ts";
import { createTable, evolveTable, tableExists } from "../table/tables.ts";
import { copyRejections, copyRows } from "../write/copy-rows.ts";
import type { Rejection, RowBatch } from "../write/row-batch.ts";
import { fillingsOf } from "./fillings.ts";
import type { LoadEntry, LoadingServer, LoadWriter, Sink } from "./sink.ts";
import type { LoadTarget } from "./target.ts";

/** Loads that land: each is one transaction. */
export class PostgresSink implements Sink {
  readonly past: Past;
  readonly #client: Client;
  readonly #settings: ConnectionSettings;

  constructor(client: Client, settings: ConnectionSettings) {
    this.past = pastOf(client);
    this.#client = client;
    this.#settings = settings;
  }

  prepare(schema: string, wait: Waiting): Promise<void> {
    return prepareLedger(this.#client, schema, wait);
  }

  async evolve(target: LoadTarget, wait: StreamWait): Promise<readonly string[]> {
    const { key, table } = target;
    const lock = () => lockStream(this.#client, key, wait);
    const fillings = fillingsOf(this.#client, target);
    const told = await evolveTable(this.#client, table, { ...wait, lock, fillings });
    return [...told, ...(await fillings.strangers())];
  }

  async forgetFiles({ key, table }: LoadTarget): Promise<void> {
    if (!(await tableExists(this.#client, table))) await forgetFiles(this.#client, key);
  }

  async readyOffsets({ key, table }: LoadTarget): Promise<void> {
    await prepareKafkaOffsets(this.#client, key.schema);
    if (!(await tableExists(this.#client, table))) await forgetKafkaOffsets(this.#client, key);
  }

  async makeTable({ key, table }: LoadTarget): Promise<boolean> {
    const isNew = await createTable(this.#client, table);
    if (isNew) await forgetLoads(this.#client, key);
    await preparePartition(this.#client, table);
    return isNew;
  }

  whole<T>(work: () => Promise<T>, isKept: (result: T) => boolean = () => true): Promise<T> {
    return withTransactionIf(this.#client, isKept, async () => {
      const result = await work();
      // A run that begins right then sees by the counters that there are other rows: they would be up to date seconds later.
      await this.#client.query(sql`select pg_catalog.pg_stat_force_next_flush()`);
      return result;
    });
  }

  async open(target: LoadTarget, wait: StreamWait): Promise<LoadWriter> {
    await this.#client.script(LOADING_SESSION);
    await lockStream(this.#client, target.key, wait);
    return new PostgresWriter(this.#client, target, await this.makeTable(target));
  }

  /** On a connection of its own, since the load's may be gone. The ledger being out of reach hides no error. */
  noteFailure({ key }: Pick<LoadTarget, "key">, failure: FailureEntry): Promise<string | null> {
    return withClient(this.#settings, { duty: "loader" }, (client) => writeFailure(client, key, failure)).catch(
      () => null,
    );
  }

  noteAsked({ key, stream }: LoadTarget): Promise<void> {
    return noteAsked(this.#client, key, stream.freshness);
  }

  /** Nothing that goes wrong here takes back what has landed. */
  tend({ table }: LoadTarget, lake: Lake | undefined): Promise<readonly string[]> {
    return tend(this.#client, table, lake).catch((error: Error) => [
      `old partitions and indexes were left as they are: ${error.message}`,
    ]);
  }
}

class PostgresWriter implements LoadWriter {
  readonly isFirst: boolean;
  readonly server: LoadingServer;
  readonly #target: LoadTarget;

  constructor(client: Client, target: LoadTarget, isFirst: boolean) {
    let loadId: Promise<string> | undefined;
    this.isFirst = isFirst;
    this.server = {
      client,
      loadId: () => {
        loadId ??= nextLoadId(client, target.key.schema);
        return loadId;
      },
    };
    this.#target = target;
  }

  async copyRows(rows: RowBatch, reject: (rejection: Rejection) => void): Promise<number> {
    const { client, loadId } = this.server;
    return copyRows({ client, table: this.#target.table, loadId: await loadId() }, rows, reject);
  }

  async copyRejections(rejections: readonly Rejection[]): Promise<void> {
    const { client, loadId } = this.server;
    await copyRejections({ client, key: this.#target.key, loadId: await loadId() }, rejections);
  }

  async close({ drift, file, ...entry }: LoadEntry): Promise<string> {
    const { client } = this.server;
    const { key } = this.#target;
    const loadId = await this.server.loadId();
    if (file) await writeFile(client, key, { ...file, loadId });
    await writeDrift(client, key, loadId, drift);
    await writeLoad(client, key, { ...entry, loadId });
    return loadId;
  }
}
