/** A command of `dataform`, or a question put to the marts. */
export type Step = { readonly run: readonly string[] } | { readonly ask: string; readonly sql: string };

export interface DemoContext {
  /** A folder for the demo's own files: new and empty. */
  readonly folder: string;
  /** What the commands see as environment variables: a demo adds where its source is. */
  readonly env: Record<string, string | undefined>;
  /** Starts a command that listens, and goes on beside the others until it is stopped. */
  readonly start: (args: readonly string[]) => Promise<Listening>;
}

/** A command of `dataform` that listens. */
export interface Listening {
  /** Ends in a slash. */
  readonly address: string;
  readonly stop: () => Promise<void>;
}

/** What goes on while the pages of a demo are looked at. */
export interface Shown {
  /** Flags of `dataform serve` besides. */
  readonly flags: readonly string[];
  /** The page to look at, behind the address. */
  readonly page: string;
  /** Sends to the server until the signal comes. */
  readonly feed: (address: string, signal: AbortSignal) => Promise<void>;
}

/** A product from its source to its marts. Between steps a demo starts servers and writes files; at its end it stops them. */
export interface Demo {
  readonly steps: (context: DemoContext) => AsyncGenerator<Step>;
  /** The schema of its marts. */
  readonly schema: string;
  readonly shown?: Shown;
}
