import { useMemo } from "preact/hooks";
import type { SiteLineage, SiteLineageRelation, SiteRelation } from "../../model/site.ts";
import { type ColumnAt, columnPath, edgesOf } from "./column-path.ts";
import { fullName, type Loaded, useProject } from "./context.ts";
import { ColumnGraph, flowWords } from "./graph.tsx";
import { Gone } from "./nowhere.tsx";
import { Awaited, Empty, RelationLink } from "./pieces.tsx";
import { lineageHref } from "./route.ts";
import { Table } from "./table.tsx";
import { counted } from "./words.ts";

interface ColumnLineageProps {
  readonly lineage: Loaded<SiteLineage>;
  readonly place: number;
  readonly column: string;
  readonly withDeciding: boolean;
  readonly asTable: boolean;
}

/** What a column comes from and what comes of it. */
export function ColumnLineage({ lineage, ...rest }: ColumnLineageProps) {
  return <Awaited part={lineage}>{(value) => <ColumnLineageThere {...rest} value={value} />}</Awaited>;
}

/** As many relations as have their columns drawn at once. */
const MOST_BOXES = 80;

function ColumnLineageThere({
  value,
  place,
  column,
  withDeciding,
  asTable,
}: Omit<ColumnLineageProps, "lineage"> & { readonly value: SiteLineage }) {
  const { core } = useProject();
  const start = { place, column };
  const path = useMemo(
    () => columnPath(edgesOf(value, core.relations, withDeciding), start, MOST_BOXES),
    [value, place, column, withDeciding],
  );
  const own = value.relations[place];
  const there = (at: ColumnAt) => <ColumnLink relation={core.relations[at.place]!} column={at.column} />;
  if (!core.relations[place]!.columns.some(([name]) => name === column)) return <Gone what={`column “${column}”`} />;
  return (
    <>
      {path.edges.length === 0 && <Empty>{whyNothing(own, column)}</Empty>}
      {path.folded > 0 && <p class="note">+{counted(path.folded, "more relation")}, which are not drawn.</p>}
      {asTable ? (
        <Table
          isLabelled
          caption={`Where ${column} comes from, and what comes of it`}
          rows={path.edges}
          columns={[
            { title: "From", cell: ({ from }) => there(from) },
            { title: "How", cell: ({ flow, to }) => flowWords(flow, to) },
            { title: "To", cell: ({ to }) => there(to) },
          ]}
        />
      ) : (
        <ColumnGraph path={path} start={start} />
      )}
      <p class="legend" aria-hidden="true">
        <span class="copied">copied</span> <span class="computed">computed</span>{" "}
        {withDeciding && <span class="deciding">decides a value or a row</span>}
      </p>
      {own && own.rowsBy.length > 0 && (
        <p class="note">
          Which rows there are is decided by{" "}
          {own.rowsBy.map(([from, name], index) => (
            <>
              {index > 0 && ", "}
              <ColumnLink relation={core.relations[from]!} column={name} />
            </>
          ))}
          .
        </p>
      )}
      {own?.untold.map((text) => (
        <p class="note" key={text}>
          Cannot be told: {text}
        </p>
      ))}
    </>
  );
}

function whyNothing(own: SiteLineageRelation | null | undefined, column: string): string {
  if (!own) return "PostgreSQL has not analysed it yet: it is known once it is built.";
  return `${column} comes from no column, and no column comes of it.`;
}

function ColumnLink({ relation, column }: { readonly relation: SiteRelation; readonly column: string | undefined }) {
  if (column === undefined) return <RelationLink relation={relation} />;
  return (
    <a class="relation-link" href={lineageHref(relation, { column })}>
      <span class="of-schema">{fullName(relation)}.</span>
      {column}
    </a>
  );
}
