import type { SiteDetail, SiteLineage, SiteLineageSource, SiteRelation } from "../../model/site.ts";
import { findRelation, usePart, useProject } from "./context.ts";
import { Markdown } from "./markdown.tsx";
import { Nowhere } from "./nowhere.tsx";
import { Awaited, Badge, Empty, KindMark, RelationHead, StateBadge } from "./pieces.tsx";
import { CodeTabs } from "./relation/code-tabs.tsx";
import { Columns } from "./relation/columns.tsx";
import { Endpoints } from "./relation/endpoints.tsx";
import { Facts } from "./relation/facts.tsx";
import { Neighbours } from "./relation/neighbours.tsx";
import { Sample } from "./relation/sample.tsx";
import { Tests } from "./relation/tests.tsx";
import { UnitTests } from "./relation/unit-tests.tsx";
import { exploreHref, href, type Route } from "./route.ts";
import { counted } from "./words.ts";

export function RelationPage({ route, schema, name }: PageProps) {
  const project = useProject();
  const place = findRelation(project, schema, name);
  if (place === undefined) return <Nowhere what={`a relation ${schema}.${name}`} />;
  return <RelationAt route={route} place={place} />;
}

interface PageProps {
  readonly route: Route;
  readonly schema: string | undefined;
  readonly name: string | undefined;
}

/** Whether there may be rows to ask for. */
const hasRows = ({ state, columns }: SiteRelation): boolean => columns.length > 0 && state !== "unpublished";

function RelationAt({ route, place }: { readonly route: Route; readonly place: number }) {
  const project = useProject();
  const relation = project.core.relations[place]!;
  const part = usePart<readonly SiteDetail[]>(`relations-${relation.part}`)!;
  const lineage = usePart<SiteLineage>("lineage");
  const columns = lineage?.state === "there" ? lineage.value.relations[place]?.columns : undefined;
  return (
    <article class="page wide">
      <RelationHead relation={relation} room="catalogue" />
      <p class="marks">
        <KindMark kind={relation.kind} />
        <StateBadge state={relation.state} always />
        {relation.failing > 0 && (
          <Badge tone="bad">
            {relation.failing} of {counted(relation.tests, "test")} failing
          </Badge>
        )}
        {relation.tags.map((tag) => (
          <a class="tag" href={href(["catalogue"], { tag })}>
            {tag}
          </a>
        ))}
        {project.core.explores && hasRows(relation) && <a href={exploreHref(relation)}>explore</a>}
      </p>
      {/* Both at once: a table that grows when the other one comes would jump. */}
      <Awaited part={lineage?.state === "loading" ? lineage : part}>
        {(details) => (
          <Detail
            relation={relation}
            detail={details.find((one) => one.relation === place)!}
            sources={new Map(columns)}
            route={route}
          />
        )}
      </Awaited>
    </article>
  );
}

interface DetailProps {
  readonly relation: SiteRelation;
  readonly detail: SiteDetail;
  /** What each column comes from. */
  readonly sources: ReadonlyMap<string, readonly SiteLineageSource[]>;
}

function Detail({ relation, detail, sources, route }: DetailProps & { readonly route: Route }) {
  return (
    <>
      {detail.description ? (
        <Markdown text={detail.description} />
      ) : (
        <Empty>Nobody has described it yet: `description` in its config does.</Empty>
      )}
      <Facts relation={relation} detail={detail} />
      {detail.endpoints ? (
        <Endpoints endpoints={detail.endpoints} />
      ) : (
        <Columns
          relation={relation}
          detail={detail}
          sources={sources}
          chosen={route.query.get("column") ?? undefined}
        />
      )}
      <Neighbours relation={relation} place={detail.relation} />
      {detail.sample && <Sample relation={relation} sample={detail.sample} />}
      {!detail.endpoints && <Tests relation={relation} tests={detail.tests} />}
      <UnitTests tests={detail.unitTests} />
      <CodeTabs detail={detail} />
    </>
  );
}
