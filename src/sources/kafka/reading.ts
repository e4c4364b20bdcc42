import { PageBuilder } from "../formats/pages.ts";
import type { SourcePage } from "../source.ts";
import type { Decode } from "./decoding.ts";
import { type Partition, placeOf } from "./partition.ts";
import type { Beginning } from "./places.ts";
import type { KafkaReader, PartitionRead } from "./reader.ts";
import { isRejected } from "./records.ts";

/** How far a partition has been taken, and from where. */
export interface Moved extends Partition {
  readonly topicId: string;
  readonly before: Beginning["before"];
  readonly next: bigint;
  /** Behind the newest record that readers see. */
  readonly end: bigint;
}

interface Progress {
  readonly beginning: Beginning;
  /** How far it landed. */
  before: Beginning["before"];
  /** Where what was taken since begins: before it, where records land once more. */
  from: bigint;
  /** How far it was taken: it moves as records are. */
  taken: bigint;
  /** How far it was asked for. */
  asked: bigint;
  end: bigint;
  /** Nothing is taken from here on; undefined where it is read for ever. */
  readonly until: bigint | undefined;
}

/** Milliseconds. */
const MAX_WAIT = 500;

/** Partitions that are read on from their beginnings, one answer ahead of what is taken. */
export class KafkaReading {
  readonly #reader: KafkaReader;
  readonly #decode: Decode;
  readonly #progress: ReadonlyMap<string, Progress>;
  readonly #ready: PartitionRead[] = [];
  #asked: Promise<readonly PartitionRead[]> | undefined;

  /** @param ends where each ends that is read to its end */
  constructor(
    reader: KafkaReader,
    decode: Decode,
    beginnings: readonly Beginning[],
    ends?: ReadonlyMap<string, bigint>,
  ) {
    this.#reader = reader;
    this.#decode = decode;
    this.#progress = new Map(
      beginnings.map((beginning) => {
        const { before, next } = beginning;
        const until = ends?.get(placeOf(beginning));
        return [
          placeOf(beginning),
          { beginning, before, from: next, taken: next, asked: next, end: until ?? next, until },
        ];
      }),
    );
  }

  get isAtEnd(): boolean {
    return [...this.#progress.values()].every(({ taken, until }) => until !== undefined && taken >= until);
  }

  /** Pages of what comes next, up to about so many records. */
  async *pages(most: number, signal?: AbortSignal): AsyncGenerator<SourcePage> {
    const pages = new PageBuilder();
    let count = 0;
    while (count < most && !this.isAtEnd) {
      const read = this.#ready.shift();
      if (!read) {
        this.#ready.push(...(await this.#next(signal)));
        continue;
      }
      count += read.records.length;
      yield* this.#pagesOf(read, pages);
    }
    if (!pages.empty) yield pages.build();
  }

  /** Pages of what has come, once something has, or nothing does for a moment. */
  async *coming(signal?: AbortSignal): AsyncGenerator<SourcePage> {
    const pages = new PageBuilder();
    if (!this.#ready.length) this.#ready.push(...(await this.#next(signal)));
    for (const read of this.#ready.splice(0)) yield* this.#pagesOf(read, pages);
    if (!pages.empty) yield pages.build();
  }

  async *#pagesOf(read: PartitionRead, pages: PageBuilder): AsyncGenerator<SourcePage> {
    const progress = this.#progress.get(placeOf(read))!;
    for (const record of read.records) {
      if (progress.until !== undefined && record.offset >= progress.until) break;
      const decoding = this.#decode(record, read);
      const decoded = decoding instanceof Promise ? await decoding : decoding;
      if (decoded === undefined) continue;
      if (isRejected(decoded)) pages.addRejected(decoded);
      else pages.addRecord(decoded, record.value?.length ?? 0);
      if (pages.full) yield pages.build();
    }
    progress.taken = least(read.next, progress.until);
    if (progress.end < read.end) progress.end = read.end;
  }

  /** What was asked for; and asks for what is behind it meanwhile. */
  async #next(signal: AbortSignal | undefined): Promise<readonly PartitionRead[]> {
    const found = (await (this.#asked ?? this.#ask(signal))) ?? [];
    this.#asked = undefined;
    for (const read of found) this.#progress.get(placeOf(read))!.asked = read.next;
    const next = this.#ask(signal);
    // Looked at by whoever takes it.
    next?.catch(() => {});
    this.#asked = next;
    return found;
  }

  #ask(signal: AbortSignal | undefined): Promise<readonly PartitionRead[]> | undefined {
    const places = [...this.#progress.values()].flatMap(({ beginning, asked, until }) =>
      until !== undefined && asked >= until ? [] : [{ ...beginning, next: asked }],
    );
    return places.length ? this.#reader.read(places, { maxWait: MAX_WAIT, signal }) : undefined;
  }

  /** Whether a partition has landed as far as this knows. */
  stands({ before, ...at }: Beginning): boolean {
    const known = this.#progress.get(placeOf(at))?.before;
    return known?.next === before?.next && known?.topicId === before?.topicId;
  }

  /** How far partitions were taken since they landed last. */
  get moves(): readonly Moved[] {
    return [...this.#progress.values()].flatMap(({ beginning, before, from, taken, end }) => {
      const { topic, partition, topicId } = beginning;
      const stands = before?.topicId === topicId && before.next === taken;
      return stands && from === taken ? [] : [{ topic, partition, topicId, before, next: taken, end }];
    });
  }

  /** What was taken has landed. */
  landed(): void {
    for (const one of this.#progress.values()) {
      one.before = { topicId: one.beginning.topicId, next: one.taken };
      one.from = one.taken;
    }
  }
}

function least(a: bigint, b: bigint | undefined): bigint {
  return b === undefined || a < b ? a : b;
}
