import type { KafkaDeclaration } from "../../model/declarations.ts";
import { until } from "../../wait/until.ts";
import { type ReadLog, readLog, type Unpack, unpackerOf } from "./batches.ts";
import { clientOptions } from "./connecting.ts";
import { type DriverConsumer, type DriverMetadata, EARLIEST, importDriver, LATEST, READ_COMMITTED } from "./driver.ts";
import { cannotRead, chainOf, errorName, explained, OFFSET_OUT_OF_RANGE, passes } from "./errors.ts";
import { type Fetch, type FetchedPartition, fetchOf, type WantedTopic } from "./fetch.ts";
import { type Partition, placeOf } from "./partition.ts";

/** What a partition holds, for who reads committed records. */
export interface PartitionRange extends Partition {
  /** Of the topic: another one of its name has another. */
  readonly topicId: string;
  /** The oldest record that is still there. */
  readonly earliest: bigint;
  /** Behind the newest. */
  readonly latest: bigint;
}

/** Where a partition is read on. */
export interface PartitionPlace extends Partition {
  readonly topicId: string;
  readonly next: bigint;
}

/** What came of a partition. */
export interface PartitionRead extends ReadLog, Partition {
  readonly topicId: string;
  readonly from: bigint;
  /** Behind the newest record that readers see. */
  readonly end: bigint;
}

/** Milliseconds: for a broker that is gone or a partition without a leader, and between two looks. */
const PATIENCE = 60_000;
const LOOK_EVERY = 200;

/** Reads partitions from the places that it is told, and knows none itself. */
export class KafkaReader {
  readonly #consumer: DriverConsumer;
  readonly #fetch: Fetch;
  readonly #unpack: Unpack;
  readonly #where: string;

  private constructor(consumer: DriverConsumer, fetch: Fetch, unpack: Unpack, where: string) {
    this.#consumer = consumer;
    this.#fetch = fetch;
    this.#unpack = unpack;
    this.#where = where;
  }

  /**
   * @param group of whom it reads; it is no member
   * @throws UserError where no broker answers, or whoever asks may not
   */
  static async open(connector: KafkaDeclaration, group: string): Promise<KafkaReader> {
    const driver = await importDriver(connector.projectDir);
    const where = connector.brokers.join(", ");
    const consumer = new driver.Consumer(await clientOptions(connector, group));
    try {
      return new KafkaReader(consumer, await fetchOf(driver, consumer), unpackerOf(driver), where);
    } catch (error) {
      await consumer.close(true).catch(() => {});
      throw explained(error, `asking ${where}`);
    }
  }

  /**
   * What each partition of the topics holds.
   * @throws UserError for a topic that is not there
   */
  async ranges(topics: readonly string[], signal?: AbortSignal): Promise<readonly PartitionRange[]> {
    const metadata = await this.#ledBy(topics, signal);
    const [earliest, latest] = [await this.#offsets(topics, EARLIEST), await this.#offsets(topics, LATEST)];
    return topics.flatMap((topic) =>
      metadata.topics.get(topic)!.partitions.map((_, partition) => ({
        ...{ topic, partition, topicId: metadata.topics.get(topic)!.id },
        earliest: earliest.get(topic)![partition]!,
        latest: latest.get(topic)![partition]!,
      })),
    );
  }

  /** Of each partition the first record that was made at or after a time; undefined where none was. */
  async since(topics: readonly string[], milliseconds: number): Promise<(of: Partition) => bigint | undefined> {
    const found = await this.#offsets(topics, BigInt(milliseconds));
    return ({ topic, partition }) => {
      const offset = found.get(topic)?.[partition] ?? -1n;
      return offset < 0n ? undefined : offset;
    };
  }

  /**
   * Reads what comes next of some partitions: what there is, or nothing where nothing comes within `maxWait` milliseconds. A place
   * that is no longer in the log is told by `onGone`.
   * @throws UserError where brokers cannot be reached any more
   */
  async read(
    places: readonly PartitionPlace[],
    { maxWait, signal }: { readonly maxWait: number; readonly signal?: AbortSignal | undefined },
  ): Promise<readonly PartitionRead[]> {
    let left = places;
    const all: PartitionRead[] = [];
    let last = "";
    const found = await until({
      look: async () => {
        const { read, again, why } = await this.#readOnce(left, maxWait);
        all.push(...read);
        left = again;
        last = why ?? last;
        // What one has is not kept waiting for what another will have.
        return all.length || !again.length ? all : undefined;
      },
      every: LOOK_EVERY,
      deadline: PATIENCE,
      signal,
      describe: () => `${this.#where}: ${last}`,
    });
    if (found) return found;
    throw cannotRead(`${this.#where} could not be read for ${PATIENCE / 1000} seconds`, {
      found: last,
      hint: "nothing of what was read since the last commit was landed: it is read again",
    });
  }

  /** Asks each leader once. */
  async #readOnce(places: readonly PartitionPlace[], maxWait: number) {
    const read: PartitionRead[] = [];
    const again: PartitionPlace[] = [];
    let why: string | undefined;
    const fail = (some: readonly PartitionPlace[], reason: string) => {
      again.push(...some);
      why = reason;
      this.#consumer.clearMetadata();
    };
    const metadata = await this.#metadata([...new Set(places.map(({ topic }) => topic))]).catch((error: Error) => {
      fail(places, wordsOf(error));
    });
    if (!metadata) return { read, again, why };
    await Promise.all(
      [...byLeader(places, metadata)].map(async ([leader, some]) => {
        try {
          const answers = await this.#ask(leader, some, { metadata, maxWait });
          for (const place of some) {
            const answer = answers.find((one) => one.topicId === place.topicId && one.partition === place.partition);
            if (!answer || passes(answer.error))
              fail([place], answer ? errorName(answer.error) : "it was not answered");
            else read.push(await this.#readOf(place, answer));
          }
        } catch (error) {
          if (!isPassing(error)) throw explained(error, `reading from ${this.#where}`);
          fail(some, wordsOf(error as Error));
        }
      }),
    );
    return { read, again, why };
  }

  async #ask(
    leader: number,
    places: readonly PartitionPlace[],
    { metadata, maxWait }: { readonly metadata: DriverMetadata; readonly maxWait: number },
  ): Promise<readonly FetchedPartition[]> {
    if (leader < 0) return [];
    const connection = (await this.#consumer.connectToBrokers([leader])).get(leader);
    if (!connection) return [];
    const topics = new Map<string, WantedTopic["partitions"][number][]>();
    for (const { topic, topicId, partition, next } of places) {
      const { leaderEpoch } = metadata.topics.get(topic)!.partitions[partition]!;
      topics.set(topicId, [...(topics.get(topicId) ?? []), { partition, from: next, leaderEpoch }]);
    }
    const asked = [...topics].map(([id, partitions]) => ({ id, partitions }));
    return this.#fetch(connection, asked, { maxWait });
  }

  async #readOf(place: PartitionPlace, answer: FetchedPartition): Promise<PartitionRead> {
    const { topic, partition, topicId, next: from } = place;
    const { error, begin, end, log, aborted } = answer;
    if (error === OFFSET_OUT_OF_RANGE)
      throw cannotRead(`offset ${from} of ${placeOf(place)} is gone while it is read`, {
        found: `it has ${begin} to ${end}`,
        hint: "the next load says what is lost, and how to go on",
      });
    if (error)
      throw cannotRead(`${placeOf(place)} cannot be read`, {
        found: errorName(error),
        ...(error === 29 ? { hint: "give the user the right to read the topic" } : {}),
      });
    return { topic, partition, topicId, from, end, ...(await readLog(log, from, aborted, this.#unpack)) };
  }

  /** What is known of the topics, once each of their partitions has a leader. */
  async #ledBy(topics: readonly string[], signal: AbortSignal | undefined): Promise<DriverMetadata> {
    const found = await until({
      look: async () => {
        const metadata = await this.#metadata(topics, true);
        const all = topics.flatMap((topic) => metadata.topics.get(topic)!.partitions);
        return all.every(({ leader }) => leader >= 0) ? metadata : undefined;
      },
      every: LOOK_EVERY,
      deadline: PATIENCE,
      signal,
      describe: () => `partitions of ${topics.join(", ")} have no leader`,
    });
    if (found) return found;
    throw cannotRead(`partitions of ${topics.join(", ")} have no leader`, { hint: "start the brokers that have them" });
  }

  async #metadata(topics: readonly string[], forceUpdate = false): Promise<DriverMetadata> {
    try {
      return await this.#consumer.metadata({ topics: [...topics], forceUpdate });
    } catch (error) {
      const unknown = chainOf(error).find(({ message }) => /^Unknown topic /.test(message));
      if (!unknown) throw explained(error, `asking ${this.#where}`);
      const name = /^Unknown topic (.*)\.$/.exec(unknown.message)?.[1];
      throw cannotRead(`there is no topic ${name === "unknown" ? `of ${topics.join(", ")}` : name}`, {
        expected: `a topic of ${this.#where} that the user may see`,
        hint: "make the topic, or correct topic:",
      });
    }
  }

  async #offsets(topics: readonly string[], timestamp: bigint) {
    try {
      return await this.#consumer.listOffsets({ topics: [...topics], timestamp, isolationLevel: READ_COMMITTED });
    } catch (error) {
      throw explained(error, `asking ${this.#where}`);
    }
  }

  close(): Promise<void> {
    return this.#consumer.close(true).catch(() => {});
  }
}

function byLeader(places: readonly PartitionPlace[], metadata: DriverMetadata): ReadonlyMap<number, PartitionPlace[]> {
  const found = new Map<number, PartitionPlace[]>();
  for (const place of places) {
    const leader = metadata.topics.get(place.topic)?.partitions[place.partition]?.leader ?? -1;
    found.set(leader, [...(found.get(leader) ?? []), place]);
  }
  return found;
}

function isPassing(error: unknown): boolean {
  return chainOf(error).some(({ code }) => code === "PLT_KFK_NETWORK" || code === "PLT_KFK_TIMEOUT");
}

function wordsOf(error: Error): string {
  return chainOf(error).findLast(({ message }) => message)?.message ?? String(error);
}
