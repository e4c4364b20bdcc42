/** What a command line said of a project. */
export interface Answer {
  /** The document of `compile --json`. */
  readonly graph: DataformGraph;
  readonly steps: readonly Told[];
}

/** What a step came to. */
export interface Told {
  readonly exitCode?: number;
  /** Of each action by `schema.name`: SUCCESSFUL, FAILED, SKIPPED or DISABLED. */
  readonly actions?: Readonly<Record<string, string>>;
  /** Of each unit test. */
  readonly tests?: Readonly<Record<string, "passed" | "failed">>;
  /** Every relation that people see, by `schema.name`. */
  readonly state?: Readonly<Record<string, Relation>>;
}

export interface Relation {
  readonly comment?: string;
  /** Name, type, comment. */
  readonly columns: readonly (readonly [name: string, type: string, comment: string | null])[];
  /** As JSON, sorted. */
  readonly rows: readonly string[];
}

export interface DataformAction {
  readonly target: { readonly schema?: string; readonly name: string };
  readonly parentAction?: object;
}

export interface DataformGraph {
  readonly tables?: readonly DataformAction[];
  readonly operations?: readonly DataformAction[];
  readonly assertions?: readonly DataformAction[];
  readonly declarations?: readonly DataformAction[];
  readonly tests?: readonly { readonly name: string }[];
  readonly projectConfig?: Readonly<Record<string, unknown>>;
  readonly graphErrors?: {
    readonly compilationErrors?: readonly { readonly fileName?: string; readonly message?: string }[];
  };
}
