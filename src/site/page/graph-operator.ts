import type { SiteRelation } from "../../model/site.ts";

interface Relations {
  readonly core: { readonly relations: readonly Pick<SiteRelation, "name">[] };
  /** Places by `schema` NUL `name`. */
  readonly places: ReadonlyMap<string, number>;
}

/** A relation, and the steps each side of it that are drawn, as the page's address has them: a number, or "all". */
export interface Selected {
  readonly place: number;
  readonly up: string;
  readonly down: string;
}

/**
 * What `+shop.daily+2` asks for, as `dataform lineage` and `--select` write it: digits and a plus before a name are steps up, behind
 * it steps down, a plus alone is all there is. Without any, a step each side. Undefined: it is the name of none, or of several.
 */
export function selected(project: Relations, text: string): Selected | undefined {
  // A name may hold a plus itself.
  const place = placeOf(project, text);
  if (place !== undefined) return { place, up: "1", down: "1" };
  for (const form of FORMS) {
    const { name = "", up, down } = form.exec(text)?.groups ?? {};
    const found = placeOf(project, name);
    if (found !== undefined) return { place: found, up: steps(up), down: steps(down) };
  }
  return undefined;
}

const FORMS = [
  /^(?<up>\d*)\+(?<name>.+)\+(?<down>\d*)$/s,
  /^(?<up>\d*)\+(?<name>.+)$/s,
  /^(?<name>.+)\+(?<down>\d*)$/s,
];

const steps = (digits: string | undefined): string =>
  digits === undefined ? "0" : digits === "" ? "all" : String(Number(digits));

/** Of `schema.name`, or of a name that only one relation has. */
function placeOf({ core, places }: Relations, name: string): number | undefined {
  for (let dot = name.indexOf("."); dot >= 0; dot = name.indexOf(".", dot + 1)) {
    const found = places.get(`${name.slice(0, dot)}\0${name.slice(dot + 1)}`);
    if (found !== undefined) return found;
  }
  const [only, ...more] = core.relations.flatMap((relation, place) => (relation.name === name ? [place] : []));
  return more.length ? undefined : only;
}
