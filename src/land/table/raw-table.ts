import type {
  IngestDeclaration,
  PartitionDeclaration,
  RecordSchema,
  StreamDeclaration,
} from "../../model/declarations.ts";

/** A table that records land in. */
export interface RawTable {
  readonly schema: string;
  readonly name: string;
  readonly recordSchema: RecordSchema;
  readonly partition?: PartitionDeclaration;
  readonly indexes?: readonly (readonly string[])[];
  /** The columns whose values name a slice, where a load replaces slices. */
  readonly slicedBy?: readonly string[];
}

export function rawTable({ schema }: IngestDeclaration, stream: StreamDeclaration): RawTable {
  const { table, recordSchema, partition, batch } = stream;
  // Who adds up rows as they come looks for those of the newest loads.
  const { kind } = stream.connector;
  const indexes = kind === "collect" || kind === "kafka" ? [...(stream.indexes ?? []), ["_load_id"]] : stream.indexes;
  const slicedBy = batch.kind === "slice" ? batch.by : undefined;
  return {
    ...{ schema, name: table, recordSchema },
    ...(partition ? { partition } : {}),
    ...(indexes ? { indexes } : {}),
    ...(slicedBy ? { slicedBy } : {}),
  };
}
