import { useProject } from "./context.ts";
import { Badge, Empty, Section } from "./pieces.tsx";
import { groupsOf, type Product, productsOf } from "./products.ts";
import { href } from "./route.ts";
import { counted } from "./words.ts";

export function Home() {
  const { core } = useProject();
  const products = productsOf(core);
  const { dashboards, release } = core;
  const sources = products.filter(({ isSource }) => isSource);
  const card = ({ name, members, failing }: Product) => (
    <a key={name} class="card" href={href(["catalogue", name])}>
      <strong>{name}</strong>
      <span>
        {groupsOf(members)
          .map(([group, some]) => `${some.length} ${group}`)
          .join(", ")}
      </span>
      {failing > 0 && <Badge tone="bad">{counted(failing, "relation")} with failing tests</Badge>}
    </a>
  );
  return (
    <div class="page">
      <h1>{core.project}</h1>
      <p class="lead">
        {release
          ? "What the models of this project publish, what each column means and where it comes from."
          : "What the models of this project say. Nothing is published yet: `dataform run` does it."}
      </p>
      {dashboards.length > 0 && (
        <Section id="answers" title="Answers">
          <div class="cards">
            {dashboards.map(({ name, title, description }) => (
              <a key={name} class="card" href={href(["dashboard", name])}>
                <strong>{title}</strong>
                {description && <span>{firstSentence(description)}</span>}
              </a>
            ))}
          </div>
        </Section>
      )}
      <Section
        id="products"
        title="Catalogue"
        aside={<a href={href(["catalogue"])}>all {counted(core.relations.length, "relation")}</a>}
      >
        {products.length ? (
          <div class="cards">{products.filter(({ isSource }) => !isSource).map(card)}</div>
        ) : (
          <Empty>The project has no models yet. Put a first one into definitions/.</Empty>
        )}
      </Section>
      {sources.length > 0 && (
        <Section id="sources" title="Sources">
          <div class="cards small">{sources.map(card)}</div>
        </Section>
      )}
    </div>
  );
}

function firstSentence(text: string): string {
  return /^[\s\S]*?[.!?](?=\s|$)/.exec(text.trim())?.[0] ?? text.trim();
}
