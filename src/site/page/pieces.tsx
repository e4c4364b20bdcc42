import type { ComponentChildren } from "preact";
import type { SiteKind, SiteRelation, SiteState } from "../../model/site.ts";
import { findRelation, type Loaded, useProject } from "./context.ts";
import { Inline } from "./markdown.tsx";
import { href, relationHref } from "./route.ts";
import { KINDS, STATES, type Tone } from "./words.ts";

export function KindMark({ kind }: { readonly kind: SiteKind }) {
  return (
    <span class={`kind kind-${kind}`} title={KINDS[kind].what}>
      {KINDS[kind].one}
    </span>
  );
}

export function Badge({ tone, children, title }: { tone: Tone; children: ComponentChildren; title?: string }) {
  return (
    <span class={`badge badge-${tone}`} title={title}>
      {children}
    </span>
  );
}

/** What is as it should be is not worth a word. */
export function StateBadge({ state, always }: { readonly state: SiteState; readonly always?: boolean }) {
  const { word, tone, what } = STATES[state];
  if (!word || (state === "published" && !always)) return null;
  return (
    <Badge tone={tone} title={what}>
      {word}
    </Badge>
  );
}

const ROOMS = { catalogue: "Catalogue", lineage: "Lineage" } as const;

/** Where it is found, and its name. */
export function RelationHead({ relation, room }: { relation: SiteRelation; room: keyof typeof ROOMS }) {
  return (
    <>
      <p class="crumbs">
        <a href={href([room])}>{ROOMS[room]}</a> <span aria-hidden="true">/</span>{" "}
        <a href={href(["catalogue", relation.product])}>{relation.product}</a>
      </p>
      <h1 class="name">
        <span class="of-schema">{relation.schema}.</span>
        <wbr />
        <Name text={relation.name} />
      </h1>
    </>
  );
}

/** A name that breaks behind its underscores where there is no room for all of it. */
export function Name({ text }: { readonly text: string }) {
  return <>{text.split(/(?<=_)(?!_)/).flatMap((piece, at) => (at ? [<wbr key={at} />, piece] : [piece]))}</>;
}

/** A link with the schema in grey before the name. */
export function RelationLink({ relation, column }: { readonly relation: SiteRelation; readonly column?: string }) {
  return (
    <a class="relation-link" href={relationHref(relation, column)}>
      <span class={`dot kind-${relation.kind}`} aria-hidden="true" />
      <span class="of-schema">{relation.schema}.</span>
      <wbr />
      <Name text={relation.name} />
    </a>
  );
}

/** What a record calls `schema.name`: a link where the project has a page of it. */
export function NameLink({ name }: { readonly name: string }) {
  const project = useProject();
  const dot = name.indexOf(".");
  const place = findRelation(project, name.slice(0, dot), name.slice(dot + 1));
  if (place === undefined) return <>{name}</>;
  return (
    <a class="relation-link" href={relationHref(project.core.relations[place]!)}>
      <span class="of-schema">{name.slice(0, dot + 1)}</span>
      <wbr />
      <Name text={name.slice(dot + 1)} />
    </a>
  );
}

export function Section({ id, title, aside, children }: SectionProps) {
  return (
    <section class="section" aria-labelledby={id}>
      <header>
        <h2 id={id}>{title}</h2>
        {aside && <div class="aside">{aside}</div>}
      </header>
      {children}
    </section>
  );
}

interface SectionProps {
  readonly id: string;
  readonly title: ComponentChildren;
  readonly aside?: ComponentChildren;
  readonly children: ComponentChildren;
}

/** Nothing to show, and what would change that. Words between backticks are what somebody types. */
export function Empty({ children }: { readonly children: ComponentChildren }) {
  return <p class="empty">{typeof children === "string" ? <Inline text={children} /> : children}</p>;
}

/** What is not there yet, or could not be read. */
export function Awaited<T>({ part, children }: { part: Loaded<T>; children: (value: T) => ComponentChildren }) {
  if (part.state === "there") return <>{children(part.value)}</>;
  if (part.state === "failed") return <p class="failure">{part.message}</p>;
  return <p class="loading">Loading…</p>;
}
