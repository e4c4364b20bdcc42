import type { PartitionDeclaration, RecordSchema } from "../model/ingest.ts";

/** A table that records land in. */
export interface RawTable {
  readonly schema: string;
  readonly name: string;
  readonly recordSchema: RecordSchema;
  readonly partition?: PartitionDeclaration;
}
