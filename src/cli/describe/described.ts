import type { SiteKind, SiteState, Stored } from "../../model/site.ts";

/** What `dataform describe --json` prints. What only a database knows is absent where there is none. */
export interface DescribedRelation {
  readonly version: 1;
  readonly environment: string;
  /** `schema.name` */
  readonly name: string;
  /** "source": somebody else fills it. "foreign": it is in the database, and not of the project. */
  readonly kind: SiteKind | "assertion";
  readonly state?: SiteState;
  readonly description?: string;
  readonly tags: readonly string[];
  /** Where it stands in the project; of a landed table the declaration that lands it. */
  readonly file?: string;
  /** Where the rows of a landed table come from. */
  readonly from?: string;
  /** In their order. Of a model that is not published by the code as it is, those that its query gives now. */
  readonly columns: readonly Column[];
  readonly reads: readonly Neighbour[];
  readonly readBy: readonly Neighbour[];
  /** Views and functions of others that read it, in words. */
  readonly readByOthers: readonly string[];
  readonly tests: readonly Test[];
  readonly unitTests: readonly { readonly name: string; readonly file: string }[];
  /** Of an API: the addresses that it answers. */
  readonly endpoints?: readonly string[];
  readonly stored?: Stored;
  /** What the last run that did anything to it came to. */
  readonly lastRun?: LastRun;
}

interface Column {
  readonly name: string;
  /** As PostgreSQL calls it; absent where it is not known. */
  readonly type?: string;
  readonly description?: string;
  readonly tags?: readonly string[];
  /** It is of the columns that name a row. */
  readonly key?: true;
  readonly notNull?: true;
  /** What tests hold of it: "unique", of several columns together "unique with …"; "not null". */
  readonly tested: readonly string[];
}

interface Neighbour {
  readonly name: string;
  readonly kind: SiteKind | "assertion";
}

interface Test {
  readonly name: string;
  readonly file: string;
  readonly description?: string;
  /** Of the last run that asked: "ok", "failed", "warned", …; absent where none did. */
  readonly verdict?: string;
  /** Rows that should not exist. */
  readonly rows?: number;
}

interface LastRun {
  readonly status: string;
  /** As the server writes it. */
  readonly seconds: string;
  /** Rows of a model; of an assertion those that should not exist. */
  readonly rows?: number;
}
