import { createChecker, type RecordChecker } from "../../land/check/checker.ts";
import type { KafkaTarget } from "../../land/connectors/kafka.ts";
import { type KafkaOffset, kafkaOffsets, moveKafkaOffsets, noteKafkaEnds } from "../../land/ledger/kafka-offsets.ts";
import { noteAsked } from "../../land/ledger/ledger.ts";
import { endAbandoned, notifyRows } from "../../land/ledger/open-loads.ts";
import { PostgresSink } from "../../land/load/postgres-sink.ts";
import { resolveTarget } from "../../land/load/target.ts";
import { copyOf, copyRejections, copyRows, rejectionsCopy, requireAll } from "../../land/write/copy-rows.ts";
import { BEGIN_LANDING_ALL, END_LANDING_ALL, makeLanding } from "../../land/write/landing.ts";
import { type Rejection, RowBatch } from "../../land/write/row-batch.ts";
import type { ConnectionSettings } from "../../model/connection-settings.ts";
import type { IngestDeclaration, StreamDeclaration } from "../../model/declarations.ts";
import { type Client, connect } from "../../postgres/client.ts";
import { mayBeOfRows } from "../../postgres/sqlstate.ts";
import { inLazyTransaction, type LazyTransaction } from "../../postgres/together.ts";
import type { PartitionRange } from "../../sources/kafka/reader.ts";
import type { Moved } from "../../sources/kafka/reading.ts";
import type { SourcePage } from "../../sources/source.ts";
import { countCommitted, type OpenLoad, OpenLoads, PATIENCE } from "../loads.ts";
import type { FollowLane } from "./follow-lane.ts";

interface TopicStream {
  readonly target: KafkaTarget;
}

/** Records that were checked: rows, and what is none. */
interface Checked {
  readonly rows: RowBatch;
  readonly rejections: Rejection[];
  readonly count: number;
}

interface LaneOptions {
  readonly signal: AbortSignal;
  readonly onWait: (what: string) => void;
}

/** One connection over which the records of a stream land, one commit after the other, and their places with them. */
export class TopicLane implements FollowLane {
  readonly target: KafkaTarget;
  readonly #client: Client;
  readonly #loads: OpenLoads<TopicStream>;
  readonly #check: RecordChecker;
  readonly #free: Buffer[] = [];
  readonly #stream: TopicStream;

  private constructor(client: Client, loads: OpenLoads<TopicStream>, target: KafkaTarget) {
    const { recordSchema, drift } = target.stream;
    this.target = target;
    this.#client = client;
    this.#loads = loads;
    this.#stream = { target };
    this.#check = createChecker(recordSchema, drift);
  }

  /** Makes table and ledger ready, and ends what others left open. */
  static async open(
    settings: ConnectionSettings,
    declaration: IngestDeclaration,
    stream: StreamDeclaration,
    { signal, onWait }: LaneOptions,
  ): Promise<TopicLane> {
    const applicationName = `dataform ingest --follow ${declaration.source}`;
    // Not ended by the signal: what was read is landed, and its load ended.
    const client = await connect(settings, { applicationName, duty: "loader", onWait });
    try {
      await makeLanding(client);
      const sink = new PostgresSink(client, settings);
      await sink.prepare(declaration.schema, { signal, onWait });
      const target = (await resolveTarget(client, declaration, stream)) as KafkaTarget;
      await sink.readyOffsets(target);
      await sink.evolve(target, { deadline: PATIENCE, onWait, signal });
      const loads = new OpenLoads<TopicStream>(client, sink, target.key);
      await loads.makeTables([target]);
      await endAbandoned(client, target.key);
      return new TopicLane(client, loads, target);
    } catch (error) {
      await client.close().catch(() => {});
      throw error;
    }
  }

  offsets(): Promise<readonly KafkaOffset[]> {
    return kafkaOffsets(this.#client, this.target.key);
  }

  noteEnds(ranges: readonly PartitionRange[]): Promise<void> {
    return noteKafkaEnds(this.#client, this.target.key, ranges);
  }

  async write(pages: readonly SourcePage[], moves: readonly Moved[]): Promise<boolean> {
    const hasRecords = pages.some(({ records, rejected = [] }) => records.length + rejected.length > 0);
    // Places that move alone, over what is no record, need no load.
    const load = hasRecords ? await this.#loads.of(this.#stream) : undefined;
    try {
      return await this.#commit(load, pages, moves, false);
    } catch (error) {
      if (!mayBeOfRows(error)) throw error;
      return this.#commit(load, pages, moves, true);
    }
  }

  async #commit(
    load: OpenLoad<TopicStream> | undefined,
    pages: readonly SourcePage[],
    moves: readonly Moved[],
    isCareful: boolean,
  ): Promise<boolean> {
    const batch = load && this.#checked(load, pages);
    try {
      await inLazyTransaction(this.#client, async (transaction) => {
        await transaction.send();
        if (!(await moveKafkaOffsets(this.#client, this.target.key, moves))) throw new Outrun();
        if (batch) await (isCareful ? this.#copyEach(load, batch) : this.#copyAll(transaction, load, batch));
      });
    } catch (error) {
      if (error instanceof Outrun) return false;
      throw error;
    } finally {
      batch?.rows.release();
    }
    if (!batch) return true;
    countCommitted(load, batch.count, batch.rejections);
    await notifyRows(this.#client);
    return true;
  }

  #checked(load: OpenLoad<TopicStream>, pages: readonly SourcePage[]): Checked {
    const rows = new RowBatch(this.#free);
    const rejections: Rejection[] = [];
    const before = load.places;
    for (const { records, rejected = [] } of pages) {
      for (const piece of rejected) rejections.push({ rowNo: ++load.places, ...piece });
      for (const record of records) {
        const text = record.text();
        const { position } = record;
        const rowNo = ++load.places;
        const checked = this.#check(record, text);
        if ("cells" in checked) rows.add(rowNo, { position }, checked.cells, text);
        else rejections.push({ rowNo, position, reason: checked.reasons.join("; "), text });
      }
    }
    return { rows, rejections, count: load.places - before };
  }

  /** In one message. A row that the server refuses takes all along. */
  async #copyAll(
    transaction: LazyTransaction,
    { id: loadId, key }: OpenLoad<TopicStream>,
    { rows, rejections }: Checked,
  ): Promise<void> {
    if (rows.count) {
      transaction.add({ statement: BEGIN_LANDING_ALL });
      transaction.add(copyOf({ loadId, table: this.target.table }, rows));
      transaction.add({ statement: END_LANDING_ALL });
    }
    if (rejections.length) transaction.add(rejectionsCopy({ key, loadId }, rejections));
    const copied = (await transaction.send()).find(({ command }) => command === "COPY");
    if (rows.count) requireAll(copied!.rowCount, rows.count);
  }

  /** A row that the server refuses is rejected by itself. */
  async #copyEach({ id: loadId, key }: OpenLoad<TopicStream>, { rows, rejections }: Checked): Promise<void> {
    const client = this.#client;
    const refuse = (one: Rejection) => void rejections.push(one);
    if (rows.count) await copyRows({ client, loadId, table: this.target.table }, rows, refuse);
    if (rejections.length) await copyRejections({ client, key, loadId }, rejections);
  }

  endDue(): Promise<void> {
    return this.#loads.endDue();
  }

  noteAsked(): Promise<void> {
    return noteAsked(this.#client, this.target.key, this.target.stream.freshness);
  }

  /** Ends its load, and hangs up. */
  async close(): Promise<void> {
    try {
      await this.#loads.endAll();
    } finally {
      await this.#client.close();
    }
  }

  /** Hangs up: its load stays open, for others to end. */
  abandon(): Promise<void> {
    return this.#client.close().catch(() => {});
  }
}

/** Somebody else has moved a partition on. */
class Outrun extends Error {}
