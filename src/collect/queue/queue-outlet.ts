import { ledgerKey } from "../../land/ledger/ledger.ts";
import { rawTable } from "../../land/table/raw-table.ts";
import type { ProduceDeclaration } from "../../model/declarations.ts";
import { isRefused, KafkaProducer } from "../../sources/kafka/producer.ts";
import { ACCEPTED, type Arrived, type Outcome } from "../arrived.ts";
import { EventStreams, type EventTarget } from "../event-streams.ts";
import type { CollectedSource } from "../lane.ts";
import type { Outlet } from "../outlet.ts";
import { bundlesOf, messageOf } from "./messages.ts";

/**
 * Events go to a topic, and are kept once all brokers that have to have them say so. Whoever lands them judges them again, and knows which
 * came before.
 */
export class QueueOutlet implements Outlet {
  readonly streams: EventStreams;
  readonly openFor = undefined;
  readonly #declared: ProduceDeclaration;
  readonly #maxEventBytes: number;
  readonly #stop = new AbortController();
  /** Undefined after one that failed. */
  #producer: KafkaProducer | undefined;

  private constructor(source: CollectedSource, producer: KafkaProducer) {
    const { produce, clockSkew, maxEventBytes } = source.connector;
    this.#declared = produce!;
    this.#maxEventBytes = maxEventBytes;
    this.#producer = producer;
    // By the types as they are written: the server may never be asked here.
    const targets = source.streams.map((stream) => {
      return { stream, key: ledgerKey(source, stream), table: rawTable(source, stream) } as EventTarget;
    });
    this.streams = new EventStreams(targets, clockSkew);
  }

  /** @throws UserError where no broker answers, or there is no such topic */
  static async open(source: CollectedSource, signal: AbortSignal): Promise<QueueOutlet> {
    return new QueueOutlet(source, await KafkaProducer.open(source.connector.produce!, signal));
  }

  async write(events: readonly Arrived[]): Promise<readonly Outcome[]> {
    const { signal } = this.#stop;
    const messages = events.map((event) => messageOf(event, this.#declared, this.#maxEventBytes));
    this.#producer ??= await KafkaProducer.open(this.#declared, signal);
    try {
      for (const bundle of bundlesOf(messages)) await this.#producer.send(bundle, signal);
    } catch (error) {
      const spoilt = this.#producer;
      this.#producer = undefined;
      await spoilt.close();
      throw error;
    }
    return events.map(({ judged: { reason } }) => (reason === undefined ? ACCEPTED : { kind: "rejected", reason }));
  }

  goesOn(error: unknown): boolean {
    return !this.#stop.signal.aborted && isRefused(error);
  }

  cancel(): void {
    this.#stop.abort();
  }

  async endDue(): Promise<void> {}

  async notify(): Promise<void> {}

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#producer?.close();
  }

  abandon(): Promise<void> {
    return this.close();
  }
}
