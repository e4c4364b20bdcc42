import type { Dependent, Manifest } from "../model/catalog.ts";
import type { DashboardData } from "../model/dashboard.ts";
import type { CompiledGraph } from "../model/graph.ts";
import type { Lineage } from "../model/lineage.ts";
import type { RelationFacts, SiteRelease, SiteSample, UnitVerdict, Verdict } from "../model/site.ts";

/** All that a site is made of. What is looked up by a relation has the key `schema.name`. */
export interface SiteInput {
  readonly project: string;
  readonly environment: string;
  readonly graph: CompiledGraph;
  readonly release?: SiteRelease;
  /** What the release consists of; nothing where there is none. */
  readonly manifest: Manifest;
  readonly facts: ReadonlyMap<string, RelationFacts>;
  readonly samples: ReadonlyMap<string, SiteSample>;
  /** What others built on a public relation, nearest first. */
  readonly dependents: ReadonlyMap<string, readonly Pick<Dependent, "target" | "what" | "kind" | "depth">[]>;
  /** What the last runs say of each action. */
  readonly verdicts: ReadonlyMap<string, Verdict>;
  /** In the order of the graph's unit tests; nothing where they were not asked. */
  readonly unitTests: readonly UnitVerdict[];
  /** The files of the project that actions and tests stand in, by path. */
  readonly sources: ReadonlyMap<string, string>;
  /** Where the rows of a landed table come from, in words. */
  readonly origins: ReadonlyMap<string, string>;
  /** With their figures: those of the graph that could be read. */
  readonly dashboards: readonly DashboardData[];
  readonly lineage?: Lineage;
  /** Parts that are made elsewhere, by name: values that are JSON. */
  readonly parts: ReadonlyMap<string, unknown>;
  /** ISO 8601. */
  readonly madeAt: string;
  readonly live: boolean;
  /** Whether the server that gives the pages answers questions of their readers. */
  readonly explores: boolean;
}
