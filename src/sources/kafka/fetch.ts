import type { AbortedTransaction } from "./batches.ts";
import type { DriverConsumer, KafkaDriver, ReceivedBytes, Request, RequestVersion } from "./driver.ts";
import { READ_COMMITTED } from "./driver.ts";
import { cannotRead } from "./errors.ts";
import { WireReader } from "./wire.ts";

/** One partition that is asked for. */
interface WantedPartition {
  readonly partition: number;
  readonly from: bigint;
  readonly leaderEpoch: number;
}

export interface WantedTopic {
  /** A UUID. */
  readonly id: string;
  readonly partitions: readonly WantedPartition[];
}

/** What was sent of one. */
export interface FetchedPartition {
  readonly topicId: string;
  readonly partition: number;
  /** Kafka's number of an error; 0 where there is none. */
  readonly error: number;
  /** Where what readers see ends: behind it stand transactions that are open. */
  readonly end: bigint;
  /** Where the log begins. */
  readonly begin: bigint;
  readonly aborted: readonly AbortedTransaction[];
  readonly log: Buffer;
}

/** Milliseconds that the broker waits for records to come. */
interface FetchLimits {
  readonly maxWait: number;
}

const MOST_BYTES = 16 * 1024 * 1024;
const MOST_BYTES_OF_PARTITION = 4 * 1024 * 1024;

/** Names a topic by its id, so that another one of its name is told apart: Kafka 3.1. */
const FIRST_VERSION = 13;
const LAST_VERSION = 17;

export type Fetch = (
  connection: object,
  topics: readonly WantedTopic[],
  limits: FetchLimits,
) => Promise<readonly FetchedPartition[]>;

/** @throws UserError where the brokers are too old */
export async function fetchOf(driver: KafkaDriver, consumer: DriverConsumer): Promise<Fetch> {
  const known = (await consumer.listApis()).find(({ name }) => name === "Fetch");
  const version = Math.min(LAST_VERSION, known?.maxVersion ?? 0);
  if (version < FIRST_VERSION)
    throw cannotRead("the brokers are too old", {
      expected: "Kafka 3.1, which names a topic by its id",
      found: `version ${version} of Fetch`,
      hint: "update the brokers",
    });
  const { createRequest } = driver[`fetchV${version}`] as RequestVersion;
  const request: Request<readonly unknown[], readonly FetchedPartition[]> = driver.createAPI(
    1,
    version,
    createRequest,
    (_id, _key, _version, reader) => readAnswer(reader),
  );
  return (connection, topics, { maxWait }) => {
    const asked = topics.map(({ id, partitions }) => ({
      topicId: id,
      partitions: partitions.map(({ partition, from, leaderEpoch }) => ({
        ...{ partition, fetchOffset: from, currentLeaderEpoch: leaderEpoch },
        ...{ lastFetchedEpoch: -1, partitionMaxBytes: MOST_BYTES_OF_PARTITION },
      })),
    }));
    return request.async(connection, maxWait, 1, MOST_BYTES, READ_COMMITTED, 0, 0, asked, [], "");
  };
}

/** The driver's own reading of it passes over what versions 16 and 17 add as if it were nothing, and is five times slower. */
function readAnswer({ position, buffer }: ReceivedBytes): readonly FetchedPartition[] {
  const reader = new WireReader(buffer.slice(position));
  reader.skip(4); // throttled for
  const error = reader.int16();
  reader.skip(4); // session
  const partitions = reader.list(() => {
    const topicId = reader.uuid();
    const some = reader.list(() => readPartition(reader, topicId));
    reader.skipTags();
    return some;
  });
  return partitions.flat().map((one) => (error ? { ...one, error } : one));
}

function readPartition(reader: WireReader, topicId: string): FetchedPartition {
  const partition = reader.int32();
  const error = reader.int16();
  reader.skip(8); // what is written, transactions that are open included
  const end = reader.int64();
  const begin = reader.int64();
  const aborted = reader.list(() => {
    const transaction = { producerId: reader.int64(), firstOffset: reader.int64() };
    reader.skipTags();
    return transaction;
  });
  reader.skip(4); // a replica to read from
  const log = reader.take(Math.max(0, reader.uvarint() - 1));
  reader.skipTags();
  return { topicId, partition, error, end, begin, aborted, log };
}
