import { createContext } from "preact";
import { useContext, useEffect, useState } from "preact/hooks";
import type { SiteCore, SiteRelation } from "../../model/site.ts";
import { load } from "./parts.ts";

/** The project as every page knows it, with what is counted once. */
export interface Project {
  readonly core: SiteCore;
  /** Places of the relations that read each, by its place. */
  readonly readers: readonly (readonly number[])[];
  /** Places by `schema` NUL `name`, which no name can hold. */
  readonly places: ReadonlyMap<string, number>;
}

export function projectOf(core: SiteCore): Project {
  const readers: number[][] = core.relations.map(() => []);
  core.relations.forEach(({ reads }, place) => {
    for (const read of reads) readers[read]!.push(place);
  });
  const places = new Map(core.relations.map(({ schema, name }, place) => [`${schema}\0${name}`, place]));
  return { core, readers, places };
}

export function findRelation({ places }: Project, schema: string | undefined, name: string | undefined) {
  return places.get(`${schema}\0${name}`);
}

/** Places of what a load or somebody else fills, of all that a relation is made of. */
export function sourcesOf({ core }: Project, place: number): readonly number[] {
  const seen = new Set([place]);
  for (const one of seen) for (const read of core.relations[one]!.reads) seen.add(read);
  return [...seen].filter((one) => one !== place && core.relations[one]!.kind === "source");
}

const ProjectContext = createContext<Project | undefined>(undefined);
export const ProvideProject = ProjectContext.Provider;

export function useProject(): Project {
  return useContext(ProjectContext)!;
}

export type Loaded<T> =
  | { readonly state: "loading" }
  | { readonly state: "failed"; readonly message: string }
  | { readonly state: "there"; readonly value: T };

/** A part of the data, once it is there. Undefined: the site has none of that name. */
export function usePart<T>(name: string): Loaded<T> | undefined {
  const { core } = useProject();
  const isThere = core.parts.includes(name);
  const [loaded, setLoaded] = useState<{ readonly name: string; readonly is: Loaded<T> }>();
  useEffect(() => {
    if (!isThere) return;
    let isWanted = true;
    const set = (is: Loaded<T>) => isWanted && setLoaded({ name, is });
    load<T>(name).then(
      (value) => set({ state: "there", value }),
      (error: Error) => set({ state: "failed", message: error.message }),
    );
    return () => {
      isWanted = false;
    };
  }, [name, isThere]);
  if (!isThere) return undefined;
  return loaded?.name === name ? loaded.is : { state: "loading" };
}

export const fullName = ({ schema, name }: Pick<SiteRelation, "schema" | "name">): string => `${schema}.${name}`;
