import type { KafkaDeclaration } from "../../model/declarations.ts";
import { clientOptions } from "./connecting.ts";
import { type DriverConsumer, importDriver } from "./driver.ts";
import { explained } from "./errors.ts";
import { type Partition, placeOf } from "./partition.ts";
import type { Moved } from "./reading.ts";

/** Milliseconds: who is not heard of for so long is none of the group any more, and is heard of so often. */
const SESSION = 10_000;
const HEARTBEAT = 1_000;
/** A member of KIP-848 that was put out goes on asking by its old name, in vain: it begins anew. */
const SILENCE = 20_000;

/**
 * A member of a consumer group: it is told which partitions are its own. What it reads of them, and from where, is nobody's business
 * here; who reads a partition that is not theirs any more lands nothing of it.
 */
export class GroupMember {
  readonly #consumer: DriverConsumer;
  readonly #began = Date.now();
  #failed = false;

  private constructor(consumer: DriverConsumer) {
    this.#consumer = consumer;
  }

  /** @throws UserError where no broker answers, or whoever asks may not */
  static async join(connector: KafkaDeclaration, group: string, topics: readonly string[]): Promise<GroupMember> {
    const driver = await importDriver(connector.projectDir);
    const isClassic = connector.protocol === "classic";
    const consumer = new driver.Consumer({
      ...(await clientOptions(connector, group)),
      groupProtocol: connector.protocol,
      // Of KIP-848 the broker says how often; the driver compares them all the same.
      ...{ sessionTimeout: SESSION, rebalanceTimeout: 3 * SESSION, heartbeatInterval: HEARTBEAT },
    });
    const member = new GroupMember(consumer);
    // What fails in the background is seen by `isLost`; without a listener it would end the process.
    consumer.on("error", () => {
      member.#failed = true;
    });
    try {
      consumer.topics.trackAll(...topics);
      if (isClassic) await consumer.joinGroup({});
      else await joinByStream(consumer, topics);
      return member;
    } catch (error) {
      await consumer.close(true).catch(() => {});
      throw explained(error, `joining the group ${group}`);
    }
  }

  /** Which partitions are its own now. */
  get partitions(): readonly Partition[] {
    return (this.#consumer.assignments ?? []).flatMap(({ topic, partitions }) =>
      partitions.map((partition) => ({ topic, partition })),
    );
  }

  /** Changes whenever they do. */
  get assignment(): string {
    return this.partitions.map(placeOf).sort().join();
  }

  /** Whether the group does not know it any more, so that it has to join anew. */
  get isLost(): boolean {
    return this.#failed || Date.now() - (this.#consumer.lastHeartbeat?.getTime() ?? this.#began) > SILENCE;
  }

  /** Tells Kafka how far partitions have landed, for those who look at lag there. It decides nothing. */
  async tell(moves: readonly Moved[]): Promise<void> {
    const offsets = moves.map(({ topic, partition, next }) => ({ topic, partition, offset: next, leaderEpoch: -1 }));
    if (offsets.length) await this.#consumer.commit({ offsets });
  }

  leave(): Promise<void> {
    return this.#consumer.close(true).catch(() => {});
  }
}

/** The driver joins a group of KIP-848 with a stream alone, which is closed before it has read anything: the topics are tracked twice. */
async function joinByStream(consumer: DriverConsumer, topics: readonly string[]): Promise<void> {
  const stream = await consumer.consume({ topics: [...topics], mode: "manual", offsets: [] });
  stream.on("error", () => {});
  await stream.close();
}
