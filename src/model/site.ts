import type { ActionKind } from "./graph.ts";
import type { StepStatus } from "./report.ts";

/**
 * What the page shows, apart from what is drawn by itself (dashboards, lineage of columns, operations). Plain, readonly,
 * JSON-serialisable. No object has a key that an author chose: lists, whose places are numbers.
 */
export interface SiteCore {
  readonly version: 1;
  readonly project: string;
  readonly environment: string;
  /** What readers see; absent where nothing is published yet, and the pages tell of the code alone. */
  readonly release?: SiteRelease;
  /** When the pages were made, as ISO 8601. */
  readonly madeAt: string;
  /** Whether the server that gives the pages tells of new releases. */
  readonly live: boolean;
  /** Whether the server that gives the pages answers questions of their readers. */
  readonly explores: boolean;
  /** In the order of their names; others name one by its place here. */
  readonly relations: readonly SiteRelation[];
  readonly dashboards: readonly SiteDashboard[];
  /** Which parts there are besides, by name: a page loads one when it needs it. */
  readonly parts: readonly string[];
}

export interface SiteRelease {
  readonly number: number;
  /** As PostgreSQL's clock has it. */
  readonly publishedAt?: string;
  readonly runId: string;
}

/** The first numbers of a dashboard, as it is at first. */
export interface SiteHeadline {
  readonly numbers: readonly {
    readonly label: string;
    /** One for each currency. */
    readonly figures: readonly { readonly figure: string; readonly unit?: string }[];
  }[];
  /** The days that all of them are of; absent where they are of all days, or of different ones. */
  readonly from?: string;
  readonly to?: string;
}

interface SiteDashboard {
  readonly name: string;
  readonly title: string;
  readonly description?: string;
  /** Places of the relations it reads. */
  readonly reads: readonly number[];
  /** Absent where it shows no number, or nothing yet. */
  readonly headline?: SiteHeadline;
  /** It shows what lands as it lands: the server that gives the pages tells of it. */
  readonly moves?: true;
}

/** "source": somebody else fills it. "foreign": a view of others that reads the project's. */
export type SiteKind = Exclude<ActionKind, "declaration" | "assertion"> | "source" | "foreign";

/** What readers have of a relation, and why. */
export type SiteState =
  /** Published, by the code as it is. */
  | "published"
  /** Published, and its code has changed since. */
  | "changed"
  /** In the code and in no release. */
  | "unpublished"
  /** In the release and no longer in the code. */
  | "removed"
  /** The last run kept it out of the release, failed on it, or passed it over: readers have what was there before. */
  | "held"
  | "failed"
  | "skipped"
  /** Not a model. */
  | "none";

/** A relation in lists, in search and in the graph. */
export interface SiteRelation {
  readonly schema: string;
  readonly name: string;
  readonly kind: SiteKind;
  /** The folder of `definitions/` or `ingest` that it is in. */
  readonly product: string;
  /** The folder in that one: marts, staging. */
  readonly group: string;
  readonly tags: readonly string[];
  /** The first paragraph of its description. */
  readonly summary: string;
  readonly state: SiteState;
  /** Name, type, description. */
  readonly columns: readonly (readonly [name: string, type: string, description: string])[];
  /** Places of the relations that it reads. */
  readonly reads: readonly number[];
  /** Tests that hold it, and how many of them failed in the last run that asked; one that is let pass has not failed. */
  readonly tests: number;
  readonly failing: number;
  /** Who has it in the database. */
  readonly owner?: string;
  /** Seconds that its last build took, as the record has them. */
  readonly seconds?: string;
  /** Number of the part that tells all of it: `relations-<n>`. */
  readonly part: number;
}

/** All there is to know of a relation. */
export interface SiteDetail {
  /** Its place in `SiteCore.relations`. */
  readonly relation: number;
  /** Markdown. */
  readonly description?: string;
  readonly file?: string;
  /** What is known besides of each of `SiteRelation.columns`, in their order. */
  readonly columns: readonly SiteColumn[];
  /** Of an API: what it answers. It has no columns and tests. */
  readonly endpoints?: readonly SiteEndpoint[];
  readonly tests: readonly SiteTest[];
  readonly unitTests: readonly SiteUnitTest[];
  /** The part `files-<n>` that has the file as it was written. */
  readonly filePart?: number;
  /** What of it is sent to the server: queries and statements, each with its title. */
  readonly compiled: readonly SiteText[];
  readonly facts: SiteFacts;
  readonly sample?: SiteSample;
}

/** An address that programs ask. */
export interface SiteEndpoint {
  readonly path: string;
  readonly title: string;
  /** Markdown. */
  readonly text?: string;
  /** The place of the relation that it reads. */
  readonly reads?: number;
  /** What a request may say. */
  readonly parameters: readonly string[];
}

export interface SiteText {
  readonly title: string;
  readonly sql: string;
}

export interface SiteColumn {
  readonly tags?: readonly string[];
  readonly isKey?: true;
  readonly isNotNull?: true;
  /** From the planner's sample: none of them is exact. Values are absent for what is tagged `pii`. */
  readonly about?: ColumnStatistics;
}

/** What the planner knows of a column (`pg_stats`): a sample, so "about". */
interface ColumnStatistics {
  /** From 0 to 1, as the server writes it. */
  readonly nullShare: string;
  /** Distinct values; absent where the planner has no figure. */
  readonly distinct?: number;
  readonly low?: string;
  readonly high?: string;
}

export interface SiteTest {
  readonly name: string;
  readonly file: string;
  readonly description?: string;
  /** Of the last run that asked; absent where none did. */
  readonly verdict?: string;
  readonly rows?: number;
  /** The part `tests-<n>` that has its query. */
  readonly part: number;
}

/** Of the model's query over given rows: what it says is of the code, whatever is published. */
export interface SiteUnitTest extends Partial<UnitVerdict> {
  readonly name: string;
  readonly file: string;
  /** The part `files-<n>` that has its file. */
  readonly filePart?: number;
}

/** What a unit test said when the pages were made. */
export interface UnitVerdict {
  readonly passed: boolean;
  /** What differed; absent where it passed. */
  readonly why?: string;
}

/** Texts that several relations share, by name: of files, or of tests. */
export type SiteTexts = readonly (readonly [name: string, text: string])[];

/** Of the private object, or of the table that others fill. Absent: not known, or nothing of the kind. */
export interface Stored {
  /** The release that built it. */
  readonly builtIn?: number;
  /** As the planner last counted. */
  readonly rows?: number;
  readonly bytes?: number;
  readonly owner?: string;
  /** Row-level security: who reads it sees what its policies let through, and a page no value. */
  readonly hasPolicies?: true;
  readonly indexes: readonly string[];
  /** Role, and what it may do. */
  readonly grants: readonly (readonly [grantee: string, privileges: string])[];
}

/** That, and what stands around it. */
interface SiteFacts extends Stored {
  /** Views and functions of others that read it. */
  readonly readers: readonly string[];
  /** What `postgres: {…}` says of it, as `key: value` lines. */
  readonly settings: readonly string[];
  /** The declaration that lands it, where it comes from, and its last load. */
  readonly landedBy?: string;
  readonly from?: string;
}

export interface SiteSample {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | null)[])[];
}

/** The files of a site, by path; the same input gives the same bytes. */
export interface Site {
  readonly version: 1;
  readonly files: ReadonlyMap<string, string | Uint8Array>;
}

/** What the server knows of a relation without reading it. */
export interface RelationFacts {
  readonly columns: readonly ColumnFacts[];
  readonly comment?: string;
  readonly stored: Pick<SiteFacts, "rows" | "bytes" | "owner" | "hasPolicies" | "indexes" | "grants">;
}

export interface ColumnFacts {
  readonly name: string;
  readonly type: string;
  readonly comment?: string;
  readonly isNotNull: boolean;
  readonly about?: ColumnStatistics;
}

/** Columns from columns, in places of `SiteCore.relations`; null where nothing is known of a relation. */
export interface SiteLineage {
  readonly version: 1;
  readonly relations: readonly (SiteLineageRelation | null)[];
}

export interface SiteLineageRelation {
  readonly columns: readonly (readonly [name: string, from: readonly SiteLineageSource[]])[];
  /** Columns that decide which rows there are. */
  readonly rowsBy: readonly SiteLineageSource[];
  /** What no analysed query can tell of it, in words. */
  readonly untold: readonly string[];
}

/** `flow`: c copied, x computed, r only decides rows or values; w: as part of a whole row. Several of them on several ways. */
export type SiteLineageSource = readonly [place: number, column: string, flow: string];

/** What the last run that did anything to an action says of it. */
export interface Verdict {
  readonly status: StepStatus;
  /** As the server writes it. */
  readonly seconds: string;
  readonly rows?: number;
}
