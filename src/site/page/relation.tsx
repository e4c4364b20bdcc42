import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { separated } from "../../charts/shown.ts";
import { rounded } from "../../charts/sums.ts";
import type { OperationsData } from "../../model/operations.ts";
import type {
  SiteColumn,
  SiteDetail,
  SiteLineage,
  SiteLineageSource,
  SiteRelation,
  SiteTest,
} from "../../model/site.ts";
import { Source, Sql } from "./code.tsx";
import { findRelation, fullName, sourcesOf, usePart, useProject } from "./context.ts";
import { Endpoints } from "./endpoints.tsx";
import { Inline, Markdown } from "./markdown.tsx";
import { Nowhere } from "./nowhere.tsx";
import { Awaited, Badge, Empty, KindMark, Name, RelationHead, RelationLink, Section, StateBadge } from "./pieces.tsx";
import { exploreHref, href, lineageHref, type Route, relationHref } from "./route.ts";
import { Cell, Table } from "./table.tsx";
import { TextOf } from "./text-of.tsx";
import { UnitTests } from "./unit-tests.tsx";
import { bytes, counted, minute, seconds } from "./words.ts";

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
      <Code detail={detail} />
    </>
  );
}

function Facts({ relation, detail: { relation: place, facts, columns } }: Omit<DetailProps, "sources">) {
  const hasSources = sourcesOf(useProject(), place).length > 0;
  const key = relation.columns.filter((_, at) => columns[at]?.isKey).map(([name]) => name);
  const rows: (readonly [string, ComponentChildren] | false)[] = [
    key.length > 0 && ["One row per", key.map((name) => <code key={name}>{name}</code>)],
    facts.rows !== undefined && ["Rows, about", separated(String(facts.rows))],
    facts.bytes !== undefined && ["Size", bytes(facts.bytes)],
    relation.seconds !== undefined && ["Built in", seconds(Number(relation.seconds))],
    facts.builtIn !== undefined && ["Built for", `release ${facts.builtIn}`],
    facts.from !== undefined && ["Comes from", facts.from],
    facts.landedBy !== undefined && ["Landed by", <code>{facts.landedBy}</code>],
    facts.from !== undefined && ["Last load", <LastLoad relation={relation} />],
    facts.from === undefined && hasSources && ["Data loaded", <DataLoaded relation={relation} />],
    facts.owner !== undefined && ["Owner", facts.owner],
    facts.hasPolicies === true && [
      "Row-level security",
      "readers see what its policies let through; no value of it is shown here",
    ],
    facts.grants.length > 0 && [
      "Others may",
      facts.grants.map(([grantee, privileges]) => (
        <span class="line" key={grantee}>
          {grantee}: {privileges}
        </span>
      )),
    ],
    facts.indexes.length > 0 && [
      "Indexes",
      facts.indexes.map((index) => (
        <code class="line" key={index}>
          {index}
        </code>
      )),
    ],
    facts.settings.length > 0 && [
      "Settings",
      facts.settings.map((setting) => (
        <code class="line" key={setting}>
          {setting}
        </code>
      )),
    ],
    facts.readers.length > 0 && ["Read by others", facts.readers.join(", ")],
  ];
  return (
    <dl class="facts">
      {rows
        .filter((row) => row !== false)
        .map(([term, value]) => (
          <div key={term}>
            <dt>{term}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}

interface ShownColumn extends SiteColumn {
  readonly name: string;
  readonly type: string;
  readonly description: string;
}

function Columns({ relation, detail, sources, chosen }: DetailProps & { readonly chosen: string | undefined }) {
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

/** "12 %", from a share as the server writes it. */
function nullShare({ about }: ShownColumn): string {
  if (!about) return "";
  const share = Number(about.nullShare) * 100;
  return share === 0 ? "0 %" : share < 1 ? "< 1 %" : `${Math.round(share)} %`;
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

function Neighbours({ relation, place }: { readonly relation: SiteRelation; readonly place: number }) {
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

/** Of what a load fills: when it last did, and whether that is as new as its source declares. */
function LastLoad({ relation }: { readonly relation: SiteRelation }) {
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
function DataLoaded({ relation }: { readonly relation: SiteRelation }) {
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

const NUMBER = /^(?:smallint|integer|bigint|numeric|real|double precision)\b/;

function Sample({
  relation,
  sample,
}: {
  readonly relation: SiteRelation;
  readonly sample: NonNullable<SiteDetail["sample"]>;
}) {
  const types = new Map(relation.columns.map(([name, type]) => [name, type]));
  return (
    <Section id="sample" title="Some rows" aside={counted(sample.rows.length, "row")}>
      {sample.rows.length ? (
        <Table
          caption="Some rows"
          rows={sample.rows}
          columns={sample.columns.map((title, index) => ({
            title,
            isNumber: NUMBER.test(types.get(title) ?? ""),
            cell: (row: readonly (string | null)[]) => <Cell value={row[index] ?? null} />,
          }))}
        />
      ) : (
        <Empty>It has no rows.</Empty>
      )}
    </Section>
  );
}

function Tests({ relation, tests }: { readonly relation: SiteRelation; readonly tests: readonly SiteTest[] }) {
  if (!tests.length && relation.kind === "source") return null;
  return (
    <Section id="tests" title="Tests that hold it" aside={counted(tests.length, "test")}>
      {tests.length ? (
        <ul class="tests">
          {tests.map((test) => (
            <li key={test.name}>
              <Test test={test} />
            </li>
          ))}
        </ul>
      ) : (
        <Empty>No assertion holds it: `assertions` in its config are the quickest way to one.</Empty>
      )}
    </Section>
  );
}

function Test({ test }: { readonly test: SiteTest }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>
        <Verdict test={test} />
        <span class="test-name">{test.name.slice(test.name.indexOf(".") + 1)}</span>
        {test.description && <span class="test-about">{test.description}</span>}
      </summary>
      {isOpen && (
        <>
          <p class="note">
            <code>{test.file}</code> returns the rows that should not exist:
          </p>
          <TextOf part={`tests-${test.part}`} name={test.name} show={(text) => <Sql text={text} />} />
        </>
      )}
    </details>
  );
}

function Verdict({ test: { verdict, rows } }: { readonly test: SiteTest }) {
  if (verdict === undefined) return <Badge tone="plain">not run</Badge>;
  if (verdict === "ok") return <Badge tone="good">holds</Badge>;
  const tone = verdict === "failed" ? "bad" : "notice";
  return <Badge tone={tone}>{rows === undefined ? verdict : `${verdict}: ${counted(rows, "row")}`}</Badge>;
}

function Code({ detail: { filePart, file, compiled } }: { readonly detail: SiteDetail }) {
  const tabs = [
    ...(filePart !== undefined && file
      ? [
          {
            title: file,
            view: <TextOf part={`files-${filePart}`} name={file} show={(text) => <Source text={text} file={file} />} />,
          },
        ]
      : []),
    ...compiled.map(({ title, sql }) => ({ title: `compiled: ${title}`, view: <Sql text={sql} /> })),
  ];
  const [chosen, choose] = useState(0);
  if (!tabs.length) return null;
  return (
    <Section id="code" title="Code">
      <div class="tabs" role="tablist" aria-label="Code">
        {tabs.map(({ title }, index) => (
          <button
            type="button"
            role="tab"
            id={`code-tab-${index}`}
            aria-controls="code-panel"
            aria-selected={index === chosen}
            onClick={() => choose(index)}
          >
            {title}
          </button>
        ))}
      </div>
      <div role="tabpanel" id="code-panel" aria-labelledby={`code-tab-${chosen}`}>
        {tabs[chosen]!.view}
      </div>
    </Section>
  );
}
