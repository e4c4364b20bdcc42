import type { ComponentChildren } from "preact";
import { separated } from "../../../charts/shown.ts";
import type { SiteDetail, SiteRelation } from "../../../model/site.ts";
import { sourcesOf, useProject } from "../context.ts";
import { bytes, seconds } from "../words.ts";
import { DataLoaded, LastLoad } from "./loaded.tsx";

interface FactsProps {
  readonly relation: SiteRelation;
  readonly detail: SiteDetail;
}

/** What the server knows of it. */
export function Facts({ relation, detail: { relation: place, facts, columns } }: FactsProps) {
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
