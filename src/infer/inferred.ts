/** A field as it was found. */
export interface InferredField {
  readonly name: string;
  /** What the source calls it. */
  readonly written: string;
  /** The property of the JSON Schema. */
  readonly property: Readonly<Record<string, unknown>>;
  readonly examples: readonly string[];
  /** Whether every row has it, each with another value. */
  readonly isKey: boolean;
  readonly unsure?: string;
}

/** What was found out about the records of a source. */
export interface InferredRecords {
  readonly format: string;
  /** Of the format, as the declaration writes them; only what is not the default. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly fields: readonly InferredField[];
  readonly rows: number;
  /** Whether these are all rows. */
  readonly isWhole: boolean;
  /** What a person should look at, beside what is said of fields. */
  readonly unsure: readonly string[];
}
