import { importOptional } from "../../config/optional-package.ts";

// What we use of @platformatic/kafka: connections, who asks, versions of the protocol, groups and producing. Offsets and records are
// read by ourselves (fetch.ts, batches.ts); docs/decisions.md says why.

export interface ReceivedBytes {
  readonly position: number;
  readonly buffer: { slice(start: number): Buffer };
}

export type Request<Arguments extends readonly unknown[], Answer> = {
  async(connection: object, ...args: Arguments): Promise<Answer>;
};

/** The parts of one version of a request. */
export interface RequestVersion {
  createRequest(...args: readonly unknown[]): unknown;
}

interface DriverTopic {
  /** A UUID. */
  readonly id: string;
  readonly partitions: readonly { readonly leader: number; readonly leaderEpoch: number }[];
}

export interface DriverMetadata {
  readonly brokers: ReadonlyMap<number, { readonly host: string; readonly port: number }>;
  readonly topics: ReadonlyMap<string, DriverTopic>;
}

/** Milliseconds since 1970, or one of these. */
export const EARLIEST = -2n;
export const LATEST = -1n;

export const READ_COMMITTED = 1;

interface Assignment {
  readonly topic: string;
  readonly partitions: readonly number[];
}

export interface DriverConsumer {
  metadata(options: { topics: string[]; forceUpdate?: boolean }): Promise<DriverMetadata>;
  clearMetadata(): void;
  listApis(): Promise<readonly { name: string; minVersion: number; maxVersion: number }[]>;
  connectToBrokers(nodes: readonly number[]): Promise<ReadonlyMap<number, object>>;
  listOffsets(options: {
    topics: string[];
    timestamp: bigint;
    isolationLevel: number;
  }): Promise<ReadonlyMap<string, readonly bigint[]>>;
  close(force?: boolean): Promise<void>;
  /** Of a member of a group. */
  readonly topics: { trackAll(...topics: readonly string[]): unknown };
  readonly assignments: readonly Assignment[] | null;
  readonly lastHeartbeat: Date | null;
  joinGroup(options: object): Promise<unknown>;
  consume(options: object): Promise<{ close(): Promise<void>; on(event: "error", listener: () => void): unknown }>;
  commit(options: {
    offsets: readonly { topic: string; partition: number; offset: bigint; leaderEpoch: number }[];
  }): Promise<void>;
  on(event: string, listener: (...args: readonly unknown[]) => void): unknown;
}

export interface DriverProducer {
  metadata(options: { topics: string[] }): Promise<DriverMetadata>;
  initIdempotentProducer(options: object): Promise<unknown>;
  send(options: { readonly messages: readonly object[]; readonly acks: number }): Promise<unknown>;
  close(force?: boolean): Promise<void>;
}

export interface KafkaDriver {
  readonly Producer: new (options: object) => DriverProducer;
  readonly Consumer: new (options: object) => DriverConsumer;
  readonly compressionsAlgorithmsByBitmask: Readonly<Record<number, { decompressSync(bytes: Buffer): Buffer }>>;
  createAPI<Arguments extends readonly unknown[], Answer>(
    key: number,
    version: number,
    createRequest: RequestVersion["createRequest"],
    parse: (id: number, key: number, version: number, reader: ReceivedBytes) => Answer,
  ): Request<Arguments, Answer>;
  readonly [version: `fetchV${number}`]: RequestVersion;
}

export function importDriver(projectDir: string): Promise<KafkaDriver> {
  return importOptional<KafkaDriver>("@platformatic/kafka", projectDir, "speaking to Kafka");
}
