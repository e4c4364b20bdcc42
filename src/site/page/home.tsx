import type { OperationsData } from "../../model/operations.ts";
import { usePart, useProject } from "./context.ts";
import { Badge, Empty, Section } from "./pieces.tsx";
import { groupsOf, type Product, productsOf } from "./products.ts";
import { href } from "./route.ts";
import { counted, minute, seconds, type Tone } from "./words.ts";

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
      <Now />
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
        aside={
          <a href={href(["catalogue"])}>
            all {counted(core.relations.filter(({ kind }) => kind !== "dashboard").length, "relation")}
          </a>
        }
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

/** Whether what is shown can be trusted now: the last run, what its tests said, how new the data are. */
function Now() {
  const part = usePart<OperationsData>("operations");
  if (part?.state !== "there") return null;
  const { runs, assertions, freshness } = part.value;
  const [run] = runs;
  const failed = assertions.filter(({ status }) => status === "failed").length;
  const late = freshness.filter(({ state }) => state === "warn" || state === "error");
  const declared = freshness.filter(({ state }) => state !== "undeclared" && state !== "never");
  const facts: readonly (readonly [tone: Tone, text: string, tab: string])[] = [
    run
      ? [
          run.status === "success" ? "good" : run.status === "running" ? "notice" : "bad",
          `last run ${run.status}, ${minute(run.startedAt)}, ${seconds(run.seconds)}`,
          "runs",
        ]
      : ["notice", "no run yet", "runs"],
    failed
      ? ["bad", `${counted(failed, "test")} failed`, "tests"]
      : assertions.length
        ? ["notice", `${counted(assertions.length, "test")} with a warning`, "tests"]
        : ["good", "every test passed", "tests"],
    ...(declared.length
      ? [
          late.length
            ? (["bad", `${counted(late.length, "stream")} late`, "freshness"] as const)
            : (["good", "data as new as declared", "freshness"] as const),
        ]
      : []),
  ];
  return (
    <p class="now">
      {facts.map(([tone, text, tab]) => (
        <a key={tab} class={`badge badge-${tone}`} href={href(["operations", tab])}>
          {text}
        </a>
      ))}
    </p>
  );
}
