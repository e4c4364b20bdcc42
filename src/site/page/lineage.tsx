import { useMemo } from "preact/hooks";
import type { SiteLineage } from "../../model/site.ts";
import { ColumnLineage } from "./column-lineage.tsx";
import { findRelation, fullName, type Project, usePart, useProject } from "./context.ts";
import { RelationGraph } from "./graph.tsx";
import { selected } from "./graph-operator.ts";
import { MOST_NODES, type Neighbourhood, neighbourhood, slowestWay, steps } from "./neighbourhood.ts";
import { Nowhere } from "./nowhere.tsx";
import { KindMark, RelationHead, RelationLink, StateBadge } from "./pieces.tsx";
import { productsOf } from "./products.ts";
import { lineageHref, type Route, relationHref, replaceQuery } from "./route.ts";
import { Table } from "./table.tsx";

export function LineagePage({ route, schema, name }: PageProps) {
  const project = useProject();
  if (schema === undefined) return <Beginning />;
  if (name === undefined) return <Selection route={route} text={schema} />;
  const place = findRelation(project, schema, name);
  if (place === undefined) return <Nowhere what={`a relation ${schema}.${name}`} />;
  return <LineageOf route={route} place={place} />;
}

/** `+schema.name+2`: the steps stand in the name, until a reader chooses others. */
function Selection({ route, text }: { readonly route: Route; readonly text: string }) {
  const project = useProject();
  const found = selected(project, text);
  if (!found) return <Nowhere what={`a relation ${text}`} />;
  const { schema, name } = project.core.relations[found.place]!;
  const query = new URLSearchParams({ up: found.up, down: found.down, ...Object.fromEntries(route.query) });
  return <LineageOf route={{ path: ["lineage", schema, name], query }} place={found.place} />;
}

interface PageProps {
  readonly route: Route;
  readonly schema: string | undefined;
  readonly name: string | undefined;
}

/** The whole graph of a large project tells nobody anything: it begins with one relation. */
function Beginning() {
  const { core } = useProject();
  return (
    <div class="page wide">
      <h1>Lineage</h1>
      <p class="lead">
        Where the rows and columns of a relation come from, and what is made of them. Choose what to begin with, or
        press <kbd>/</kbd> to search.
      </p>
      {productsOf(core).map(({ name, members }) => (
        <section key={name} class="section">
          <h2>{name}</h2>
          <ul class="columns-list">
            {members.map((relation) => (
              <li key={fullName(relation)}>
                <a class="relation-link" href={lineageHref(relation)}>
                  <span class={`dot kind-${relation.kind}`} aria-hidden="true" />
                  {relation.name}
                </a>
              </li>
            ))}
          </ul>
        </section>
      ))}
    </div>
  );
}

const STEPS = ["0", "1", "2", "3", "all"];

function LineageOf({ route, place }: { readonly route: Route; readonly place: number }) {
  const project = useProject();
  const { query } = route;
  const relation = project.core.relations[place]!;
  const lineage = usePart<SiteLineage>("lineage");
  const column = query.get("column") ?? "";
  const [up, down] = [query.get("up") ?? "1", query.get("down") ?? "1"];
  const asTable = query.get("as") === "table";
  const set = (changes: Readonly<Record<string, string | undefined>>) => replaceQuery(route, changes);
  const part = useMemo(() => neighbourhood(project, [place], steps(up, 1), steps(down, 1)), [place, up, down]);
  return (
    <article class="page full">
      <RelationHead relation={relation} room="lineage" />
      <p class="marks">
        <KindMark kind={relation.kind} />
        <StateBadge state={relation.state} />
        <a href={relationHref(relation, column || undefined)}>what it means, and its columns</a>
      </p>
      <div class="filters">
        {lineage && (
          <label>
            Column{" "}
            <select value={column} onChange={({ currentTarget }) => set({ column: currentTarget.value || undefined })}>
              <option value="">none: whole relations</option>
              {relation.columns.map(([one]) => (
                <option key={one} value={one}>
                  {one}
                </option>
              ))}
            </select>
          </label>
        )}
        {column ? (
          <label>
            <input
              type="checkbox"
              checked={query.get("deciding") === "yes"}
              onChange={({ currentTarget }) => set({ deciding: currentTarget.checked ? "yes" : undefined })}
            />{" "}
            with what only decides its value
          </label>
        ) : (
          <>
            <Steps label="Steps up" value={up} set={(value) => set({ up: value })} />
            <Steps label="Steps down" value={down} set={(value) => set({ down: value })} />
            <label>
              <input
                type="checkbox"
                checked={query.get("slowest") === "yes"}
                onChange={({ currentTarget }) => set({ slowest: currentTarget.checked ? "yes" : undefined })}
              />{" "}
              the slowest way
            </label>
          </>
        )}
        <span class="switch" role="group" aria-label="Show it as">
          <button type="button" aria-pressed={!asTable} onClick={() => set({ as: undefined })}>
            graph
          </button>
          <button type="button" aria-pressed={asTable} onClick={() => set({ as: "table" })}>
            table
          </button>
        </span>
      </div>
      {column && lineage ? (
        <ColumnLineage
          lineage={lineage}
          place={place}
          column={column}
          withDeciding={query.get("deciding") === "yes"}
          asTable={asTable}
        />
      ) : (
        <Relations
          project={project}
          part={part}
          middle={place}
          asTable={asTable}
          showSlowest={query.get("slowest") === "yes"}
        />
      )}
    </article>
  );
}

function Steps({ label, value, set }: { label: string; value: string; set: (value: string) => void }) {
  // An address may say more than is offered.
  const known = /^\d+$/.test(value) && !STEPS.includes(value) ? STEPS.toSpliced(-1, 0, value) : STEPS;
  return (
    <label>
      {label}{" "}
      <select value={known.includes(value) ? value : "1"} onChange={({ currentTarget }) => set(currentTarget.value)}>
        {known.map((step) => (
          <option key={step}>{step}</option>
        ))}
      </select>
    </label>
  );
}

function Relations({ project, part, middle, asTable, showSlowest }: RelationsProps) {
  const took = (place: number) => Number(project.core.relations[place]!.seconds ?? 0);
  const slowest = useMemo(() => (showSlowest ? slowestWay(part, took) : undefined), [part, showSlowest]);
  return (
    <>
      {part.folded > 0 && (
        <p class="note">
          +{part.folded} more: {MOST_NODES} are drawn at once. Fewer steps, or another relation in the middle, show the
          rest.
        </p>
      )}
      {asTable ? (
        <RelationTable project={project} part={part} />
      ) : (
        <RelationGraph part={part} middle={middle} marked={slowest} />
      )}
    </>
  );
}

interface RelationsProps {
  readonly project: Project;
  readonly part: Neighbourhood;
  readonly middle: number;
  readonly asTable: boolean;
  readonly showSlowest: boolean;
}

function RelationTable({
  project: { core, readers },
  part,
}: {
  readonly project: Project;
  readonly part: Neighbourhood;
}) {
  const name = (places: readonly number[]) => places.map((one) => fullName(core.relations[one]!)).join(", ");
  return (
    <Table
      isLabelled
      caption="The relations of the graph"
      rows={part.nodes}
      columns={[
        { title: "Relation", cell: (place) => <RelationLink relation={core.relations[place]!} /> },
        { title: "Kind", cell: (place) => <KindMark kind={core.relations[place]!.kind} /> },
        { title: "State", cell: (place) => <StateBadge state={core.relations[place]!.state} /> },
        { title: "Owner", cell: (place) => core.relations[place]!.owner ?? "" },
        { title: "Reads", isText: true, cell: (place) => name(core.relations[place]!.reads) },
        { title: "Read by", isText: true, cell: (place) => name(readers[place]!) },
      ]}
    />
  );
}
