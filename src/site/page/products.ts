import type { SiteCore, SiteRelation } from "../../model/site.ts";

/** Relations that belong together: a folder of `definitions/`, with what its sources land. */
export interface Product {
  readonly name: string;
  readonly members: readonly SiteRelation[];
  readonly failing: number;
  /** Whether it has nothing but what a load fills. */
  readonly isSource: boolean;
}

export function productsOf({ relations }: SiteCore): readonly Product[] {
  const products = new Map<string, SiteRelation[]>();
  for (const relation of relations.filter(({ kind }) => kind !== "dashboard"))
    products.set(relation.product, [...(products.get(relation.product) ?? []), relation]);
  return [...products]
    .map(([name, members]) => ({
      name,
      members,
      failing: members.filter(({ failing }) => failing > 0).length,
      isSource: members.every(({ kind }) => kind === "source"),
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Dashboards, those with figures before those that nobody published yet. */
export function answersFirst({ dashboards, relations }: SiteCore) {
  const isPublished = (place: number) => relations[place]!.state !== "unpublished";
  const told = dashboards.map((one) => ({ ...one, isThere: !one.reads.length || one.reads.some(isPublished) }));
  return [...told.filter(({ isThere }) => isThere), ...told.filter(({ isThere }) => !isThere)];
}

/** In the order in which a reader asks: what is meant for reading before what it is made of. */
export const FIRST: readonly string[] = ["marts", "history", "staging", "sources"];

/** The members of a product by their folder; what nobody has published yet comes last. */
export function groupsOf(members: readonly SiteRelation[]): readonly (readonly [group: string, SiteRelation[]])[] {
  const groups = new Map<string, SiteRelation[]>();
  const isThere = ({ state }: SiteRelation) => state !== "unpublished";
  const sorted = [...members.filter(isThere), ...members.filter((one) => !isThere(one))];
  for (const member of sorted) groups.set(member.group, [...(groups.get(member.group) ?? []), member]);
  const rank = (group: string) => (FIRST.includes(group) ? FIRST.indexOf(group) : FIRST.length);
  return [...groups].sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1));
}
