import {
  type KafkaOffset,
  kafkaOffsets,
  moveKafkaOffsets,
  noteKafkaEnds,
  prepareKafkaOffsets,
  queueKey,
} from "../../land/ledger/kafka-offsets.ts";
import type { ConnectionSettings } from "../../model/connection-settings.ts";
import { type Client, withClient } from "../../postgres/client.ts";
import type { SourceRecord } from "../../sources/json/document.ts";
import type { KafkaRecord } from "../../sources/kafka/batches.ts";
import type { PartitionRange } from "../../sources/kafka/reader.ts";
import type { Moved } from "../../sources/kafka/reading.ts";
import type { SourcePage } from "../../sources/source.ts";
import { arrivedAgain, type Kept } from "../arriving.ts";
import { type CollectedSource, Lane } from "../lane.ts";
import { keptIn } from "../queue/messages.ts";
import type { FollowLane } from "./follow-lane.ts";

/** An event of a queue, among records. */
class QueuedEvent implements SourceRecord {
  readonly value = null;
  readonly kept: Kept;

  constructor(kept: Kept) {
    this.kept = kept;
  }

  get position(): string {
    return this.kept.position;
  }

  text(): string {
    return this.kept.text;
  }

  fieldText(): undefined {
    return undefined;
  }
}

export function keptRecord(record: KafkaRecord, position: string): SourceRecord {
  return new QueuedEvent(keptIn(record, position));
}

/** Somebody else has moved a partition on. */
class Outrun extends Error {}

/** Lands what collectors sent to a topic, as a collector would: what came before lands no more, in the transaction of the places. */
export class EventTopicLane implements FollowLane {
  readonly #settings: ConnectionSettings;
  readonly #source: CollectedSource;
  readonly #lane: Lane;

  private constructor(settings: ConnectionSettings, source: CollectedSource, lane: Lane) {
    this.#settings = settings;
    this.#source = source;
    this.#lane = lane;
  }

  static async open(
    settings: ConnectionSettings,
    source: CollectedSource,
    { signal, onWait }: { readonly signal: AbortSignal; readonly onWait: (what: string) => void },
  ): Promise<EventTopicLane> {
    signal.throwIfAborted();
    // Not ended by the signal: what was read is landed, and its loads ended.
    const lane = await Lane.open(settings, source, { signal: new AbortController().signal, onWait });
    const opened = new EventTopicLane(settings, source, lane);
    try {
      await opened.#ask((client) => prepareKafkaOffsets(client, source.schema));
      return opened;
    } catch (error) {
      await lane.abandon();
      throw error;
    }
  }

  get #key() {
    return queueKey(this.#source);
  }

  /** What is asked now and then. */
  #ask<T>(question: (client: Client) => Promise<T>): Promise<T> {
    const applicationName = `dataform ingest --follow ${this.#source.source}`;
    return withClient(this.#settings, { applicationName, duty: "loader" }, question);
  }

  offsets(): Promise<readonly KafkaOffset[]> {
    return this.#ask((client) => kafkaOffsets(client, this.#key));
  }

  noteEnds(ranges: readonly PartitionRange[]): Promise<void> {
    return this.#ask((client) => noteKafkaEnds(client, this.#key, ranges));
  }

  async write(pages: readonly SourcePage[], moves: readonly Moved[]): Promise<boolean> {
    const { connector } = this.#source;
    const events = pages.flatMap(({ records }) =>
      (records as readonly QueuedEvent[]).map(({ kept }) => arrivedAgain(this.#lane.streams, connector, kept)),
    );
    try {
      await this.#lane.write(events, async (client) => {
        if (!(await moveKafkaOffsets(client, this.#key, moves))) throw new Outrun();
      });
    } catch (error) {
      if (error instanceof Outrun) return false;
      throw error;
    }
    if (events.length) await this.#lane.notify();
    return true;
  }

  endDue(): Promise<void> {
    return this.#lane.endDue();
  }

  /** Events are there when they are: nobody asks for them. */
  async noteAsked(): Promise<void> {}

  close(): Promise<void> {
    return this.#lane.close();
  }

  abandon(): Promise<void> {
    return this.#lane.abandon();
  }
}
