import type { Api, Dashboard } from "../model/graph.ts";

/** A query of a dashboard or an API, and what people call it. Names that came from `ref()` are marked. */
interface ShownQuery {
  readonly name: string;
  readonly text: string;
}

/** All that a dashboard or an API takes of relations. */
export function shownQueries(action: Dashboard | Api): ShownQuery[] {
  if (action.kind === "dashboard") return action.panels.map(({ title, query }) => ({ name: title, text: query }));
  return action.endpoints.map(({ path, check }) => ({ name: path, text: check }));
}
