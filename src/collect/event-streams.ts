import { createChecker, type RecordChecker } from "../land/check/checker.ts";
import type { LoadTarget } from "../land/load/target.ts";
import { counted } from "../model/counted.ts";
import type { CollectStream, StreamDeclaration } from "../model/declarations.ts";
import { nearest } from "../model/nearest.ts";
import type { JsonDocument } from "../sources/json/document.ts";
import { type Envelope, EventRecord, type Sending } from "./event.ts";

export type EventTarget = LoadTarget<StreamDeclaration & { readonly connector: CollectStream }>;

/** An event that lands, or why it does not; as far as it can be told without the server. */
export interface JudgedEvent {
  readonly stream: EventStream;
  readonly record: EventRecord;
  readonly text: string;
  /** Undefined where it does not land, for this reason. */
  readonly cells?: readonly (string | null)[] | undefined;
  readonly reason?: string;
}

/** Events of one type and version. */
export interface EventStream {
  readonly target: EventTarget;
  readonly check: RecordChecker;
}

/** The streams of a source, by what their events say of themselves. */
export class EventStreams {
  readonly all: readonly EventStream[];
  readonly #byType = new Map<string, Map<number, EventStream>>();
  readonly #clockSkew: number;

  constructor(targets: readonly EventTarget[], clockSkew: number) {
    this.#clockSkew = clockSkew;
    this.all = targets.map((target) => ({
      target,
      check: createChecker(target.stream.recordSchema, target.stream.drift),
    }));
    for (const one of this.all) {
      const { type, version } = one.target.stream.connector;
      const versions = this.#byType.get(type) ?? new Map();
      this.#byType.set(type, versions.set(version, one));
    }
  }

  /** The event as its schema sees it; a reason where no stream takes such events. */
  judge(event: Envelope, sending: Sending, position: string, document: JsonDocument): JudgedEvent | string {
    const stream = this.#byType.get(event.type)?.get(event.version);
    if (!stream) return this.#unknown(event);
    const record = new EventRecord(event, sending, { position, clockSkew: this.#clockSkew, document });
    const text = record.text();
    const checked = stream.check(record, text);
    if ("cells" in checked) return { stream, record, text, cells: checked.cells };
    return { stream, record, text, reason: checked.reasons.join("; ") };
  }

  #unknown({ type, version }: Envelope): string {
    const versions = this.#byType.get(type);
    if (versions)
      return `version: ${version} of "${type}" is not declared; there ${versions.size === 1 ? "is" : "are"} ${[...versions.keys()].join(", ")}`;
    const types = [...this.#byType.keys()];
    const suggestion = nearest(type, types);
    const known = types.length > 10 ? counted(types.length, "type") : types.join(", ");
    return `type: "${type}" is not declared; there ${types.length === 1 ? "is" : "are"} ${known}${suggestion ? `, did you mean "${suggestion}"?` : ""}`;
  }
}
