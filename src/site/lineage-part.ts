import type { Lineage, LineageSource } from "../model/lineage.ts";
import type { SiteCore, SiteLineage, SiteLineageSource } from "../model/site.ts";
import { targetKey } from "../model/target.ts";

const FLOWS = { copied: "c", computed: "x", rows: "r" } as const;

/** The lineage as the page has it: of relations that have a page, by their places. */
export function lineagePart({ relations }: Lineage, core: Pick<SiteCore, "relations">): SiteLineage {
  const places = new Map(core.relations.map((relation, place) => [targetKey(relation), place]));
  const sources = (some: readonly LineageSource[]): SiteLineageSource[] =>
    some.flatMap(({ relation, column, kinds, wholeRow }) => {
      const place = places.get(relation);
      if (place === undefined) return [];
      return [[place, column, kinds.map((kind) => FLOWS[kind]).join("") + (wholeRow ? "w" : "")] as const];
    });
  const known = new Map(relations.map((one) => [targetKey(one.target), one]));
  return {
    version: 1,
    relations: core.relations.map((relation) => {
      const one = known.get(targetKey(relation));
      if (!one) return null;
      return {
        columns: one.columns.map(({ name, from }) => [name, sources(from)] as const),
        rowsBy: sources(one.rowsBy),
        untold: one.untold.map(({ why, statement }) => (statement ? `${why}: ${statement}` : why)),
      };
    }),
  };
}
