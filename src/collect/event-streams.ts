import { createChecker, type RecordChecker } from "../land/check/checker.ts";
import type { LoadTarget } from "../land/load/target.ts";
import { counted } from "../model/counted.ts";
import { type CollectStream, EVENT_COLUMNS, type RecordSchema, type StreamDeclaration } from "../model/declarations.ts";
import { nearest } from "../model/nearest.ts";
import type { JsonPart } from "../sources/json/document.ts";
import { type Envelope, EventRecord, type Sending } from "./event.ts";

export type EventTarget = LoadTarget<StreamDeclaration & { readonly connector: CollectStream }>;

/** What the schema says of one: cells, or a reason. */
export interface Judgement {
  /** Undefined where nothing says which. */
  readonly stream?: EventStream | undefined;
  readonly cells?: readonly (string | null)[] | undefined;
  readonly reason?: string | undefined;
}

/** An event that lands, or why it does not; as far as it can be told without the server. */
interface JudgedEvent {
  readonly judged: Judgement;
  readonly text: () => string;
}

/** Reasons that are told of one event, and how long they may be together: a list of thousands may be wrong in each of its items. */
const MOST_REASONS = 10;
const LONGEST_REASON = 2_000;

/** Events of one type and version. */
export interface EventStream {
  readonly target: EventTarget;
  /** Of the data; what stands around it is looked at before. */
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
      check: createChecker(dataSchemaOf(target.stream.recordSchema), target.stream.drift),
    }));
    for (const one of this.all) {
      const { type, version } = one.target.stream.connector;
      const versions = this.#byType.get(type) ?? new Map();
      this.#byType.set(type, versions.set(version, one));
    }
  }

  /** The event as its schema sees it; a reason where no stream takes such events. */
  judge(event: Envelope, sending: Sending, position: string, document: JsonPart): JudgedEvent | string {
    const stream = this.#byType.get(event.type)?.get(event.version);
    if (!stream) return this.#unknown(event);
    const record = new EventRecord(event, sending, { position, clockSkew: this.#clockSkew, document });
    const text = () => record.whole();
    const checked = stream.check(record, record.text());
    if ("reasons" in checked) return { judged: { stream, reason: reasonOf(checked.reasons) }, text };
    const { cells } = checked;
    return { judged: { stream, cells: [...cells.slice(0, -1), ...record.around, cells.at(-1)!] }, text };
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

const AROUND = new Set<string>(EVENT_COLUMNS.map(({ name }) => name));

/** What a schema of events says of their data. */
function dataSchemaOf(whole: RecordSchema): RecordSchema {
  const properties = Object.entries(whole.schema.properties as object).filter(([name]) => !AROUND.has(name));
  return {
    ...whole,
    schema: { ...whole.schema, properties: Object.fromEntries(properties) },
    columns: whole.columns.filter(({ name }) => !AROUND.has(name)),
  };
}

/** Reasons as one text. */
export function reasonOf(reasons: readonly string[]): string {
  const told = reasons.slice(0, MOST_REASONS).join("; ");
  const short = told.length > LONGEST_REASON ? `${told.slice(0, LONGEST_REASON)}…` : told;
  return reasons.length > MOST_REASONS ? `${short}; and ${reasons.length - MOST_REASONS} more` : short;
}
