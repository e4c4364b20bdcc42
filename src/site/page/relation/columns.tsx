import { useEffect } from "preact/hooks";
import { rounded } from "../../../charts/sums.ts";
import type { SiteColumn, SiteDetail, SiteLineageSource, SiteRelation } from "../../../model/site.ts";
import { fullName, useProject } from "../context.ts";
import { Inline } from "../markdown.tsx";
import { Gone } from "../nowhere.tsx";
import { Empty, Name, Section } from "../pieces.tsx";
import { lineageHref, relationHref } from "../route.ts";
import { Table } from "../table.tsx";
import { counted } from "../words.ts";

interface ColumnsProps {
  readonly relation: SiteRelation;
  readonly detail: SiteDetail;
  /** What each column comes from. */
  readonly sources: ReadonlyMap<string, readonly SiteLineageSource[]>;
  /** The one that the address names. */
  readonly chosen: string | undefined;
}

interface ShownColumn extends SiteColumn {
  readonly name: string;
  readonly type: string;
  readonly description: string;
}

/** Its columns, what each means, holds and comes from. */
export function Columns({ relation, detail, sources, chosen }: ColumnsProps) {
  const id = (name: string) => `column-${name}`;
  useEffect(() => {
    if (chosen !== undefined) document.getElementById(id(chosen))?.scrollIntoView({ block: "center" });
  }, [chosen]);
  const columns = relation.columns.map(
    ([name, type, description], at): ShownColumn => ({ name, type, description, ...detail.columns[at] }),
  );
  const hasFigures = columns.some(({ about }) => about);
  return (
    <Section id="columns" title="Columns" aside={counted(columns.length, "column")}>
      {chosen !== undefined && !columns.some(({ name }) => name === chosen) && <Gone what={`column “${chosen}”`} />}
      {columns.length === 0 ? (
        <Empty>Its columns are known once it is built, or described in its config.</Empty>
      ) : (
        <Table
          caption={`Columns of ${relation.name}`}
          isStacked
          rows={columns}
          rowKey={({ name }) => id(name)}
          rowClass={({ name }) => (name === chosen ? "chosen" : "")}
          columns={[
            { title: "Name", isLong: true, cell: (column) => <ColumnName relation={relation} column={column} /> },
            { title: "Type", cell: (column) => <ColumnType column={column} /> },
            { title: "Meaning", isText: true, cell: (column) => <Meaning column={column} /> },
            ...(hasFigures
              ? [
                  { title: "NULL", isNumber: true, isMinor: true, cell: nullShare },
                  { title: "Values, about", isMinor: true, cell: (column: ShownColumn) => <About column={column} /> },
                ]
              : []),
            {
              title: relation.kind === "source" ? "Lineage" : "Comes from",
              cell: ({ name }: ShownColumn) => (
                <ComesFrom relation={relation} name={name} sources={sources.get(name) ?? []} />
              ),
            },
          ]}
        />
      )}
      {hasFigures && (
        <p class="note">Shares, counts and ranges are the planner’s estimates from a sample of the table, not exact.</p>
      )}
    </Section>
  );
}

interface ColumnProps {
  readonly column: ShownColumn;
}

function ColumnName({ relation, column: { name, isKey } }: ColumnProps & { readonly relation: SiteRelation }) {
  return (
    <>
      <a class="column-name" href={relationHref(relation, name)}>
        <Name text={name} />
      </a>
      {isKey && (
        <span class="key" title="Part of what names a row">
          key
        </span>
      )}
    </>
  );
}

/** PostgreSQL's own short names. */
const shortType = (type: string): string =>
  type
    .replace(/^timestamp(\(\d\))? with time zone/, "timestamptz$1")
    .replace(/^timestamp(\(\d\))? without time zone/, "timestamp$1")
    .replace(/^character varying/, "varchar");

function ColumnType({ column: { type, isNotNull } }: ColumnProps) {
  return (
    <span class="type" title={type}>
      {shortType(type)}
      {isNotNull && <span class="not-null"> not null</span>}
    </span>
  );
}

function Meaning({ column: { description, tags = [] } }: ColumnProps) {
  return (
    <>
      <Inline text={description} />
      {tags.map((tag) => (
        <span class="tag" key={tag}>
          {tag}
        </span>
      ))}
    </>
  );
}

/** "12 %", from a share as the server writes it: 0 and 100 are none and all. */
function nullShare({ about }: ShownColumn): string {
  if (!about) return "";
  const share = Number(about.nullShare) * 100;
  if (share > 0 && share < 1) return "< 1 %";
  return share > 99 && share < 100 ? "> 99 %" : `${Math.round(share)} %`;
}

function About({ column: { about } }: ColumnProps) {
  if (!about) return null;
  const { distinct, low, high } = about;
  return (
    <span class="range">
      {distinct !== undefined && <span>{counted(distinct, "value")}</span>}
      {low !== undefined && high !== undefined && low !== high && (
        <span class="bounds">
          <span title={low}>{brief(low)}</span> … <span title={high}>{brief(high)}</span>
        </span>
      )}
    </span>
  );
}

/** As much of an end of a range as tells it: six digits that count. */
function brief(text: string): string {
  const [, whole, fraction] = /^-?(\d+)\.(\d+)$/.exec(text) ?? [];
  if (whole === undefined || fraction === undefined) return text;
  const zeros = /^0+$/.test(whole) ? /^0*/.exec(fraction)![0].length : -whole.length;
  return fraction.length > Math.max(4, zeros + 6) ? rounded(text, Math.max(0, zeros + 6)) : text;
}

interface ComesFromProps {
  readonly relation: SiteRelation;
  readonly name: string;
  readonly sources: readonly SiteLineageSource[];
}

/** So many are told one by one. */
const MOST_SOURCES = 3;

/** The columns that a column is made of, each with a way there, and all of its way. */
function ComesFrom({ relation, name, sources }: ComesFromProps) {
  const { core } = useProject();
  const values = sources.filter(([, , flow]) => /[cx]/.test(flow));
  const isComputed = values.length > 0 && values.every(([, , flow]) => !flow.includes("c"));
  return (
    <span class="comes-from">
      {values.slice(0, MOST_SOURCES).map(([place, source]) => {
        const other = core.relations[place]!;
        return (
          <a key={`${place} ${source}`} href={relationHref(other, source)} title={`${fullName(other)}.${source}`}>
            <span class="of-schema">
              <Name text={other.name} />.
            </span>
            <wbr />
            <Name text={source} />
          </a>
        );
      })}
      <span class="quiet">
        {values.length > MOST_SOURCES ? `+${values.length - MOST_SOURCES} more, ` : ""}
        {isComputed ? "computed, " : ""}
        <a class="quiet" href={lineageHref(relation, { column: name })}>
          lineage<span class="unseen"> of {name}</span>
        </a>
      </span>
    </span>
  );
}
