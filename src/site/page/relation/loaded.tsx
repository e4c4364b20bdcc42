import type { OperationsData } from "../../../model/operations.ts";
import type { SiteRelation } from "../../../model/site.ts";
import { findRelation, fullName, sourcesOf, usePart, useProject } from "../context.ts";
import { minute } from "../words.ts";

/** Of what a load fills: when it last did, and whether that is as new as its source declares. */
export function LastLoad({ relation }: { readonly relation: SiteRelation }) {
  const part = usePart<OperationsData>("operations");
  if (part?.state !== "there") return null;
  const streams = part.value.freshness.filter(({ table }) => table === fullName(relation));
  return (
    <>
      {streams.map(({ source, stream, lastLoad, state }) => (
        <span class="line" key={`${source} ${stream}`}>
          {lastLoad === null ? "never" : minute(lastLoad)}
          {state === "warn" || state === "error" ? ", late" : ""}
          {streams.length > 1 ? ` (${source})` : ""}
        </span>
      ))}
    </>
  );
}

/** When the data that a relation is made of were loaded: the oldest of its sources, for nothing of it is newer than that one. */
export function DataLoaded({ relation }: { readonly relation: SiteRelation }) {
  const project = useProject();
  const part = usePart<OperationsData>("operations");
  const place = findRelation(project, relation.schema, relation.name)!;
  const tables = new Set(sourcesOf(project, place).map((one) => fullName(project.core.relations[one]!)));
  if (part?.state !== "there") return <>…</>;
  const streams = part.value.freshness.filter(({ table }) => tables.has(table));
  if (!streams.length) return <>not known: no declared stream fills its sources</>;
  const loads = streams.flatMap(({ lastLoad }) => lastLoad ?? []).sort();
  const never = streams.length - loads.length;
  return (
    <>
      {loads.length ? minute(loads[0]!) : "never"}
      {loads.length > 1 ? `, the oldest of ${loads.length} streams` : ""}
      {never > 0 && loads.length > 0 ? `, ${never} never` : ""}
    </>
  );
}
