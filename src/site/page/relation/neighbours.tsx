import type { SiteRelation } from "../../../model/site.ts";
import { sourcesOf, useProject } from "../context.ts";
import { Empty, RelationLink, Section } from "../pieces.tsx";
import { lineageHref } from "../route.ts";
import { LastLoad } from "./loaded.tsx";

/** What it reads, what reads it, and what landed in all that it is made of. */
export function Neighbours({ relation, place }: { readonly relation: SiteRelation; readonly place: number }) {
  const project = useProject();
  const { core, readers } = project;
  const origins = relation.kind === "source" ? [] : sourcesOf(project, place);
  const lists = [
    ...(relation.kind === "source" ? [] : [["Reads", relation.reads] as const]),
    ["Read by", readers[place]!] as const,
  ];
  return (
    <Section id="neighbours" title="Where it stands" aside={<a href={lineageHref(relation)}>lineage as a graph</a>}>
      <div class={origins.length > 0 ? "two three" : "two"}>
        {lists.map(([title, places]) => (
          <div key={title}>
            <h3>
              {title} <span class="count">{places.length}</span>
            </h3>
            <ul class="plain">
              {places.map((one) => (
                <li key={one}>
                  <RelationLink relation={core.relations[one]!} />
                </li>
              ))}
            </ul>
            {!places.length && <Empty>{title === "Read by" ? "nothing yet" : "nothing here"}</Empty>}
          </div>
        ))}
        {origins.length > 0 && (
          <div>
            <h3>
              Made of what landed in <span class="count">{origins.length}</span>
            </h3>
            <ul class="plain">
              {origins.map((one) => (
                <li key={one}>
                  <RelationLink relation={core.relations[one]!} />{" "}
                  <span class="count">
                    <LastLoad relation={core.relations[one]!} />
                  </span>
                </li>
              ))}
            </ul>
          </div>
        )}
      </div>
    </Section>
  );
}
