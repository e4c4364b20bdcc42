import { useEffect, useState } from "preact/hooks";

/** Where the reader is: what stands behind `#` in the address, so that it works from disk and can be handed on. */
export interface Route {
  /** Of `#/relation/marketing/orders`: relation, marketing, orders. */
  readonly path: readonly string[];
  readonly query: URLSearchParams;
}

function parseRoute(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?");
  return { path: path.split("/").filter(Boolean).map(decoded), query: new URLSearchParams(query) };
}

/** An address that was cut or mistyped is no error of the page. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export function href(path: readonly string[], query: Readonly<Record<string, string | undefined>> = {}): string {
  const said = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const search = said.length ? `?${new URLSearchParams(said)}` : "";
  return `#/${path.map(encodeURIComponent).join("/")}${search}`;
}

/** A dashboard has its own page, which is no relation's. */
export const relationHref = ({ schema, name, kind }: Named, column?: string): string =>
  kind === "dashboard" ? href(["dashboard", name]) : href(["relation", schema, name], { column });

export const lineageHref = (
  { schema, name, kind }: Named,
  query: Readonly<Record<string, string | undefined>> = {},
): string => (kind === "dashboard" ? href(["dashboard", name]) : href(["lineage", schema, name], query));

/** Where questions are asked of it. */
export const exploreHref = ({ schema, name }: Named): string =>
  href(["explore"], { from: [schema, name].map(encodeURIComponent).join("/") });

interface Named {
  readonly schema: string;
  readonly name: string;
  readonly kind?: string;
}

export function useRoute(): Route {
  const [route, setRoute] = useState(() => parseRoute(location.hash));
  useEffect(() => {
    const follow = () => setRoute(parseRoute(location.hash));
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  return route;
}

/** Says the same place otherwise, without a step to go back to: filters, what is unfolded. */
export function replaceQuery({ path, query }: Route, changes: Readonly<Record<string, string | undefined>>): void {
  const changed = new URLSearchParams(query);
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) changed.delete(name);
    else changed.set(name, value);
  }
  replaceRoute(path, changed);
}

export function replaceRoute(path: readonly string[], query: URLSearchParams): void {
  history.replaceState(null, "", query.size ? `${href(path)}?${query}` : href(path));
  dispatchEvent(new HashChangeEvent("hashchange"));
}
