import type { ProduceDeclaration } from "../../model/declarations.ts";
import { heeding } from "../../wait/timers.ts";
import { clientOptions } from "./connecting.ts";
import { type DriverProducer, importDriver } from "./driver.ts";
import { cannotRead, chainOf, explained } from "./errors.ts";

/** A record that is sent. */
export interface Produced {
  readonly key: Buffer | null;
  readonly value: Buffer;
  readonly headers: ReadonlyMap<string, string>;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
}

/** Tries of what a broker did not answer, and milliseconds between them: by the same number, so that none is appended twice. */
const RETRIES = 10;
const RETRY_DELAY = 200;

/** All brokers that have a copy. */
const ALL = -1;

/**
 * Sends records to a topic, each once (idempotent). One that failed to is of no use any more: what comes next would have the number of
 * what may have been appended, and be taken for it.
 */
export class KafkaProducer {
  readonly #producer: DriverProducer;
  readonly #topic: string;
  readonly #where: string;

  private constructor(producer: DriverProducer, { topic, cluster }: ProduceDeclaration) {
    this.#producer = producer;
    this.#topic = topic;
    this.#where = cluster.brokers.join(", ");
  }

  /** @throws UserError where no broker answers, whoever asks may not, or there is no such topic */
  static async open(declared: ProduceDeclaration, signal?: AbortSignal): Promise<KafkaProducer> {
    const { topic, cluster } = declared;
    const { Producer } = await importDriver(cluster.projectDir);
    const retrying = { retries: RETRIES, retryDelay: RETRY_DELAY, idempotent: true };
    const producer = new Producer({ ...(await clientOptions(cluster)), ...retrying });
    const opened = new KafkaProducer(producer, declared);
    try {
      const { topics } = await heeding(producer.metadata({ topics: [topic] }), signal);
      if (!topics.get(topic)?.partitions.length) throw noTopic(topic, opened.#where);
      await heeding(producer.initIdempotentProducer({}), signal);
      return opened;
    } catch (error) {
      await opened.close();
      if (chainOf(error).some(({ message }) => /^Unknown topic /.test(message))) throw noTopic(topic, opened.#where);
      throw explained(error, `asking ${opened.#where}`);
    }
  }

  /**
   * Resolves once each of them is on all brokers that have to have it.
   * @throws where some may not be
   */
  async send(records: readonly Produced[], signal: AbortSignal): Promise<void> {
    const messages = records.map(({ key, value, headers, timestamp }) => ({
      ...(key ? { key } : {}),
      ...{ topic: this.#topic, value, timestamp: BigInt(timestamp) },
      headers: new Map([...headers].map(([name, text]) => [Buffer.from(name), Buffer.from(text)])),
    }));
    try {
      await heeding(this.#producer.send({ messages, acks: ALL }), signal);
    } catch (error) {
      throw explained(error, `sending to ${this.#topic} of ${this.#where}`);
    }
  }

  close(): Promise<void> {
    return this.#producer.close(true).catch(() => {});
  }
}

function noTopic(topic: string, where: string): Error {
  return cannotRead(`there is no topic ${topic}`, {
    expected: `a topic of ${where} that the user may write to`,
    hint: "make the topic, or correct topic:",
  });
}

/** Whether the broker refused what was sent, whoever sends it: nothing of that partition was appended. */
export function isRefused(error: unknown): boolean {
  return chainOf(error).some(({ apiId }) => apiId !== undefined && REFUSED.has(apiId));
}

const REFUSED = new Set(["MESSAGE_TOO_LARGE", "RECORD_LIST_TOO_LARGE", "INVALID_RECORD"]);
